import { stripVTControlCharacters } from 'node:util';
import { type Receiver, receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { type Workplace, workplace } from '../support/workplace.js';

const token = 'token-of-the-operator';
const crmToken = 'token-of-the-crm';
const yaml = (
  crm: Receiver,
  routes = '- { name: finished, on: conversation_ended, where: event.data.duration > 30, to: crm }',
) => `
version: 1
server: { host: 127.0.0.1, port: 0, admin: { token: ${token} } }
store: { use: sqlite, path: ./switchhook.db }
sources:
  agents: { use: sigmamind.events, secrets: [${secret}] }
destinations:
  crm:
    use: http.post
    url: ${crm.url}/calls
    headers: { authorization: "Bearer \${CRM}" }
    body: { call: "\${{ event.subject }}", seconds: "\${{ event.data.duration }}" }
routes:
  ${routes}
`;

/** What a terminal would act on, and what reorders a text. */
const acting = /(?![\n\t])[\p{Cc}\p{Bidi_C}\u2028]/gu;
const hostile = '\u001b[2J\u001b]0;owned\u0007\r\b\u007f\u009b31mred\u202egnp.exe\u2066\u001b[31mPWNED';
/** For a process that takes its output for a terminal of this width, whatever a machine without one sets. */
const onTerminal = (columns = 1_000) => {
  const stdout = `process.stdout.isTTY=true;process.stdout.hasColors=()=>true;process.stdout.columns=${columns}`;
  return { CI: 'true', TERM: 'dumb', NODE_OPTIONS: `--import=data:text/javascript,${stdout}` };
};

describe('an operator at the command line', () => {
  let place: Workplace;
  let crm: Receiver;

  beforeEach(async () => {
    place = await workplace();
    await place.write('.env', `CRM=${crmToken}\n`);
    crm = await receiver(() => ({ status: 422, body: 'no such customer' }));
  });
  afterEach(async () => {
    await place.close();
    await crm.close();
  });

  async function setup(text = yaml(crm)) {
    const { router, url } = await place.router(text);
    const send = async (given: Readonly<Record<string, unknown>> = {}): Promise<string> =>
      String((await postSigned(`${url}/hooks/agents`, endedBody(given))).body.id);
    const run = (...args: readonly string[]) =>
      place.command([...args, '--config', place.path('switchhook.yaml'), '--url', url]);
    const json = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await run(...args, '--json');
      expect([code, stderr]).to.deep.equal([0, '']);
      return JSON.parse(stdout);
    };
    /** Asks the API until a delivery is as it should be. */
    const until = async (id: string, state: string): Promise<void> => {
      const headers = { authorization: `Bearer ${token}` };
      for (let current = ''; current !== state; ) {
        const response = await fetch(`${url}/api/deliveries/${id}`, { headers });
        current = JSON.parse(await response.text()).state;
      }
    };
    return { router, url, send, run, json, until };
  }

  it('asks one question to learn why a call did not reach the CRM, and replays it', async () => {
    const { send, run, json, until } = await setup();
    const id = await send({ conversationId: 'conv_77' });
    await until(`${id}.0`, 'dead');

    const explained = await run('explain', 'conv_77');
    expect(explained.code).to.equal(0);
    for (const fact of [
      'conversation_ended',
      '✔ finished',
      'dead, rejected after 1 attempt',
      '422',
      'no such customer',
      `"call": "conv_77"`,
    ])
      expect(explained.stdout).to.include(fact);
    expect(explained.stdout).not.to.include(crmToken);
    expect((await run('dead')).stdout).to.match(/\tcrm\tconversation_ended\tconv_77\trejected\t1\tHTTP 422/);

    crm.answer(() => 200);
    const replayed = await run('replay', `${id}.0`);
    expect([replayed.code, replayed.stdout]).to.satisfy(
      ([code, out]: [number, string]) => code === 0 && out.includes('crm'),
    );
    await until(`${id}.0`, 'delivered');
    const { state, attempts, history } = await json('deliveries', `${id}.0`);
    expect([state, attempts]).to.deep.equal(['delivered', 1]);
    expect(history.map(({ outcome }: { outcome: string }) => outcome)).to.deep.equal(['rejected', 'delivered']);
    const sent = crm.requests.map(({ headers }) => headers['idempotency-key']);
    expect(sent).to.deep.equal([`${id}.0`, `${id}.0`]);
  });

  it('is told that an event waits because its destination is paused, by whom and why, and that another one would', async () => {
    const { send, run } = await setup();
    expect((await run('pause', 'crm', '--reason', 'the CRM is moved')).code).to.equal(0);
    const id = await send({ conversationId: 'conv_77' });
    const paused = /crm is paused by \S.*: the CRM is moved\./.source;
    for (const args of [
      ['explain', 'conv_77'],
      ['events', id],
      ['deliveries', `${id}.0`],
    ])
      expect((await run(...args)).stdout).to.match(new RegExp(`it waits: ${paused}`));
    const body = await place.write('body.json', endedBody({ conversationId: 'conv_78' }));
    const tried = await run('explain', body, '--source', 'agents');
    expect(tried.stdout).to.match(new RegExp(`it would wait: ${paused}`));
  });

  it('is told of an event that it came again, how often and when last', async () => {
    const { send, run, json } = await setup();
    const id = await send({ conversationId: 'conv_6' });
    expect((await json('events', id)).repeated).to.equal(null);
    for (const _ of [1, 2]) expect(await send({ conversationId: 'conv_6' })).to.equal(id);
    expect((await json('events', id)).repeated).to.have.property('times', 2);
    expect((await run('events', id)).stdout).to.match(
      /^came again 2 times since the router started, the last time .* ago: it is kept and delivered once$/m,
    );
  });

  it('is told which part of a condition kept an event from its route, with the values', async () => {
    const { send, run, json } = await setup();
    const id = await send({ duration: 12 });
    const { stdout } = await run('explain', id);
    expect(stdout).to.include('✘ finished  event.data.duration > 30 is false (event.data.duration is 12)');
    expect((await run('events', id)).stdout).to.include('No route matched');
    expect((await run('events', '--unrouted')).stdout).to.include(id);
    expect((await json('events', '--duplicates')).duplicates).to.deep.equal([]);
  });

  it('searches in the data of events, learns what was looked at, and continues with older ones', async () => {
    const { send, run, json } = await setup();
    const old = await send({ conversationId: 'conv_1', duration: 700, note: `Köln ${hostile}` });
    await send({ conversationId: 'conv_2', duration: 20 });
    await send({ conversationId: 'conv_3', duration: 'long' });

    const byText = await run('events', '--text', 'kÖLN');
    expect([byText.code, byText.stdout.trimEnd().split('\n').length]).to.deep.equal([0, 2]);
    expect(byText.stdout).to.include(old);
    expect(byText.stderr).to.match(/^Looked at 3 events, received since .*: all that there are\.\n$/);
    expect((await json('events', '--text', hostile)).events).to.have.length(1);

    const where = ['--where', 'event.data.duration > 600'];
    const newest = await run('events', ...where, '--last', '2');
    expect(newest.stdout).to.not.include('conv_');
    expect(newest.stderr).to.match(/^Looked at 2 events, received since [^:]*:[^\n]*\.\n/);
    expect(newest.stderr).to.include('The condition could not be evaluated for 1 event, e.g. ');
    const cursor =
      /^Older ones: switchhook events .*--where 'event\.data\.duration > 600' .*--cursor (\S+)$/m.exec(
        newest.stderr,
      )?.[1] ?? '';
    const older = await run('events', ...where, '--last', '2', '--cursor', cursor);
    expect(older.stdout).to.include(old);
    expect((await json('events', ...where)).search).to.include({ examined: 3, isComplete: true, failed: 1 });

    const wrong = await run('events', '--where', 'evnt.type == "a"');
    expect([wrong.code, wrong.stdout]).to.deep.equal([1, '']);
    expect(wrong.stderr).to.match(/^MALFORMED: where: EXPRESSION_UNKNOWN_NAME at character 1: .*did you mean "?event/);
    expect((await run('events', '--last', '5')).stderr).to.include(
      'last: only with text, where, secret or unevaluated',
    );
    const both = await run('events', old, '--text', 'a');
    expect([both.code, both.stderr]).to.deep.equal([
      2,
      '--text, --where, --secret, --unevaluated and --last search in the list of events: omit the id\n',
    ]);
    expect((await run('events', '--duplicates', '--last', '5')).stderr).to.include('omit --duplicates');
  });

  it('tries a file against the configuration without a router, and nothing is sent or stored', async () => {
    const config = await place.write('switchhook.yaml', yaml(crm));
    const body = await place.write('captured.json', endedBody({ conversationId: 'conv_5' }));
    const { code, stdout } = await place.command(['explain', body, '--config', config, '--json']);
    expect(code).to.equal(0);
    const [{ event, kept, routes }] = JSON.parse(stdout).explanations;
    expect([event.type, event.subject, kept]).to.deep.equal(['conversation_ended', 'conv_5', false]);
    expect(routes[0].destinations[0].preview).to.deep.include({
      ...{ method: 'POST', url: `${crm.url}/calls`, body: { call: 'conv_5', seconds: 73 } },
    });
    expect(routes[0].destinations[0].preview.headers.authorization).to.equal('Bearer ***');
    const example = '00000000-0000-0000-0000-000000000000';
    expect(routes[0].destinations[0].preview.headers['idempotency-key']).to.equal(`${example}.0`);
    const printed = (await place.command(['explain', body, '--config', config])).stdout;
    expect(printed).to.include(`event ${example}, an example: agents has not received it`);
    expect(printed).to.include('would get, with an example of the delivery id:');
    expect(crm.requests).to.deep.equal([]);
  });

  it('replays and discards what a filter finds, after a look', async () => {
    const { send, run, json, until } = await setup();
    const ids = [
      await send({ conversationId: 'a' }),
      await send({ conversationId: 'b' }),
      await send({ conversationId: 'c' }),
    ];
    for (const id of ids) await until(`${id}.0`, 'dead');
    expect((await run('discard', `${ids[2]}.0`)).stdout).to.include('discarded');
    const look = await run('replay', '--destination', 'crm', '--dry-run');
    expect(look.stdout).to.equal('2 deliveries would be replayed\n');
    await run('pause', 'crm', '--reason', 'it is moved');
    expect((await run('replay', '--destination', 'crm', '--dry-run')).stdout).to.match(
      /^2 deliveries would be replayed\ncrm is paused by .*: it is moved/,
    );
    await run('resume', 'crm');
    const asked = await run('replay', '--destination', 'crm');
    expect([asked.code, asked.stderr]).to.deep.equal([
      2,
      'Replay 2 deliveries? Pass --yes to confirm, or --dry-run to preview.\n',
    ]);
    crm.answer(() => 200);
    expect(await json('replay', '--destination', 'crm', '--yes')).to.include({
      state: 'done',
      matched: 2,
      replayed: 2,
    });
    for (const id of ids.slice(0, 2)) await until(`${id}.0`, 'delivered');
    expect((await json('deliveries', '--reason', 'discarded')).deliveries).to.have.length(1);
    crm.answer(() => 422);
    const others = [await send({ conversationId: 'd' }), await send({ conversationId: 'e' })];
    for (const id of others) await until(`${id}.0`, 'dead');
    const again = await run('replay', '--destination', 'crm', '--yes');
    expect(again.stdout).to.equal('2 deliveries replayed\n');
    expect(again.stderr).to.match(/of these: 2 dead again\nswitchhook dead --died-since \S+ lists those/);
    expect((await run('discard', '--destination', 'crm', '--dry-run')).stdout).to.equal(
      '2 deliveries would be discarded\n',
    );
    const chosen = await json('discard', '--destination', 'crm', '--subject', 'd', '--yes');
    expect(chosen).to.include({ state: 'done', matched: 1, discarded: 1, perSecond: 1_000 });
    expect((await run('discard', '--destination', 'crm', '--yes')).stdout).to.equal('1 delivery discarded\n');
    expect((await run('discard', '--destination', 'crm', '--yes')).stdout).to.equal(
      'Nothing fits: 0 deliveries discarded.\n',
    );
    const discards = (await json('discard', '--list')).discards;
    expect(discards.map((one: { readonly discarded: number }) => one.discarded)).to.deep.equal([1, 0, 1, 0, 0]);
    expect((await run('discard', '--list')).stdout).to.include('state dead, destination crm, subject d');
    const replays = (await run('replay', '--list')).stdout;
    expect(replays.split('\n')).to.have.length(9);
    expect(replays).to.include('2 dead again').and.to.include('2 delivered');
    expect((await run('dead')).stdout).to.equal('Nothing is dead.\n');
  });

  it('sends what no route wanted through the routes of today', async () => {
    crm.answer(() => 200);
    const before = await setup();
    const id = await before.send({ duration: 12 });
    await before.router.close();
    const after = await setup(yaml(crm, '- { name: all, to: crm }'));
    expect((await after.run('replay', '--reroute', '--unrouted', '--yes')).stdout).to.equal('1 delivery replayed\n');
    await after.until(`${id}.0`, 'delivered');
    expect(crm.requests.map((request) => request.json())).to.deep.equal([{ call: 'conv_1', seconds: 12 }]);
  });

  it('sees how the destinations stand', async () => {
    const { send, run, until } = await setup();
    expect([(await run('status', '--once')).code, await until(`${await send()}.0`, 'dead')]).to.deep.equal([
      0,
      undefined,
    ]);
    const { code, stdout, stderr } = await run('status', '--json');
    expect(code).to.equal(1);
    expect(stderr).to.match(
      /^Trouble: Destination crm: 1 dead delivery\. Last failure, less than a minute ago: .* Fix the cause, then replay or discard them\.\n$/,
    );
    const { store, destinations } = JSON.parse(stdout);
    expect(store).to.include({ use: 'sqlite', canCommit: true, reason: null, pruned: null });
    for (const known of ['commitMs', 'bytes', 'freeBytes']) expect(store[known], known).to.be.above(0);
    expect(destinations[0]).to.include({
      destination: 'crm',
      use: 'http.post',
      waiting: 0,
      dead: 1,
      breaker: 'closed',
    });
    const shown = await run('status');
    expect([shown.code, shown.stderr]).to.deep.equal([1, '']);
    expect(shown.stdout.match(/1 dead delivery/g)).to.have.length(1);
    expect(shown.stdout).to.match(
      /^Trouble: Destination crm: 1 dead delivery\. Last failure, less than a minute ago: .* Fix the cause.*\nswitchhook dead lists the dead deliveries\.\nSwitchhook \S+ on Node v\S+, up for .*; store sqlite can commit\nstore \S+ kB, \S+ .B free, committed in \S+ ms, memory \S+ MB, event loop \d+ % busy\n/,
    );
  });

  it('pauses a destination over a restart, probes it, resumes it, and sees who paused it and why', async () => {
    const before = await setup();
    const paused = await before.run('pause', 'crm', '--reason', 'migration', '--by', 'jo');
    expect(paused.stdout).to.equal(
      'crm is paused: its events are stored and wait. switchhook resume crm ends the pause.\n',
    );
    await before.router.close();
    crm.answer(() => ({ status: 200, body: '{}' }));
    const { send, run, json, until } = await setup();
    const [id] = [await send(), await send({ conversation_id: 'conv_2' })];
    const { code, stdout, stderr } = await run('status', '--once');
    expect(stdout).to.match(/^crm: paused by jo since \S+Z: migration$/m);
    expect(stdout).to.match(
      /^Attention: Destination crm: paused less than a minute ago by jo: migration\. 2 deliveries wait\. Resume it when the reason is gone\.\n/,
    );
    expect([code, stderr]).to.deep.equal([1, '']);
    expect((await run('replay', `${id}.0`)).stderr).to.match(
      /^crm gets nothing yet: paused by jo since \S+: migration\. switchhook probe crm makes one attempt now\.\n$/,
    );
    expect(crm.requests).to.have.length(0);
    expect((await run('probe', 'crm')).stdout).to.match(/^crm: delivery \S+ ok after \S+ ms, although it is paused\n$/);
    expect(crm.requests).to.have.length(1);
    expect((await json('reset', 'crm')).holds).to.have.length(1);
    expect((await run('resume', 'crm')).stdout).to.equal('crm goes on.\n');
    await until(`${id}.0`, 'delivered');
    expect((await run('resume', 'crm')).stdout).to.equal('crm was not paused.\n');
    for (const verb of ['pause', 'resume', 'probe', 'reset']) {
      const { code: wrong, stderr: said } = await run(verb, 'crn', ...(verb === 'pause' ? ['--reason', 'x'] : []));
      expect([wrong, said]).to.deep.equal([2, 'there is no destination or resolver "crn"; did you mean "crm"?\n']);
    }
  });

  it('is told what is wrong, and the command ends with a number that says so', async () => {
    const { run, url } = await setup();
    const cases: readonly (readonly [args: readonly string[], code: number, said: string])[] = [
      [['status', '--token', 'another'], 1, 'API_TOKEN_WRONG: the bearer token is another one'],
      [
        ['explain', 'conv_9'],
        1,
        'NOT_KEPT: there is no event with the subject conv_9; events are kept for 30d at most, and switchhook events lists them',
      ],
      [['events', 'nothing'], 1, 'NOT_KEPT'],
      [['events', '--since', 'noon'], 1, 'MALFORMED: the query is wrong: since: expected a duration'],
      [['discard', 'nothing.0'], 1, 'NOT_KEPT'],
      [['replay'], 2, 'name deliveries'],
      [['discard'], 2, 'name deliveries'],
      [['discard', '--reason', 'discarded'], 1, 'MALFORMED'],
      [['discard', '--destination', 'crmm', '--yes'], 2, 'did you mean "crm"'],
      [['discard', '--cancel'], 1, 'no discard is running'],
      [['replay', '--cancel'], 1, 'no replay is running'],
      [['replay', '--state', 'running'], 1, 'MALFORMED'],
    ];
    for (const [args, code, said] of cases) {
      const ended = await run(...args);
      // The reason has been printed.
      expect(ended.stderr).not.to.include('request.refused');
      expect([ended.code, ended.stderr.includes(said)], `${args.join(' ')}: ${ended.stderr}`).to.deep.equal([
        code,
        true,
      ]);
    }
    const gone = await place.command(['status', '--url', 'http://127.0.0.1:9', '--token', token]);
    expect([gone.code, gone.stderr.includes('ROUTER_UNREACHABLE')]).to.deep.equal([1, true]);
    const strange = await place.command(['status', '--url', `${url}/hooks`, '--token', token]);
    expect([strange.code, strange.stderr.split('\n')[0]]).to.deep.equal([
      1,
      'NOT_FOUND: the router answered with status 404',
    ]);
  });

  it('sees escape sequences of others as text, in colour or not, and in JSON as the same value', async () => {
    crm.answer(() => ({ status: 422, body: `no\n✔ forged ${hostile}`, headers: { 'content-type': 'text/plain' } }));
    const { send, url, until } = await setup();
    await send({ event: `turned\n✔ forged ${hostile}`, conversationId: `conv_\u009b31m\u202e` });
    const ended = await send({ conversationId: 'conv_3', note: hostile });
    await until(`${ended}.0`, 'dead');
    const printed = async (environment: Record<string, string> | null, ...args: readonly string[]): Promise<string> => {
      const where = args[0]?.startsWith('-') ? [] : ['--config', place.path('switchhook.yaml'), '--url', url];
      const words = [...args, ...where];
      const { stdout, stderr } = await (environment === null ? place.command(words) : place.run(words, environment));
      return stdout + stderr;
    };
    for (const args of [['events'], ['explain', ended], ['deliveries', `${ended}.0`], [`--${hostile}`]])
      for (const text of await Promise.all([printed(null, ...args), printed(onTerminal(), ...args)])) {
        const plain = text.replace(/\p{Cc}\[\d+m/gu, '');
        expect(plain.match(acting), `${args}: ${plain}`).to.equal(null);
        expect(plain, String(args))
          .to.include('\\u202egnp.exe')
          .and.not.to.match(/^[ ✔]*forged/m);
        expect(text, String(args)).not.to.match(/\p{Cc}\[31mPWNED/u);
      }
    const json = await printed(null, 'events', ended, '--json');
    expect(json.match(acting)).to.equal(null);
    expect(JSON.parse(json).data.note).to.equal(hostile);
    const coloured = await printed(onTerminal(), 'events');
    const widths = coloured
      .trim()
      .split('\n')
      .map((line) => stripVTControlCharacters(line).length);
    expect([coloured.includes('\u001b[1m'), new Set(widths).size]).to.deep.equal([true, 1]);
    for (const [columns, list] of [
      [60, 'events'],
      [80, 'deliveries'],
    ] as const) {
      const lines = stripVTControlCharacters(await printed(onTerminal(columns), list)).split('\n');
      const table = lines.filter((line) => /^[│┌├└]/.test(line));
      expect(Math.max(...table.map((line) => line.length)), table.join('\n')).to.be.within(30, columns);
    }
  }).timeout(120_000);
});
