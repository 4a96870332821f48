/** A local imitation of Google: access tokens of a service account, and the cells of one spreadsheet by the Sheets API v4. */
import { generateKeyPairSync, verify } from 'node:crypto';
import type { JsonObject, JsonValue } from '@switchhook/sdk';
import { type Behaviour, type ReceivedRequest, type Response, receiver } from '@switchhook/testkit';

export const spreadsheet = '1AbCdEfGhIjKlMnOpQrStUvWxYz';
export const email = 'router@project.iam.gserviceaccount.com';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
export const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

/** A cell as it is kept: what was typed as a formula is one. */
export type FarCell = JsonValue | { readonly formula: string };

export async function google() {
  const sheets = new Map<string, FarCell[][]>([['Calls', []]]);
  /** Claims of the assertions that were exchanged for tokens, and the tokens that count. */
  const assertions: JsonObject[] = [];
  const tokens = new Set<string>();
  let instead: Behaviour | null = null;
  /** After how many more requests to the API the connection is cut, once the request has had its effect. */
  let cutAfter = Number.POSITIVE_INFINITY;

  const json = (body: JsonObject, status = 200): Response => ({
    status,
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json; charset=UTF-8' },
  });
  const refusal = (code: number, message: string) => json({ error: { code, message, status: 'ERROR' } }, code);

  const tokenFor = (request: ReceivedRequest): Response => {
    const form = new URLSearchParams(request.text());
    const [head = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.');
    const isSigned = verify(
      'RSA-SHA256',
      Buffer.from(`${head}.${claims}`),
      publicKey,
      Buffer.from(signature, 'base64url'),
    );
    if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer' || !isSigned)
      return json({ error: 'invalid_grant', error_description: 'Invalid JWT Signature.' }, 400);
    assertions.push(JSON.parse(Buffer.from(claims, 'base64url').toString()));
    const token = `ya29.token-${assertions.length}`;
    tokens.add(token);
    return json({ access_token: token, expires_in: 3_599, token_type: 'Bearer' });
  };

  /** Null where there is no such sheet. */
  const rangeIn = (text: string) => {
    const [, quoted, plain, cells] = /^(?:'((?:[^']|'')+)'|([^'!]+))(?:!(.+))?$/.exec(text) ?? [];
    const rows = sheets.get((quoted ?? plain ?? '').replaceAll("''", "'"));
    const [, column = '', first, last] = /^([A-Z]*)(\d*)(?::[A-Z]*(\d*))?$/.exec(cells ?? '') ?? [];
    return rows === undefined ? null : { rows, column, first: Number(first), last: Number(last) };
  };
  const typed = (value: FarCell, option: JsonValue | undefined): FarCell =>
    option === 'USER_ENTERED' && typeof value === 'string' && value.startsWith('=') ? { formula: value } : value;
  const put = (row: FarCell[], values: readonly FarCell[], option: JsonValue | undefined): void =>
    values.forEach((value, index) => {
      if (value !== null) row[index] = typed(value, option);
    });
  const trimmed = (row: readonly FarCell[]): readonly FarCell[] => {
    const whole = Array.from(row, (cell) => cell ?? '');
    return whole.slice(0, whole.findLastIndex((cell) => cell !== '') + 1);
  };

  const effectOf = (request: ReceivedRequest): Response => {
    const { pathname, searchParams } = new URL(request.path, 'http://x');
    if (!tokens.has(request.headers.authorization?.replace('Bearer ', '') ?? ''))
      return refusal(401, 'Request had invalid authentication credentials.');
    const prefix = `/v4/spreadsheets/${spreadsheet}/values`;
    if (!pathname.startsWith(prefix)) return refusal(404, 'Requested entity was not found.');
    const call = `${request.method} ${decodeURIComponent(pathname.slice(prefix.length))}`;
    if (call === 'GET :batchGet') {
      const ranges = searchParams.getAll('ranges').map((text) => ({ text, range: rangeIn(text) }));
      const unknown = ranges.find(({ range }) => range === null);
      if (unknown !== undefined) return refusal(400, `Unable to parse range: ${unknown.text}`);
      const valueRanges = ranges.map(({ text, range }) => {
        const { rows = [], column = '', first = 0 } = range ?? {};
        const index = [...column].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
        const taken = first > 0 ? rows.slice(first - 1, first) : rows;
        const values = taken.map((row) => trimmed(column === '' ? row : [row[index] ?? '']));
        return {
          range: text,
          majorDimension: 'ROWS',
          values: values.slice(0, values.findLastIndex((row) => row.length > 0) + 1),
        };
      });
      return json({ spreadsheetId: spreadsheet, valueRanges } as unknown as JsonObject);
    }
    const body = Object(request.json());
    if (call === 'POST :batchUpdate') {
      for (const { range, values } of body.data) {
        const found = rangeIn(range);
        if (found === null) return refusal(400, `Unable to parse range: ${range}`);
        found.rows[found.first - 1] ??= [];
        put(found.rows[found.first - 1] ?? [], values[0], body.valueInputOption);
      }
      return json({ spreadsheetId: spreadsheet });
    }
    const [, range = ''] = /^POST \/(.+):append$/.exec(call) ?? [];
    const found = rangeIn(range);
    if (found === null) return refusal(400, `Unable to parse range: ${range}`);
    if (body.values.flat().some((cell: JsonValue) => String(cell ?? '').length > 50_000))
      return refusal(400, 'Your input contains more than the maximum of 50000 characters in a single cell.');
    const gap = found.rows.findIndex((row) => trimmed(row ?? []).length === 0);
    const rows = (body.values as FarCell[][]).map((values) => {
      const row: FarCell[] = [];
      put(row, values, searchParams.get('valueInputOption'));
      return row;
    });
    found.rows.splice(gap < 0 ? found.rows.length : gap, 0, ...rows);
    return json({ spreadsheetId: spreadsheet, updates: { updatedRows: rows.length } });
  };

  const far = await receiver((request, index) => {
    if (instead !== null) return instead(request, index);
    if (request.path === '/token') return tokenFor(request);
    const reply = effectOf(request);
    cutAfter -= 1;
    return cutAfter < 0 ? 'reset' : reply;
  });
  return {
    far,
    /** The cells of a sheet, which a test may change. */
    cells: (name = 'Calls'): FarCell[][] => {
      const found = sheets.get(name) ?? [];
      sheets.set(name, found);
      return found;
    },
    assertions,
    tokens,
    json,
    refusal,
    credentials: (more: JsonObject = {}) =>
      JSON.stringify({
        type: 'service_account',
        client_email: email,
        private_key: pem,
        token_uri: `${far.url}/token`,
        ...more,
      }),
    /** Requests to the API, without those for tokens: method, and the end of the path. */
    calls: () =>
      far.requests
        .filter(({ path }) => path !== '/token')
        .map(({ method, path }) => `${method} ${/(:\w+)(\?|$)/.exec(path)?.[1] ?? path}`),
    /** Answers in another way; null = as it should. */
    answers: (behaviour: Behaviour | null) => {
      instead = behaviour;
    },
    cutAfter: (requests: number) => {
      cutAfter = requests;
    },
  };
}
