/** Where a local module is no valid code: what imports it throws errors whose stacks do not name its line. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { shortPath } from '../system/returned.js';

/** The message with its place, `Unexpected token '>' (my-plugins/crm.ts:5:38)`; null where the error is none of syntax. `files`: what was imported. */
export async function syntaxProblem(error: unknown, files: Iterable<string>): Promise<string | null> {
  if (!(error instanceof Error)) return null;
  const { message, stack = '' } = error;
  // As esbuild, by which tsx translates, writes it; its columns count from 0.
  const [, path, line, column, what] = /^(.+?):(\d+):(\d+): ERROR: (.*)$/m.exec(message) ?? [];
  if (path !== undefined && error.name === 'TransformError')
    return `${what} (${shortPath(path)}:${line}:${Number(column) + 1})`;
  if (!(error instanceof SyntaxError)) return null;
  const place = placeIn(stack) ?? (await placeByNode(message, files));
  return place === null ? null : `${message} (${place})`;
}

/** Node itself names the place when it only checks a file, but not when it imports it. */
async function placeByNode(message: string, files: Iterable<string>): Promise<string | null> {
  for (const file of files) {
    if (!/\.[cm]?js$/.test(file)) continue;
    const output = await promisify(execFile)(process.execPath, ['--check', file]).then(
      () => '',
      ({ stderr }: { readonly stderr: string }) => stderr,
    );
    if (output.includes(message)) return placeIn(output);
  }
  return null;
}

/** Above the error: its file and line, some lines of code, and a mark below the place. */
function placeIn(text: string): string | null {
  const [, file, line, code = ''] = /^(file:.+|\/.+|[A-Z]:.+):(\d+)\n([\s\S]*?)^\s*\^+\s*$/m.exec(text) ?? [];
  if (file === undefined) return null;
  const mark = text.slice(text.indexOf(code) + code.length).split('\n')[0] ?? '';
  return `${shortPath(file.startsWith('file:') ? fileURLToPath(file) : file)}:${line}:${mark.indexOf('^') + 1}`;
}
