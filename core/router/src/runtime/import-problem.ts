/** Why the file of a plugin cannot be used, with the line, which Node does not say for all errors of an import. */
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shortPath } from '../system/returned.js';
import { located } from '../system/thrown.js';
import { isFile } from './plugin-files.js';
import { syntaxProblem } from './syntax-errors.js';

/** Node 22.18 and newer import TypeScript themselves: they remove its types. */
export const nodeImportsTypeScript = 'typescript' in process.features && process.features.typescript !== false;

const unexportedHint =
  'Import from @switchhook/sdk, and in tests from @switchhook/testkit: other files of the router change without notice.';

/** The message of an import that has failed, with its place, and what to do where that is known. `files`: what may have been imported. */
export async function importProblem(
  error: unknown,
  files: Iterable<string>,
): Promise<{ readonly message: string; readonly hint?: string }> {
  const explained = typeScriptProblem(error);
  if (explained !== null) return explained;
  const syntax = await syntaxProblem(error, files);
  if (syntax !== null) return { message: syntax };
  const place = error instanceof Error ? (placeInStack(error) ?? placeOfImport(error)) : null;
  const message = located(error, undefined, place);
  const [, , manifest = ''] = (error instanceof Error && unexported.exec(error.message)) || [];
  const isOurs = /[\\/]@switchhook[\\/][^\\/]+[\\/]package\.json$/.test(manifest);
  return isOurs ? { message, hint: unexportedHint } : { message };
}

/** ` (my-plugins/crm.js:31)`: the line of the default export, or else of the first export, or else the first line. */
export function exportPlace(path: string): string {
  const line = lineWith(path, /^\s*(?:export\s+default\b|module\.exports\b)/) ?? lineWith(path, /^\s*export\b/) ?? 1;
  return ` (${shortPath(path)}:${line})`;
}

/** Some errors begin with the place and the code. */
function placeInStack({ stack = '' }: Error): string | null {
  const [, url, line] = /^(file:[^\n]*):(\d+)\n/.exec(stack) ?? [];
  return url === undefined ? null : `${fileURLToPath(url.replace(/\?.*$/, ''))}:${line}`;
}

/** A file inside of a package that its `exports` do not name. */
const unexported = /^Package subpath '\.\/([^']+)' is not defined by "exports" in (.+) imported from (.+)$/;

/** What could not be found is named, and the file that imports it, but not its line. */
function placeOfImport({ message }: Error): string | null {
  const [, subpath, , from] = unexported.exec(message) ?? [];
  const [, missing = subpath ?? '', importer = from ?? ''] =
    /Cannot find (?:package|module) '([^']+)'(?: imported from |\nRequire stack:\n- )(.+)/.exec(message) ?? [];
  const path = importer.startsWith('file:') ? fileURLToPath(importer) : importer;
  const name = basename(missing).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const line = name === '' ? null : lineWith(path, new RegExp(`['"][^'"]*${name}(?:/[^'"]*)?['"]`));
  return line === null ? null : `${path}:${line}`;
}

/** Number of the first line that matches; null where there is none. */
function lineWith(path: string, pattern: RegExp): number | null {
  const index = isFile(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .findIndex((line) => pattern.test(line))
    : -1;
  return index < 0 ? null : index + 1;
}

/** What an error of Node about TypeScript means, and what to do; null for every other error. */
function typeScriptProblem(error: unknown): { readonly message: string; readonly hint: string } | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  if (error.code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    // The first line of the stack is the place, those behind it are the code.
    const [, url, line] = /^(file:.*):(\d+)$/m.exec(error.stack ?? '') ?? [];
    const place = url === undefined ? '' : ` (${shortPath(fileURLToPath(url))}:${line})`;
    return {
      message: `${error.message}: Node only removes the types of TypeScript${place}`,
      hint: 'Write an object (const Level = { low: 1 } as const) in place of an enum, and fields in place of parameter properties and decorators; erasableSyntaxOnly in tsconfig.json reports them all. Or name a file of compiled JavaScript.',
    };
  }
  if (error.code === 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING') {
    const [, url = ''] = /"(file:[^"]+)"/.exec(error.message) ?? [];
    return {
      message: `Node does not import TypeScript from packages, as ${url === '' ? 'this one' : shortPath(fileURLToPath(url))} is`,
      hint: 'Build the package: its "exports" must name compiled JavaScript. A file of your own outside of node_modules is named by its path.',
    };
  }
  const missing = 'url' in error && error.code === 'ERR_MODULE_NOT_FOUND' ? String(error.url) : '';
  const [, base, ending] = /^(file:.*)\.([cm]?)js$/.exec(missing) ?? [];
  if (base === undefined || !existsSync(fileURLToPath(`${base}.${ending}ts`))) return null;
  const name = base.slice(base.lastIndexOf('/') + 1);
  return {
    message: `${error.message}: there is only ${name}.${ending}ts`,
    hint: `Node imports files by their real names: write ${name}.${ending}ts, and set allowImportingTsExtensions in tsconfig.json.`,
  };
}
