import { stripVTControlCharacters } from 'node:util';
import { Store } from '@switchhook/sdk';
import { receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { type Workplace, workplace } from '../support/workplace.js';

const sources = `
  agents: { use: sigmamind.events, secrets: [${secret}], signature: { header: X-SigmaMind-Signature, algorithm: sha256, encoding: hex } }
  phone: { use: elevenlabs.call, secrets: [${secret}] }`;

const yaml = (rest: string, more = ''): string => `
version: 1
server: { host: 127.0.0.1, port: 0, admin: { token: token-of-the-running-router } }
store: { use: memory }
sources:${more}${rest.includes('phone') ? sources : sources.split('\n  phone')[0]}
destinations: { console: { use: log }, crm: { use: log } }
${rest}
`;

const answers = (hello: string) => `
resolvers:
  person: { use: table.lookup, file: people.csv }
  company: { use: static, values: { name: ACME } }
answers:
  - name: line
    from: [phone]
    resolve: [person, company]
    variables: { hello: "${hello}", from: "\${{ call.from }}", who: "\${{ person.name }}", firm: "\${{ company.name }}" }
    defaults: { who: "${hello} friend", firm: us }`;

const running = yaml(
  `routes: [{ name: all, to: [console] }, { name: ended, on: [conversation_ended], to: [crm] }]${answers('Hi')}`,
);

/** A router that has received three events and a call, with these commands beside it. */
async function setup() {
  const place: Workplace = await workplace();
  await place.write('people.csv', 'phone,name\n+12125559999,Ann\n');
  const { router, url } = await place.router(running);
  for (const duration of [10, 20, 70])
    await postSigned(`${url}/hooks/agents`, endedBody({ conversationId: `conv_${duration}`, duration }));
  const call = await fetch(`${url}/hooks/phone`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({ caller_id: '+12125550000', called_number: '+12125551111', agent_id: 'a', call_sid: 's' }),
  });
  expect(call.status).to.equal(200);
  const store = router.get(Store);
  await eventually(async () => (await store.events({ limit: 10 })).items.length >= 4);
  const plan = (file: string, ...args: string[]) =>
    place.command([
      'plan',
      '--config',
      file,
      '--running',
      'switchhook.yaml',
      '--url',
      url,
      '--token',
      'token-of-the-running-router',
      ...args,
    ]);
  return { place, url, router, plan };
}

