/** The options of an SMTP account, and what they mean together. */
import { problem, secret, z } from '@switchhook/sdk';

const port = z.int().min(1).max(65_535);
const urlForm = /^smtps?:\/\/(?:[^/?#@\s]+@)?[^/?#@\s]+\/?$/;

/** One of `url` and `host` is needed, which a row checks with `checkAccount`. */
export const accountOptions = {
  url: secret('`smtp://user:password@host:587`, or `smtps://` for implicit TLS. Either this or host.')
    .refine((text) => urlForm.test(text) && URL.canParse(text) && isDecodable(text), {
      error: 'expected smtp://user:password@host:port or smtps://…, with special characters percent-encoded',
      params: { problem: 'INVALID_VALUE' },
    })
    .optional(),
  host: z
    .string()
    .regex(/^[^\s/:@]+$|^[\da-f:.]+$/i, 'expected the name or address of a host')
    .optional()
    .meta({ description: 'Name or address of the SMTP server. Either this or url.' }),
  port: port.optional().meta({ description: 'Port. Default: 465 for implicit TLS, else 587.' }),
  user: z.string().min(1).optional().meta({ description: 'User name. Default: no log-in.' }),
  password: secret('Password of the user.').optional(),
  tls: z.enum(['starttls', 'implicit', 'none']).optional().meta({
    description:
      '`starttls`: encrypted by STARTTLS, and nothing is sent to a server without it. `implicit`: encrypted from the start. `none`: not encrypted, the password neither. Default: `implicit` for `smtps://` and port 465, else `starttls`.',
  }),
  verifyCertificate: z
    .boolean()
    .default(true)
    .meta({ description: "`false` accepts any certificate of the server, also an attacker's." }),
};

/** What the options of an account come to. */
export interface Account {
  readonly host: string;
  readonly port: number;
  readonly tls: 'starttls' | 'implicit' | 'none';
  readonly verifyCertificate: boolean;
  /** Null where there is no log-in. */
  readonly login: { readonly user: string; readonly pass: string } | null;
}

/** The options of an account, checked. */
export interface AccountRow {
  readonly url?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly tls?: Account['tls'] | undefined;
  readonly verifyCertificate: boolean;
}

/** Reports options that do not fit together. */
export function checkAccount(row: AccountRow, ctx: z.RefinementCtx): void {
  const report = (path: keyof AccountRow, message: string, kind = 'INVALID_VALUE') =>
    ctx.addIssue({ ...problem(message), path: [path], params: { problem: kind } });
  if (row.url === undefined && row.host === undefined) report('host', 'expected host or url', 'MISSING_KEY');
  for (const name of ['host', 'port', 'user', 'password'] as const)
    if (row.url !== undefined && row[name] !== undefined)
      report(name, `url has a place for it: expected url or ${name}`);
  if (row.url?.startsWith('smtps:') && row.tls !== undefined && row.tls !== 'implicit')
    report('tls', 'smtps:// is implicit TLS: write smtp:// for another kind');
  if (row.user !== undefined && row.password === undefined) report('password', 'user needs a password', 'MISSING_KEY');
  if (row.user === undefined && row.password !== undefined) report('user', 'password needs a user', 'MISSING_KEY');
}

/** The account of a row. */
export function accountOf(row: AccountRow): Account {
  const url = row.url === undefined ? null : new URL(row.url);
  const part = (text: string | undefined) => (text === undefined ? '' : decodeURIComponent(text));
  const host = url === null ? (row.host ?? '') : part(url.hostname).replace(/^\[|\]$/g, '');
  const given = url === null ? row.port : Number(url.port) || undefined;
  const tls = row.tls ?? (url?.protocol === 'smtps:' || given === 465 ? 'implicit' : 'starttls');
  const [user, pass] = url === null ? [row.user, row.password ?? ''] : [part(url.username), part(url.password)];
  return {
    host,
    port: given ?? (tls === 'implicit' ? 465 : 587),
    tls,
    verifyCertificate: row.verifyCertificate,
    login: user === undefined || user === '' ? null : { user, pass },
  };
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
