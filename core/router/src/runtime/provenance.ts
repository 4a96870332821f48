/** Where an installed plugin comes from, as npm has recorded it. Nothing is requested, and nothing is verified. */
import { readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { namedPlugins } from '../config/load.js';
import { shortPath } from '../system/returned.js';
import { readConfigFile } from './config-file.js';
import { fileOf, installedPlugins, isFile, isPath, manifestOf, packageDirectory } from './plugin-files.js';

/** The origin of a plugin. */
export interface Provenance {
  /** `unknown`: installed, but not by npm. */
  readonly source: 'registry' | 'tarball' | 'git' | 'folder' | 'local file' | 'unknown';
  /** URL of what was installed, or its path; null where it is unknown. */
  readonly resolved: string | null;
  /** Digest of what was installed, as npm has verified it at that time; null where there is none. */
  readonly integrity: string | null;
}

/** Written by npm beside what it installs. */
const record = 'node_modules/.package-lock.json';

/** Of the file of a plugin, and the name by which a configuration names it. */
export function provenanceOf({ from, path }: { readonly from: string; readonly path: string }): Provenance {
  if (isPath(from)) return { source: 'local file', resolved: shortPath(path), integrity: null };
  const folder = packageDirectory(path);
  // npm links a folder: its files are where they were.
  if (!folder.split(sep).includes('node_modules')) return { source: 'folder', resolved: folder, integrity: null };
  const { resolved, integrity: digest, inBundle } = entryOf(folder);
  const integrity = typeof digest === 'string' ? digest : null;
  if (typeof resolved === 'string')
    return { source: sourceOf(resolved), resolved: withoutPassword(resolved), integrity };
  // With omit-lockfile-registry-resolved, npm leaves out the URLs of what is from a registry, and only those.
  return { source: integrity === null || inBundle === true ? 'unknown' : 'registry', resolved: null, integrity };
}

/** A package or file that a configuration can use as plugin. It has not been imported. */
export interface PluginOrigin {
  /** Package name or path, as configured. */
  readonly plugin: string;
  /** The name in its own package.json, which another name may stand for; null where it is not installed, or no package. */
  readonly name: string | null;
  readonly version: string | null;
  /** Null where it is not installed. */
  readonly provenance: Provenance | null;
}

/** The origins of what the rows of `plugins:` name, and of all other plugins that are installed. Imports none of them. */
export async function pluginOrigins(file: string): Promise<readonly PluginOrigin[]> {
  const document = await readConfigFile(file);
  const names = new Set([...namedPlugins(document).map(({ use }) => use), ...installedPlugins(document.directory)]);
  return [...names].map((plugin) => {
    const path = fileOf(plugin, document.directory);
    if (path === null) return { plugin, name: null, version: null, provenance: null };
    const provenance = provenanceOf({ from: plugin, path });
    if (isPath(plugin)) return { plugin, name: null, version: null, provenance };
    const { name, version } = manifestOf(path) ?? {};
    return { plugin, name: textOrNull(name), version: textOrNull(version), provenance };
  });
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function entryOf(folder: string): Readonly<Record<string, unknown>> {
  for (let root = dirname(folder); root !== dirname(root); root = dirname(root)) {
    const file = join(root, record);
    if (!isFile(file)) continue;
    const { packages } = Object(parsed(readFileSync(file, 'utf8')));
    return Object(Object(packages)[relative(root, folder).split(sep).join('/')]);
  }
  return {};
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // npm was interrupted while it wrote the file.
    return null;
  }
}

function sourceOf(resolved: string): Provenance['source'] {
  if (/^git[+:]/.test(resolved)) return 'git';
  if (/^https?:.*\/-\/[^/]+\.tgz$/.test(resolved)) return 'registry';
  return /\.(tgz|tar\.gz)$|^https?:/.test(resolved) ? 'tarball' : 'folder';
}

/** A registry may be reached with a password in its URL. */
function withoutPassword(resolved: string): string {
  return resolved.replace(/^([a-z+]+:\/\/)[^/@]*@/, '$1');
}
