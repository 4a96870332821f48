/** Requests that nobody should send: some nearly right, some no HTTP at all. */
import * as fc from 'fast-check';
import { signedHeaders } from './signing.js';

/** A request that an HTTP client can send; some are signed as they must be. */
export interface RandomRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const oneOf = (texts: string): fc.Arbitrary<string> => fc.constantFrom(...texts.split(' '));
const ascii = fc.string({ unit: 'binary-ascii', maxLength: 60 });

const hooks = (token: string) =>
  oneOf(`/hooks/agents /hooks/stamped /hooks/calls /hooks/calls/${token} /hooks/calls?token=${token}`);
const strangePaths = fc.oneof(
  oneOf('/ /healthz /readyz /metrics /api /api/events /api/openapi.json /hooks /hooks/ /hooks/__proto__'),
  oneOf('/hooks/% /hooks/agents/%ff%fe /api/events/%00 /hooks/agents?% //hooks//agents /..%2f..%2fetc/passwd'),
  fc.webPath().map((path) => `/hooks/agents${path}`),
  fc.webPath({ size: 'large' }),
  fc.string({ unit: 'binary-ascii' }).map((text) => `/hooks/${encodeURI(text)}`),
);

const fields = oneOf(
  'event type agentId agent_id conversationId conversation_id callId duration data call conversation chat id from_number to_number startTime timestamp createdAt toString',
);
const values = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom('agent_sales', 'agent_support', 'conversation_analyzed', 'inbound_call', '+49301234567'),
  fc.constantFrom(1e308, -0, 9e15, -1, '2026-01-01', '2026-13-45T99:99:99Z', '', ' ', 'x'.repeat(2_000)),
);
/** Bodies that look like what the platform sends, but for some of their values. */
const envelopes = fc
  .tuple(oneOf('conversation_ended inbound_call x'), fc.dictionary(fields, values))
  .map(([event, envelope]) => JSON.stringify({ event, from_number: '+1', to_number: '+2', ...envelope }));
const bodies = fc.oneof(
  { weight: 5, arbitrary: envelopes.map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.json({ maxDepth: 6 }).map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.nat({ max: 70_000 }).map((length) => Buffer.alloc(length, '[')) },
);

const headerNames = fc.oneof(
  oneOf('content-type content-encoding x-timestamp x-sigmamind-signature authorization x-forwarded-for cookie range'),
  fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
);
const headerValues = fc.oneof(
  fc.constantFrom('application/json; charset=latin1', 'text/plain', 'gzip', 'identity', '', '1', 'Bearer x'),
  ascii.map((text) => text.replace(/[^\t\x20-\x7e]/g, '').trim()),
);
const extraHeaders = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.dictionary(headerNames, headerValues, { maxKeys: 8 }) },
);

const paths = (token: string): fc.Arbitrary<string> =>
  fc.oneof({ weight: 3, arbitrary: hooks(token) }, { weight: 1, arbitrary: strangePaths });

/** What an HTTP client can send. */
export function randomRequests(token: string): fc.Arbitrary<RandomRequest> {
  return fc
    .record({ path: paths(token), body: bodies, extra: extraHeaders })
    .map(({ path, body, extra }) => ({ path, body, headers: { ...signedHeaders(body), ...extra } }));
}

const methods = fc.oneof(
  oneOf('GET POST POST POST PUT PATCH DELETE HEAD OPTIONS TRACE CONNECT PRI M-SEARCH'),
  fc.stringMatching(/^[A-Za-z]{1,12}$/),
);
const lines = fc.oneof(
  fc.constantFrom('Content-Length: 10', 'Content-Length: -1', 'Content-Length: 99999999999999999999'),
  fc.constantFrom('Transfer-Encoding: chunked', 'Transfer-Encoding: gzip, chunked', 'Expect: 100-continue'),
  fc.constantFrom('Connection: close', 'Connection: upgrade, keep-alive', 'Upgrade: h2c', 'Host: x', 'Host:'),
  fc.constantFrom('Content-Type: application/json', ' folded', ': nameless', '\x00', 'Content-Length: 10, 10'),
  fc.tuple(fc.stringMatching(/^[A-Za-z-]{1,12}$/), ascii).map(([name, value]) => `${name}: ${value}`),
  ascii,
);
const heads = fc
  .record({
    method: methods,
    path: paths('x'),
    version: oneOf('HTTP/1.1 HTTP/1.1 HTTP/1.0 HTTP/2.0 HTP/1.1'),
    lines: fc.array(lines, { maxLength: 12 }),
  })
  .map(({ method, path, version, lines: more }) => [`${method} ${path} ${version}`, ...more, '', ''].join('\r\n'));

/** Where, with which byte, and how. */
type Wound = readonly [at: number, byte: number, how: 'change' | 'cut' | 'add'];
const wounds: fc.Arbitrary<Wound> = fc.tuple(
  fc.nat(),
  fc.integer({ min: 0, max: 255 }),
  fc.constantFrom('change', 'cut', 'add'),
);

/** What can be written to a socket: up to three requests in a row, with some bytes changed, left out or put in. */
export const randomBytes: fc.Arbitrary<Buffer> = fc
  .record({
    requests: fc.array(fc.tuple(heads, bodies), { minLength: 1, maxLength: 3 }),
    wounds: fc.array(wounds, { maxLength: 6 }),
  })
  .map(({ requests, wounds: all }) => {
    const whole = requests.flatMap(([head, body]) => [Buffer.from(head, 'latin1'), body]);
    return all.reduce(wounded, Buffer.concat(whole));
  });

function wounded(bytes: Buffer, [at, byte, how]: Wound): Buffer {
  const index = bytes.length === 0 ? 0 : at % bytes.length;
  const inserted = how === 'cut' ? [] : [byte];
  const rest = bytes.subarray(how === 'add' ? index : index + 1);
  return Buffer.concat([bytes.subarray(0, index), Buffer.from(inserted), rest]);
}
