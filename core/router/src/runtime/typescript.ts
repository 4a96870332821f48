/** Whether Node imports TypeScript, and what its errors about it mean. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { shortPath } from '../system/returned.js';

/** Node 22.18 and newer import TypeScript themselves: they remove its types. */
export const nodeImportsTypeScript = 'typescript' in process.features && process.features.typescript !== false;

/** What an error of Node about TypeScript means, and what to do; null for every other error. */
export function typeScriptProblem(error: unknown): { readonly message: string; readonly hint: string } | null {
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
