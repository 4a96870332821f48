/** Where an installed plugin comes from, as npm has recorded it. Nothing is requested, and nothing is verified. */
import { readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { shortPath } from '../system/returned.js';
import { isFile, isPath, packageDirectory } from './plugin-files.js';

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
  const { resolved, integrity } = entryOf(folder);
  if (typeof resolved !== 'string') return { source: 'unknown', resolved: null, integrity: null };
  return {
    source: sourceOf(resolved),
    resolved: withoutPassword(resolved),
    integrity: typeof integrity === 'string' ? integrity : null,
  };
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
