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

export const ownPackagesHint =
  'Import from @switchhook/sdk, and in tests from @switchhook/testkit: other files of the router change without notice.';

/** The message of an import that has failed, with its place, and what to do. `files`: what may have been imported. */
export async function importProblem(
  error: unknown,
  files: Iterable<string>,
): Promise<{ readonly message: string; readonly hint: string }> {
  const explained = typeScriptProblem(error);
  if (explained !== null) return explained;
  const text = error instanceof Error ? error.message : '';
  const syntax = await syntaxProblem(error, files);
  if (syntax !== null) return { message: syntax, hint: syntaxHint(text) };
  if (!(error instanceof Error))
    return { message: located(error, undefined, placeOfThrow(files)), hint: 'Throw an Error: its stack has the line.' };
  const place = placeInStack(error) ?? placeOfImport(error);
  return { message: located(error, undefined, place), hint: failureHint(text) };
}

function syntaxHint(message: string): string {
  const [, from = '', name = ''] = /requested module '([^']+)' .*export named '([^']+)'/.exec(message) ?? [];
  if (name !== '')
    return `Check the spelling: ${from} has no value of that name. A type needs \`import type { ${name} }\`.`;
  if (/^(Cannot use import statement outside a module|Unexpected token 'export')/.test(message)) return moduleHint;
  return 'This line is no valid code: correct it. An editor, or npx tsc --noEmit, shows all such lines.';
}

const moduleHint = 'Set "type": "module" in the package.json of its folder, or name the file .mjs or .ts.';

function failureHint(message: string): string {
  const [, , manifest] = unexported.exec(message) ?? [];
  if (manifest !== undefined)
    return /[\\/]@switchhook[\\/][^\\/]+[\\/]package\.json$/.test(manifest)
      ? ownPackagesHint
      : 'Import what "exports" in that package.json names.';
  const [, missing] = notFound.exec(message) ?? [];
  if (missing !== undefined)
    return /^([./]|file:|[A-Z]:)/.test(missing)
      ? 'The path of an import starts at the file that imports, and ends with the ending of the file.'
      : `npm install ${packageIn(missing)}`;
  if (/^(require|module|exports) is not defined/.test(message))
    return 'The file is an ES module: use import and export default, or name it .cjs.';
  if (/\.meta is not a function$/.test(message))
    return 'Import z from @switchhook/sdk: the zod that is imported here is another one, without `meta`.';
  return 'It is thrown while the file is imported: move what needs options, files or the network into create or open.';
}

function packageIn(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** ` (my-plugins/crm.js:31)`: the line of the default export, or else of the first export, or else the first line. */
export function exportPlace(path: string): string {
  const line = lineWith(path, /^\s*(?:export\s+default\b|module\.exports\b)/) ?? lineWith(path, /^\s*export\b/) ?? 1;
  return ` (${shortPath(path)}:${line})`;
}

/** What is thrown and is no error has no place: the first line that throws such a value. */
function placeOfThrow(files: Iterable<string>): string | null {
  for (const file of files) {
    const line = lineWith(file, /\bthrow\s+(?!new\b)/);
    if (line !== null) return `${file}:${line}`;
  }
  return null;
}

/** Some errors begin with the place and the code. */
function placeInStack({ stack = '' }: Error): string | null {
  const [, url, line] = /^(file:[^\n]*):(\d+)\n/.exec(stack) ?? [];
  return url === undefined ? null : `${fileURLToPath(url.replace(/\?.*$/, ''))}:${line}`;
}

/** A file inside of a package that its `exports` do not name. */
const unexported = /^Package subpath '\.\/([^']+)' is not defined by "exports" in (.+) imported from (.+)$/;

const notFound = /Cannot find (?:package|module) '([^']+)'(?: imported from |\nRequire stack:\n- )(.+)/;

/** What could not be found is named, and the file that imports it, but not its line. */
function placeOfImport({ message }: Error): string | null {
  const [, subpath, , from] = unexported.exec(message) ?? [];
  const [, missing = subpath ?? '', importer = from ?? ''] = notFound.exec(message) ?? [];
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
