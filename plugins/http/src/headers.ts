/** Headers with expressions in them: no value can end its header and start another. */
import { FetchError, type Scope, type Template, text, z } from '@switchhook/sdk';

/** Names that belong to the connection, not to its user. */
const ofTheConnection = [
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** A map of headers. `taken` are names the component sets itself. */
export function headers(description: string, variables: readonly string[], taken: readonly string[] = []) {
  const reserved = new Set([...ofTheConnection, ...taken]);
  return z
    .record(z.string(), text('Value of the header.', variables))
    .superRefine((map, ctx) => {
      for (const name of Object.keys(map)) {
        const problem = problemWith(name, reserved);
        if (problem === null) continue;
        ctx.addIssue({ code: 'custom', message: problem, path: [name], params: { problem: 'INVALID_VALUE' } });
      }
    })
    .default({})
    .meta({ description });
}

/** Fills headers in, with lower-case names. Throws a `FetchError` where a value is none. */
export function renderedHeaders(
  templates: Readonly<Record<string, Template<string>>>,
  scope: Scope,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(templates).map(([name, template]) => [
      name.toLowerCase(),
      headerValue(name, template.render(scope)),
    ]),
  );
}

function headerValue(name: string, rendered: string): string {
  const value = rendered.trim();
  if (/[^\P{Cc}\t]/u.test(value))
    throw new FetchError('REQUEST_INVALID', `header ${name}: its value has a line break or another control character`);
  // A header is a row of bytes: what is beyond ASCII travels as UTF-8, as most clients send it.
  return Buffer.from(value, 'utf8').toString('latin1');
}

function problemWith(name: string, reserved: ReadonlySet<string>): string | null {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return 'this is not a name of a header';
  return reserved.has(name.toLowerCase()) ? 'this header is set by the router' : null;
}