describe('switchhook plan', () => {
  it('finds no difference for the configuration that runs', async () => {
    const { place, url, plan } = await setup();
    try {
      const { code, stdout, stderr } = await plan('switchhook.yaml', '--fail-on', 'any');
      expect(stdout.split('\n')).to.include.members([
        `switchhook.yaml: compared with 4 events of ${url} (--since 7d)`,
        'all\tconsole\t4\t4\t-\t-',
        'ended\tcrm\t3\t3\t-\t-',
        'calls: 0 of 1 would get another answer',
        'line: firm is unknown without the look-up in 1 call (company)',
      ]);
      expect([code, stderr]).to.deep.equal([0, '']);
    } finally {
      await place.close();
    }
  });

  it('shows what would be different for deliveries, conditions and calls, with examples, and fails if it shall', async () => {
    const { place, plan } = await setup();
    try {
      const routes = `routes:
  - { name: all, where: event.data.missing == 1, to: [console] }
  - { name: ended, on: [conversation_ended], where: event.data.duration > 60, to: [crm] }`;
      await place.write('new.yaml', yaml(routes + answers('Hello'), `\n  web: { use: bearer, tokens: [${secret}] }`));
      const { code, stdout, stderr } = await plan('new.yaml', '--fail-on', 'fewer, failed');
      const lines = stdout.split('\n');
      expect(lines).to.include.members([
        'sources added: web',
        'all\tconsole\t4\t0\t-\t-4',
        'ended\tcrm\t3\t1\t-\t-2',
        'ended → crm: 2 fewer, e.g.',
        '    event.data.duration > 60 is false (event.data.duration is 20)',
        'events that would have no delivery: 3',
        'new.yaml:11:25  where of route all: 4 events',
        'calls: 1 of 1 would get another answer',
        'line: hello differs in 1 call, e.g.',
        '    "Hi" → "Hello"',
        // The table has no record of the caller, which the answer recorded.
        '    "Hi friend" → "Hello friend"',
      ]);
      expect(lines.filter((line) => line.includes('conv_20') && line.includes('conversation_ended'))).to.not.be.empty;
      expect([code, stderr]).to.deep.equal([
        1,
        'The plan fails on failed: 1 condition, transform or variable fails; fewer: 6 deliveries fewer.\n',
      ]);
      expect((await plan('new.yaml', '--fail-on', 'more')).code).to.equal(0);
      const json = await plan('new.yaml', '--json', '--fail-on', 'any');
      const report = JSON.parse(json.stdout);
      expect(json.code).to.equal(1);
      expect(report).to.deep.include({ file: 'new.yaml', fixtures: null, more: false, events: 4 });
      expect(report.failedOn).to.deep.equal(['failed', 'unrouted', 'fewer', 'answers']);
      expect([report.unrouted.events, report.calls.different]).to.deep.equal([3, 1]);
    } finally {
      await place.close();
    }
  });

  it('reads all pages up to a limit, says that there are older events, and passes over one that was removed meanwhile', async () => {
    const place = await workplace();
    const at = '2026-02-02T13:00:00.000Z';
    const event = (n: number) => {
      const [id, source] = [`e${n}`, 'agents'];
      return { id, key: id, source, type: 'x', subject: null, agent: null, occurredAt: at, receivedAt: at };
    };
    const api = await receiver(({ path }) => {
      const { pathname, searchParams } = new URL(path, 'http://router');
      const reply = (body: object, status = 200) => ({ status, body: JSON.stringify(body) });
      if (pathname === '/api/components') return reply({ components: [] });
      const [, id] = /^\/api\/events\/e(\d+)$/.exec(pathname) ?? [];
      if (id === '3')
        return reply({ type: 't', title: 't', status: 404, detail: 'gone', code: 'NOT_KEPT', errors: [] }, 404);
      if (id !== undefined) return reply({ ...event(Number(id)), data: {}, deliveries: [] });
      // Ten events, by twos.
      const from = Number(searchParams.get('cursor') ?? 0);
      const to = Math.min(from + 2, from + Number(searchParams.get('limit')), 10);
      const numbers = Array.from({ length: to - from }, (_, index) => from + index);
      return reply({ events: numbers.map(event), cursor: to < 10 ? String(to) : null });
    });
    try {
      await place.write('switchhook.yaml', running);
      const plan = (limit: string) =>
        place.command(['plan', '--config', 'switchhook.yaml', '--url', api.url, '--token', 'x', '--limit', limit]);
      const some = await plan('7');
      expect(some.stdout).to.include('compared with 6 events of');
      expect(some.stderr).to.equal('Older events of the period were not compared: --limit 7.\n');
      expect(api.requests.some(({ path }) => /^\/api\/events\/e[789]$/.test(path))).to.equal(false);
      const all = await plan('10');
      expect([all.stdout.includes('compared with 9 events of'), all.stderr]).to.deep.equal([true, '']);
    } finally {
      await api.close();
      await place.close();
    }
  });

  it('compares fixtures without a router, as the commands that list events and deliveries write them', async () => {
    const { place, url, plan } = await setup();
    try {
      const options = ['--config', 'switchhook.yaml', '--url', url, '--token', 'token-of-the-running-router', '--json'];
      const asked = async (...args: string[]) => JSON.parse((await place.command([...args, ...options])).stdout);
      const { events } = await asked('events');
      const { deliveries } = await asked('deliveries');
      const whole = await Promise.all(events.map(({ id }: { id: string }) => asked('events', id)));
      await place.write('whole.json', JSON.stringify(whole));
      const bare = whole.map(({ deliveries: _, ...event }) => event);
      const lines = (items: readonly unknown[]) => items.map((item) => `${JSON.stringify(item)}\n`).join('');
      await place.write('export.ndjson', `${lines(bare)}\n${lines(deliveries)}`);
      await place.write('events.ndjson', lines([...bare, { ...bare[0], data: null }]));
      const fixtures = async (file: string, ...args: string[]) =>
        place.command(['plan', '--config', 'switchhook.yaml', '--fixtures', file, ...args]);
      const report = async (file: string) => {
        const {
          router: _,
          fixtures: __,
          sources: ___,
          destinations: ____,
          ...rest
        } = JSON.parse((await fixtures(file, '--json')).stdout);
        return rest;
      };
      const {
        router: _,
        fixtures: __,
        sources: ___,
        destinations: ____,
        ...asRead
      } = JSON.parse((await plan('switchhook.yaml', '--json')).stdout);
      expect(await report('whole.json')).to.deep.equal(asRead);
      expect(await report('export.ndjson')).to.deep.equal(asRead);
      const unknown = await fixtures('events.ndjson', '--fail-on', 'any');
      expect(unknown.stdout).to.include('ended\tcrm\t3\n');
      expect([unknown.code, unknown.stderr]).to.deep.equal([0, 'The earlier deliveries of 4 events are not known.\n']);
    } finally {
      await place.close();
    }
  });

  it('fits a narrow terminal: what an event is about is below its id', async () => {
    const place = await workplace();
    try {
      await place.write('new.yaml', yaml('routes: [{ name: a-route-with-a-long-name, to: [console, crm] }]'));
      const at = '2026-02-02T13:00:00.000Z';
      const id = '01890a5d-ac96-774b-bcce-b302099a8057';
      const about = { source: 'agents', type: 'conversation_ended', subject: 'conv_1', agent: null };
      const event = { id, key: 'k', ...about, occurredAt: at, receivedAt: at, data: {}, deliveries: [] };
      await place.write('event.json', JSON.stringify(event));
      const { runCommand, terminalOutput } = await import('@switchhook/cli/internal');
      const shown: string[] = [];
      const output = terminalOutput(
        (text) => shown.push(...text.split('\n').map(stripVTControlCharacters)),
        () => {},
        () => 60,
      );
      const args = ['plan', '--config', place.path('new.yaml'), '--fixtures', place.path('event.json')];
      expect(await runCommand(args, output)).to.equal(0);
      expect(shown.join('\n')).to.include(`: 1 more, e.g.\n  ${id}  conversation_ended\n    conv_1\n`);
      const table = shown.filter((line) => /^[┌│├└]/.test(line));
      expect(table.map(({ length }) => length <= 60)).to.deep.equal(table.map(() => true));
      expect(table).to.have.length(6);
    } finally {
      await place.close();
    }
  });

  it('shows a source that the new configuration does not have, its calls included', async () => {
    const { place, plan } = await setup();
    try {
      await place.write(
        'less.yaml',
        yaml('routes: [{ name: all, to: [console] }, { name: other, to: [crm], on: [x] }]'),
      );
      const { stdout, stderr, code } = await plan('less.yaml', '--fail-on', 'unrouted,answers');
      expect(stdout).to.include('sources removed: phone\n');
      expect(stdout).to.include('1 call: answer line → none, e.g.\n');
      expect(stderr).to.equal(
        'The plan fails on unrouted: 1 event would have no delivery; answers: 1 call would get another answer.\n',
      );
      expect(code).to.equal(1);
    } finally {
      await place.close();
    }
  });

  it('ends with an explanation where something is wrong', async () => {
    const { place, plan } = await setup();
    try {
      await place.write('wrong.yaml', running.replace('to: [crm]', 'to: [crn]'));
      await place.write('empty.ndjson', '\n');
      await place.write('bad.ndjson', '{"id":"e1"}\n{"a":\n');
      const fixtures = (...args: string[]) => place.command(['plan', '--config', 'switchhook.yaml', ...args]);
      const ends: readonly (readonly [
        Promise<{ code: number | null; stderr: string; stdout: string }>,
        number,
        string,
      ])[] = [
        [plan('wrong.yaml'), 78, 'UNKNOWN_REFERENCE'],
        [plan('absent.yaml'), 78, 'CONFIG_NOT_FOUND'],
        [plan('switchhook.yaml', '--fail-on', 'fewr'), 2, '--fail-on does not know "fewr"; did you mean "fewer"?'],
        [plan('switchhook.yaml', '--fail-on', ''), 2, '--fail-on does not know ""'],
        [plan('switchhook.yaml', '--limit', '0'), 2, 'whole number of at least 1'],
        [plan('switchhook.yaml', '--since', 'soon'), 1, 'expected a duration such as 2h'],
        [plan('switchhook.yaml', '--since', '2020-01-01', '--until', '2020-01-02'), 0, 'nothing was compared'],
        [fixtures('--url', 'http://127.0.0.1:1', '--token', 'x'), 1, 'ROUTER_UNREACHABLE: http://127.0.0.1:1'],
        [fixtures('--fixtures', 'absent'), 2, '--fixtures absent cannot be read'],
        [fixtures('--fixtures', 'empty.ndjson'), 2, 'there is no event in empty.ndjson: nothing was compared'],
        [fixtures('--fixtures', 'bad.ndjson'), 2, 'bad.ndjson:2: '],
        [fixtures('--fixtures', 'empty.ndjson', '--since', '1d'), 2, 'leave out --since'],
      ];
      for (const [ended, code, text] of ends) {
        const { code: actual, stderr } = await ended;
        expect([actual, stderr]).to.satisfy(
          ([a, b]: [number, string]) => a === code && b.includes(text),
          `${code} ${text}: ${actual} ${stderr}`,
        );
      }
      await place.write('bad.ndjson', '{"id":"e1"}\n');
      expect((await fixtures('--fixtures', 'bad.ndjson')).stderr).to.match(
        /^bad\.ndjson:1: expected an event with its data, or a delivery \(/,
      );
    } finally {
      await place.close();
    }
  });
});
