import { captureFile, maskFor, RefusedRequests } from '@switchhook/core/internal';
import { refuse } from '@switchhook/sdk';
import { aRequest, FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';

const url = 'https://hooks.example.com/hooks/agents';
const digest = 'ab'.repeat(32);
const mask = maskFor(['hunter2-hunter2']);

function fileOf(given: Parameters<typeof aRequest>[0]) {
  const { file, masked } = captureFile(aRequest({ method: 'POST', body: '{}', headers: {}, url, ...given }), mask);
  return { text: Buffer.from(file).toString(), file, masked };
}

/** The value of a header or a parameter in the file. */
const headerIn = (name: string, value: string) =>
  new RegExp(`^${name}: (.*)\r$`, 'm').exec(fileOf({ headers: { [name]: value } }).text)?.[1];

describe('the file of a refused request', () => {
  it('has the request as it came: its line, headers, an empty line and the exact bytes', () => {
    const body = Buffer.from([0x7b, 0xff, 0x00, 0x0d, 0x0a, 0x7d]);
    const headers = { host: 'hooks.example.com', 'content-type': 'application/json', 'x-signature': digest };
    const { file, masked } = fileOf({
      headers: { ...headers, 'transfer-encoding': 'chunked' },
      body,
      url: `${url}/?a=1%20`,
    });
    const head = `POST ${url}/?a=*** HTTP/1.1\r\nhost: hooks.example.com\r\ncontent-type: application/json\r\nx-signature: ${digest}\r\nx-switchhook-received-at: 2026-01-01T00:00:00.000Z\r\n\r\n`;
    expect(Buffer.from(file).equals(Buffer.concat([Buffer.from(head), body]))).to.equal(true);
    expect(masked).to.deep.equal(['parameter a']);
  });

  const jwt = (claims: object) =>
    `${['{}', JSON.stringify(claims)].map((part) => Buffer.from(part).toString('base64url')).join('.')}.c2ln`;
  const kept: readonly (readonly [string, string])[] = [
    ['x-sigmamind-signature', digest],
    ['x-hub-signature-256', `sha256=${digest}`],
    ['stripe-signature', `t=1767225600,v1=${digest},v0=${digest}`],
    ['x-retell-signature', `v=1767225600000,d=${digest}`],
    ['webhook-id', 'msg_1'],
    ['webhook-timestamp', '1767225600'],
    ['webhook-signature', `v1,${Buffer.from(digest, 'hex').toString('base64')} v1a,x`],
    ['x-slack-request-timestamp', '1767225600'],
    ['telnyx-signature-ed25519', Buffer.from(digest, 'hex').toString('base64')],
    ['x-auth-signature', digest],
    ['x-call-mark', `v2=${digest}`],
    ['x-sent', '2026-01-01T00:00:00Z'],
    ['authorization', jwt({ sha256: 'x', exp: 1 })],
    ['user-agent', 'SigmaMind/1.0'],
  ];
  for (const [name, value] of kept)
    it(`keeps what a signature consists of or covers: ${name}`, () => {
      expect(headerIn(name, value)).to.equal(value);
    });

  const hidden: readonly (readonly [string, string])[] = [
    ['authorization', 'Bearer an-opaque-token'],
    ['authorization', `Bearer ${digest}`],
    ['authorization', 'Basic YWRhOnNlY3JldA=='],
    ['authorization', jwt({ sub: 'ada', exp: 1 })],
    ['proxy-authorization', `Bearer ${digest}`],
    ['cookie', 'session=abc'],
    ['x-api-key', digest],
    ['x-vapi-secret', digest],
    ['x-gitlab-token', digest],
    ['x-signature-key', digest],
    ['x-signing-key', digest],
    ['x-session-id', '1767225600'],
    ['x-forwarded-for', '203.0.113.7'],
    ['x-customer', 'Ada Lovelace'],
    ['x-my-mark', 'abc'],
    ['x-client-id', 'abc'],
    ['x-account-id', '1767225600123'.repeat(2)],
    ['x-update', 'abc'],
    ['x-call-signature', 'abc'],
    ['x-call-mark', digest],
    ['x-call-mark', `key=${digest}`],
    ['x-call-mark', Buffer.from(digest, 'hex').toString('base64')],
    ['x-number', '2845678901'],
    ['x-sigmamind-signature', 'hunter2-hunter2'],
    ['user-agent', 'hunter2-hunter2'],
  ];
  for (const [name, value] of hidden)
    it(`masks what proves its sender by itself, and everything else: ${name}: ${value.slice(0, 20)}`, () => {
      expect(headerIn(name, value)).to.equal('***');
      const [what, ...others] = fileOf({ headers: { [name]: value } }).masked;
      expect([what?.replace(/ \(\d+ .+\)$/, ''), others]).to.deep.equal([`header ${name}`, []]);
    });

  it('tells the form of what may be a signature and is masked, so that it can be configured', () => {
    const base64 = Buffer.from(digest, 'hex').toString('base64');
    expect(fileOf({ headers: { 'x-mark': digest, 'x-other': base64, 'x-name': 'Ada' } }).masked).to.deep.equal([
      'header x-mark (64 hex digits)',
      'header x-other (44 characters of base64)',
      'header x-name',
    ]);
  });

  it('has no configured secret, wherever it is and in whatever form', () => {
    const secret = 'hunter2-hunter2';
    const forms = [secret, encodeURIComponent(secret), Buffer.from(`ada:${secret}`).toString('base64'), `v1=${secret}`];
    const names = ['user-agent', 'x-forwarded-host', 'x-signature', 'webhook-id', 'x-neutral', 'date', 'authorization'];
    for (const form of forms) {
      const headers = Object.fromEntries(names.map((name) => [name, `Mozilla ${form} (X11)`]));
      const sent = { headers, url: `${url}/${form}?signature=${form}&x=${form}`, body: `{"x":"${form}"}` };
      expect(fileOf(sent).text, form).to.not.include(form).and.not.include(secret);
    }
  });

  it('masks the token at the end of the path and in the query, and leaves the rest of the URL as it was written', () => {
    const lineOf = (written: string) => fileOf({ url: written, rest: 'x' }).text.split('\r\n')[0];
    expect(lineOf(`${url}/a-token/of/two`)).to.equal(`POST ${url}/*** HTTP/1.1`);
    expect(lineOf(`${url}?token=${digest}&bodySHA256=${digest}&event_id=a%2Fb+c&id=a&flag`)).to.equal(
      `POST ${url}?token=***&bodySHA256=${digest}&event_id=a%2Fb+c&id=***&*** HTTP/1.1`,
    );
    expect(lineOf('no url')).to.equal('POST /hooks HTTP/1.1');
  });

  it('has no secret of the configuration in its body, whose signature cannot be verified then', () => {
    const { text, masked } = fileOf({ body: '{"note":"hunter2-hunter2"}' });
    expect(text).to.include('{"note":"***"}');
    expect(masked).to.deep.equal(['the body']);
  });

  it('cannot be given further lines by a header', () => {
    expect(fileOf({ headers: { 'x-request-id': 'a\r\nx-evil: b' } }).text).to.include('x-request-id: a  x-evil: b\r\n');
  });

  it('is written in a time that grows with the headers only', () => {
    const long = ['a'.repeat(16_000), 'v1=a,'.repeat(3_000), `${'a=b,'.repeat(4_000)}!`, `${'a,'.repeat(8_000)}!`];
    for (const value of long) expect(headerIn('x-odd', value)).to.be.oneOf(['***', value]);
  }).timeout(5_000);
});

describe('captured requests', () => {
  function setup(captures: readonly string[]) {
    const clock = new FakeClock();
    const plan = { value: { sources: new Map(), captures: new Set(captures) } };
    const refused = new RefusedRequests(plan, clock, mask);
    const add = (source: string, body: string | Uint8Array | null = '{}') => {
      const request = body === null ? null : aRequest({ body });
      const rest = { remoteAddress: '203.0.113.7', method: 'POST', bytes: null, request };
      refused.refused({ source, refusal: refuse('UNVERIFIED', 'no'), ...rest });
    };
    const kept = () => refused.list({ limit: 1_000 }).items.filter(({ captured }) => captured);
    return { clock, plan, refused, add, kept };
  }

  it('are the last twenty of each source that captures, and of no other', () => {
    const { refused, add, kept } = setup(['agents', 'calls']);
    for (let n = 0; n < 25; n += 1) add('agents', `{"n":${n}}`);
    add('calls');
    add('others');
    add('agents', null);
    expect(kept().map(({ source }) => source)).to.deep.equal(['calls', ...Array(20).fill('agents')]);
    const { file } = refused.capture(kept()[1]?.id ?? '') ?? {};
    expect(Buffer.from(file ?? []).toString()).to.include('{"n":24}');
    const earliest = refused.capture(kept().at(-1)?.id ?? '')?.file;
    expect(Buffer.from(earliest ?? []).toString()).to.include('{"n":5}');
    expect(refused.capture('another')).to.equal(null);
  });

  it('are fewer if they are large', () => {
    const { add, kept } = setup(['agents']);
    for (let n = 0; n < 5; n += 1) add('agents', Buffer.alloc(6 * 1_048_576));
    expect(kept()).to.have.length(3);
    add('agents', Buffer.alloc(21 * 1_048_576));
    expect(kept()).to.have.length(0);
  });

  it('are dropped after a day, and when the source captures no longer', async () => {
    const { clock, plan, refused, add, kept } = setup(['agents', 'calls']);
    add('agents');
    await clock.advance(86_400_001);
    add('agents');
    add('calls');
    expect(kept()).to.have.length(2);
    plan.value.captures.delete('agents');
    expect(kept().map(({ source }) => source)).to.deep.equal(['calls']);
    plan.value.captures.add('agents');
    expect(kept()).to.have.length(1);
    expect(refused.list({ limit: 10 }).items).to.have.length(3);
  });

  it('are dropped after a day where no further request is refused and none is read, and all of them at the end', async () => {
    const { clock, refused, add, kept } = setup(['agents']);
    add('agents');
    await clock.advance(86_400_000);
    expect(clock.pending).to.equal(1);
    await clock.advance(3_600_000);
    // With the last one the timer has ended.
    expect(clock.pending).to.equal(0);
    add('agents');
    refused.close();
    expect([clock.pending, kept().length]).to.deep.equal([0, 0]);
  });
});
