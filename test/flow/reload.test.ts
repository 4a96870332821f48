/** A router that reads its configuration anew while it works: by the API, the command line, SIGHUP and a saved file. */
import { createHmac } from 'node:crypto';
import { readFile, rename } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { type Router, Store } from '@switchhook/core';
import type { ReloadReport, Status } from '@switchhook/core/api';
import { type Receiver, receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { ring, token } from '../support/phones.js';
import { endedBody, postSigned, secret, signedHeaders } from '../support/signing.js';
import { type Workplace, workplace } from '../support/workplace.js';

/** A destination that posts to a URL, with what its file adds to the path; `refuses` makes it fail to open. */
const plugin = (version: number) => `import { definePlugin, defineDestination, HttpClient, z } from '@switchhook/sdk';
import { mark } from './mark.js';
export default definePlugin({ name: 'local', components: [defineDestination({
  type: 'local.post', description: 'For tests.', inject: { http: HttpClient },
  options: z.strictObject({
    url: z.string().meta({ description: 'Where.' }),
    refuses: z.boolean().default(false).meta({ description: 'Cannot be opened.' }),
  }),
  create: ({ url, refuses }, { http }) => ({
    open: async () => { if (refuses) throw new Error('the other side refuses'); },
    deliver: async ({ event }, signal) => {
      const { status } = await http.fetch(\`\${url}/v${version}-\${mark}?\${event.subject}\`, { method: 'POST', signal });
      return status === 200 ? { kind: 'delivered' } : { kind: 'unavailable', reason: \`status \${status}\` };
    },
  }),
})] });
`;

interface Rows {
  readonly sources?: string;
  readonly destinations?: string;
  readonly routes?: string;
  readonly more?: string;
}

describe('a reload', () => {
  let place: Workplace;
  let crm: Receiver;
  let other: Receiver;

  beforeEach(async () => {
    place = await workplace();
    await place.link();
    await place.write('package.json', '{ "type": "module" }');
    await place.write('plugin.js', plugin(1));
    await place.write('mark.js', "export const mark = 'a';\n");
    [crm, other] = [await receiver(), await receiver()];
  });
  afterEach(async () => {
    await place.close();
    await Promise.all([crm.close(), other.close()]);
  });

  const posts = (to: Receiver, more = '') => `{ use: http.post, url: ${to.url}, allowPrivate: true${more} }`;
  const yaml = ({ sources, destinations, routes = '[{ name: all, to: crm }]', more = '' }: Rows = {}) => `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: sqlite, path: ./switchhook.db }
plugins: [./plugin.js]
sources:
  agents: ${sources ?? `{ use: sigmamind.events, secrets: [${secret}] }`}
destinations: ${destinations ?? `{ crm: ${posts(crm)} }`}
routes: ${routes}
${more}
`;
  const write = (rows: Rows) => place.write('switchhook.yaml', yaml(rows));
  const send = async (url: string, subject: string) => {
    const { status } = await postSigned(`${url}/hooks/agents`, endedBody({ conversationId: subject }));
    return status;
  };
  const statusOf = async (url: string): Promise<Status> => JSON.parse(await (await fetch(`${url}/api/status`)).text());
  const destinationIn = async (url: string, name: string) =>
    (await statusOf(url)).destinations.find(({ destination }) => destination === name);
  const until = async (holds: () => Promise<boolean> | boolean): Promise<void> => {
    await eventually(holds);
  };
  const paths = ({ requests }: Receiver) => requests.map(({ path }) => path);
  const linesOf = (lines: readonly string[], event: string) =>
    lines.map((line) => JSON.parse(line)).filter((line) => line.event === event);
  const rejection = async (router: Router): Promise<string> =>
    router.reload().then(
      () => 'reloaded',
      (error: Error) => error.message,
    );

  it('under load refuses nothing, and delivers each event exactly where the routes of its configuration lead', async () => {
    const both = `{ crm: ${posts(crm)}, other: ${posts(other)} }`;
    const rounds: readonly Rows[] = [
      { destinations: both, routes: '[{ name: a, to: [crm, other] }]' },
      { destinations: `{ other: ${posts(other, ', headers: { x: y }')} }`, routes: '[{ name: b, to: other }]' },
      {},
    ];
    const { router, url } = await place.router(yaml());
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    let [generation, isReloading, isDone, sent] = [1, false, false, 0];
    const bounds = new Map<string, readonly [from: number, to: number]>();
    const statuses = new Set<number>();
    const post = (body: string) =>
      new Promise<number>((resolve, reject) => {
        const options = { method: 'POST', agent, headers: signedHeaders(body) };
        const asked = request(`${url}/hooks/agents`, options, (response) =>
          response.resume().on('end', () => resolve(response.statusCode ?? 0)),
        );
        asked.on('error', reject).end(body);
      });
    const sender = async (): Promise<void> => {
      while (!isDone) {
        sent += 1;
        const subject = `conv_${sent}`;
        const from = generation;
        statuses.add(await post(endedBody({ conversationId: subject })));
        bounds.set(subject, [from, generation + (isReloading ? 1 : 0)]);
      }
    };
    const senders = Array.from({ length: 8 }, sender);
    for (const rows of [...rounds, ...rounds]) {
      const before = bounds.size;
      await until(() => bounds.size >= before + 40);
      await write(rows);
      isReloading = true;
      ({ generation } = await router.reload());
      isReloading = false;
    }
    isDone = true;
    await Promise.all(senders);
    agent.destroy();
    const wanted = (at: number): string => {
      const [, first] = /name: (\w+)/.exec(yaml(at === 1 ? {} : rounds[(at - 2) % 3])?.split('routes:')[1] ?? '') ?? [];
      return { a: 'crm other', b: 'other', all: 'crm' }[first ?? ''] ?? '';
    };
    const store = router.get(Store);
    const { items } = await store.events({ limit: 10_000 });
    expect([...statuses]).to.deep.equal([200]);
    expect(items).to.have.length(sent);
    for (const { id, subject } of items) {
      const [from, to] = bounds.get(subject ?? '') ?? [0, 0];
      const { items: deliveries } = await store.deliveries({ eventId: id, limit: 10 });
      const went = deliveries
        .map(({ destination }) => destination)
        .toSorted()
        .join(' ');
      const allowed = Array.from({ length: to - from + 1 }, (_, index) => wanted(from + index));
      expect(allowed, `${subject} of generation ${from} to ${to}`).to.include(went);
    }
    await until(
      async () => (await store.deliveries({ state: 'delivered', limit: 10_000 })).items.length >= crm.requests.length,
    );
    await until(async () => {
      const [waiting, running] = await Promise.all(
        (['waiting', 'running'] as const).map((state) => store.deliveries({ state, limit: 1 })),
      );
      return waiting?.items.length === 0 && running?.items.length === 0;
    });
    const delivered = (await store.deliveries({ state: 'delivered', limit: 10_000 })).items;
    expect(delivered).to.have.length(crm.requests.length + other.requests.length);
  });

  it('answers every call, by the earlier answers or by the new ones', async () => {
    const calls = (greeting: string) => `
resolvers: { table: { use: static, values: { greeting: ${greeting} } } }
answers: [{ name: main, from: calls, resolve: table, variables: { greeting: "\${{ table.greeting }}" } }]`;
    const sources = `{ use: sigmamind.events, secrets: [${secret}] }\n  calls: { use: sigmamind.call, token: ${token} }`;
    const { router, url } = await place.router(yaml({ sources, more: calls('one') }));
    const heard: string[] = [];
    let isDone = false;
    const phones = Array.from({ length: 4 }, async (_, phone) => {
      for (let call = 0; !isDone; call += 1) {
        const { status, variables } = await ring(url, `+4930${phone}${1_000 + call}`);
        heard.push(`${status} ${variables.greeting}`);
      }
    });
    for (const greeting of ['two', 'three']) {
      const before = heard.length;
      await until(() => heard.length >= before + 8);
      await write({ sources, more: calls(greeting) });
      const report = await router.reload();
      expect(report.resolvers).to.deep.include({ changed: ['table'], unchanged: [] });
      expect(report.answers.unchanged).to.deep.equal(['main']);
      expect((await ring(url, `+4931${before}`)).variables).to.deep.equal({ greeting });
    }
    isDone = true;
    await Promise.all(phones);
    expect([...new Set(heard)]).to.have.members(['200 one', '200 two', '200 three']);
  });

  it('accepts a rotated secret, and the one before as long as the file has it', async () => {
    const signedWith = (key: string, body: string) => (headers: Record<string, string>) => {
      return { ...headers, 'x-sigmamind-signature': createHmac('sha256', key).update(body).digest('hex') };
    };
    const next = 'the-next-secret-of-the-tests';
    await place.write('.env', `SECRET=${secret}\n`);
    const { router, url, lines } = await place.router(
      yaml({ sources: '{ use: sigmamind.events, secrets: ["${SECRET}"] }' }),
    );
    const post = async (key: string, subject: string) => {
      const body = endedBody({ conversationId: subject });
      return (await postSigned(`${url}/hooks/agents`, body, signedWith(key, body))).status;
    };
    expect([await post(secret, 'a'), await post(next, 'b')]).to.deep.equal([200, 401]);
    await place.write('.env', `SECRET=${next}\nBEFORE=${secret}\n`);
    await write({ sources: '{ use: sigmamind.events, secrets: ["${SECRET}", "${BEFORE}"] }' });
    expect((await router.reload()).sources).to.deep.include({ changed: ['agents'] });
    expect([await post(secret, 'c'), await post(next, 'd')]).to.deep.equal([200, 200]);
    await write({ sources: '{ use: sigmamind.events, secrets: ["${SECRET}"] }' });
    await router.reload();
    expect([await post(secret, 'e'), await post(next, 'f')]).to.deep.equal([401, 200]);
    expect(lines.filter((line) => line.includes(next) || line.includes(secret))).to.deep.equal([]);
  });

  it('of a wrong file changes nothing, and lists every problem as check does', async () => {
    const { url, lines } = await place.router(yaml());
    const file = await write({ routes: '[{ name: all, to: crn }, { name: more, too: crm, to: crm }]' });
    const response = await fetch(`${url}/api/reload`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    const { code, detail, problems } = JSON.parse(await response.text());
    expect([response.status, code, detail]).to.deep.equal([422, 'CONFIG_REJECTED', `2 problems in ${file}`]);
    const check = await place.command(['check', file]);
    const [json, text] = [
      await place.command(['reload', '--config', file, '--url', url, '--json']),
      await place.command(['reload', '--config', file, '--url', url]),
    ];
    expect([check.code, json.code, text.code]).to.deep.equal([78, 78, 78]);
    expect(JSON.parse(json.stdout)).to.deep.equal({ valid: false, problems });
    expect(text.stderr).to.equal(`${check.stderr}\nNothing was changed.\n`);
    const rejected = linesOf(lines, 'config.rejected');
    expect(rejected).to.have.length(3);
    expect(rejected[0].problems).to.have.length(2);
    expect(rejected[0].problems[0]).to.match(/switchhook\.yaml:\d+:\d+ \w+ routes\[0\]\.to.*crn/);
    expect(await send(url, 'conv_1')).to.equal(200);
    await crm.received(1);
    expect((await statusOf(url)).configuration).to.deep.include({ file, generation: 1 });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).to.contain('switchhook_config_reloads_total{outcome="rejected"} 3');
    expect(metrics).to.contain('switchhook_config_generation 1');
  });

  it('changes nothing where a destination cannot be opened', async () => {
    const { router, url, lines } = await place.router(yaml());
    const local = (options: string) =>
      `{ crm: ${posts(other)}, local: { use: local.post, url: ${other.url}${options} } }`;
    await write({ destinations: local(', refuses: true'), routes: '[{ name: all, to: [crm, local] }]' });
    expect(await rejection(router)).to.match(
      /^destination local \(local\.post, .*\) could not be opened: the other side/,
    );
    const { code, stderr } = await place.command(['reload', '--config', place.path('switchhook.yaml'), '--url', url]);
    expect([code, stderr]).to.satisfy(
      ([, text]: [number, string]) => code === 1 && text.includes('the other side refuses'),
    );
    expect(linesOf(lines, 'config.rejected')[0].problems[0]).to.contain('PLUGIN_FAILED: destination local');
    await send(url, 'conv_1');
    await crm.received(1);
    expect(other.requests).to.have.length(0);
    await write({ destinations: local(''), routes: '[{ name: all, to: local }, { name: again, to: crm }]' });
    await router.reload();
    await send(url, 'conv_2');
    await other.received(2);
    expect(crm.requests).to.have.length(1);
  });

  it('takes an edited local plugin, and what it imports, and leaves the queues of other destinations as they are', async () => {
    crm.answer(() => 503);
    const destinations = `{ crm: ${posts(crm, ', breaker: { failures: 1, cooldown: 1h }')}, local: { use: local.post, url: ${other.url} } }`;
    const routes = '[{ name: all, to: [crm, local] }]';
    const { router, url } = await place.router(yaml({ destinations, routes }));
    await send(url, 'conv_1');
    await other.received(1);
    await until(async () => (await destinationIn(url, 'crm'))?.breaker === 'open');
    const [hold] = (await destinationIn(url, 'crm'))?.holds ?? [];
    await place.write('plugin.js', plugin(2));
    const first = await router.reload();
    expect(first.destinations).to.deep.equal({ added: [], changed: ['local'], removed: [], unchanged: ['crm'] });
    await send(url, 'conv_2');
    await other.received(2);
    await place.write('mark.js', "export const mark = 'b';\n");
    expect((await router.reload()).destinations.changed).to.deep.equal(['local']);
    await send(url, 'conv_3');
    await other.received(3);
    await place.write('plugin.js', 'export default {');
    expect(await rejection(router)).to.contain('PLUGIN_BROKEN');
    await place.write('plugin.js', plugin(2));
    expect((await router.reload()).destinations.changed).to.deep.equal([]);
    await send(url, 'conv_4');
    await other.received(4);
    expect(paths(other).toSorted()).to.deep.equal([
      ...['/v1-a?conv_1', '/v2-a?conv_2', '/v2-b?conv_3', '/v2-b?conv_4'],
    ]);
    const [held] = (await destinationIn(url, 'crm'))?.holds ?? [];
    expect(held?.kind).to.equal('breaker-open');
    // The wall clock and the monotonic clock are read one after the other.
    expect(Date.parse(held?.since ?? '')).to.be.closeTo(Date.parse(hold?.since ?? ''), 20);
    expect(crm.requests).to.have.length(1);
  });

  it('drains a removed destination: what waits for it is still delivered, and then it is gone', async () => {
    crm.answer(() => 503);
    const slow = `{ crm: ${posts(crm, ', retry: { first: 100ms, max: 100ms, attempts: 100 }')} }`;
    const { router, url, lines } = await place.router(yaml({ destinations: slow }));
    await send(url, 'conv_1');
    await crm.received(2);
    await write({ destinations: `{ other: ${posts(other)} }`, routes: '[{ name: all, to: other }]' });
    const report = await router.reload();
    expect(report).to.deep.include({ draining: ['crm'], generation: 2 });
    expect(await destinationIn(url, 'crm')).to.deep.include({ configured: false, draining: true });
    await send(url, 'conv_2');
    expect((await other.received(1))[0]?.text()).to.contain('conv_2');
    crm.answer(() => 200);
    await until(() => linesOf(lines, 'destination.drained').length > 0);
    expect((await router.get(Store).deliveries({ limit: 10 })).items.map(({ state }) => state)).to.deep.equal([
      ...['delivered', 'delivered'],
    ]);
    const { destinations } = await statusOf(url);
    expect(destinations.map(({ destination }) => destination)).to.deep.equal(['other']);
    expect(await place.command(['status', '--url', url]).then(({ code }) => code)).to.equal(0);
  });

  it('keeps what waits for a removed destination, where the operator says so, until it is configured again', async () => {
    crm.answer(() => 503);
    const destinations = `{ crm: ${posts(crm, ', retry: { first: 1s, max: 1s, attempts: 100 }')} }`;
    const { router, url } = await place.router(yaml({ destinations }));
    await send(url, 'conv_1');
    await crm.received(1);
    const file = await write({ destinations: `{ other: ${posts(other)} }`, routes: '[{ name: all, to: other }]' });
    const { stdout, code } = await place.command(['reload', '--removed', 'keep', '--config', file, '--url', url]);
    expect([code, stdout.split('\n')]).to.deep.equal([
      0,
      [
        `ok ${file}: reloaded (generation 2)`,
        '  destinations: added other; removed crm; 0 unchanged',
        '  routes: changed all; 0 unchanged',
        'Deliveries for crm wait until it is configured again.',
        '',
      ],
    ]);
    await until(async () => (await destinationIn(url, 'crm'))?.waiting === 1);
    const { length } = crm.requests;
    const status = await place.command(['status', '--url', url]);
    expect(status.stdout).to.contain('crm: it is not configured any more. 1 delivery waits.');
    expect(status.stdout).to.contain(`Configuration ${file}, reloaded`).and.to.contain('(generation 2)');
    expect(crm.requests).to.have.length(length);
    crm.answer(() => 200);
    await write({ destinations });
    await router.reload();
    await crm.received(length + 1);
    expect(crm.requests[length]?.text()).to.contain('conv_1');
  });

  it('shows with --dry-run what would change, and what takes a restart, and changes nothing', async () => {
    const { router, url } = await place.router(yaml());
    const before = (await place.command(['reload', '--dry-run', '--url', url])).stdout;
    expect(before).to.contain('would be reloaded, nothing has changed');
    const file = await place.write(
      'switchhook.yaml',
      yaml({ routes: '[{ name: all, on: conversation_ended, to: crm }]', more: 'log: { level: debug }' })
        .replace('port: 0', 'port: 1')
        .replace('./switchhook.db', './another.db'),
    );
    const { stdout } = await place.command(['reload', '--dry-run', '--config', file, '--url', url]);
    expect(stdout.split('\n')).to.deep.equal([
      `ok ${file}: would be reloaded, with these changes`,
      '  routes: changed all; 0 unchanged',
      '  settings: log.level',
      'after a restart: server.port (it takes effect when the server is opened)',
      'after a restart: store.path (it takes effect when the store is opened)',
      '',
    ]);
    expect((await statusOf(url)).configuration.generation).to.equal(1);
    const settings = ({ restart }: ReloadReport) => restart.map(({ setting }) => setting);
    expect(settings(await router.reload())).to.deep.equal(['server.port', 'store.path']);
    expect(settings(await router.reload({ dryRun: true }))).to.deep.equal(['server.port', 'store.path']);
    expect(await send(url, 'conv_1')).to.equal(200);
  });

  it('ends a problem where it changes the row that has it, and not where it changes nothing or another row', async () => {
    const route = (condition: string, more = '') => `[{ name: all, where: '${condition}', to: crm }${more}]`;
    const problems = async () => (await statusOf(url)).troubles.map(({ about }) => about);
    const late = { kind: 'route', name: 'all' };
    const { router, url } = await place.router(
      yaml({ routes: route('duration(event.data.duration) > duration("1s")') }),
    );
    expect(await problems()).to.deep.equal([]);
    expect(await send(url, 'conv_1')).to.equal(200);
    expect(await problems()).to.deep.equal([late]);
    await router.reload();
    const broken = route('duration(event.data.duration) > duration("2s")');
    await write({
      routes: route('duration(event.data.duration) > duration("1s")', ', { name: more, to: other }'),
      more: 'log: { level: debug }',
      destinations: `{ crm: ${posts(crm)}, other: ${posts(other)} }`,
    });
    expect((await router.reload()).destinations.added).to.deep.equal(['other']);
    expect(await problems()).to.deep.equal([late]);
    await write({ routes: broken });
    await router.reload();
    expect(await problems()).to.deep.equal([]);
  });

  it('is made one after the other where two are asked for at once', async () => {
    const { router, url, lines } = await place.router(yaml());
    await write({ destinations: `{ other: ${posts(other)} }`, routes: '[{ name: all, to: other }]' });
    const reports = await Promise.all([router.reload(), router.reload()]);
    expect(reports.map(({ generation, destinations }) => [generation, destinations.added])).to.deep.equal([
      [2, ['other']],
      [3, []],
    ]);
    expect(linesOf(lines, 'config.reloaded')).to.have.length(2);
    await send(url, 'conv_1');
    await other.received(1);
  });

  it('follows SIGHUP', async () => {
    const router = await place.start(await write({}));
    const logged = (event: string) => router.log.filter((line) => line.event === event);
    await write({ destinations: `{ other: ${posts(other)} }`, routes: '[{ name: all, to: other }]' });
    router.process.kill('SIGHUP');
    await until(() => logged('config.reloaded').length === 1);
    expect(logged('config.reloaded')[0]).to.deep.include({
      generation: 2,
      added: 1,
      changed: 1,
      removed: 1,
      unchanged: 1,
    });
    expect(await send(router.url, 'conv_1')).to.equal(200);
    await other.received(1);
    await place.write('switchhook.yaml', 'version: 2\n');
    router.process.kill('SIGHUP');
    await until(() => logged('config.rejected').length === 1);
    expect(await router.stop()).to.equal(0);
  });

  it('closes a transform that was removed when another of its name takes its place', async () => {
    await place.write(
      'steps.js',
      `import { definePlugin, defineTransform, z } from '@switchhook/sdk';
export const open = [];
globalThis.openTransforms = open;
export default definePlugin({ name: 'steps', components: [defineTransform({
  type: 'steps.same', description: 'For tests.', options: z.strictObject({}),
  create: () => {
    const instance = { open: () => void open.push(instance), close: () => void open.splice(open.indexOf(instance), 1), apply: (event) => event };
    return instance;
  },
})] });
`,
    );
    const withStep = {
      more: 'transforms: { same: { use: steps.same } }',
      routes: '[{ name: all, to: crm, transform: same }]',
    };
    const file = (rows: Rows) =>
      place.write('switchhook.yaml', yaml(rows).replace('[./plugin.js]', '[./plugin.js, ./steps.js]'));
    await file(withStep);
    const { router } = await place.router(await readFile(place.path('switchhook.yaml'), 'utf8'));
    const open = () => (globalThis as unknown as { readonly openTransforms: readonly unknown[] }).openTransforms.length;
    for (let times = 0; times < 3; times += 1) {
      await file({});
      await router.reload();
      expect(open()).to.equal(1);
      await file(withStep);
      await router.reload();
      await until(() => open() === 1);
    }
  });

  it('watches what a refused configuration names: correcting it is enough', async () => {
    const { router, lines } = await place.router(yaml());
    await router.watch();
    const named = (refuses: boolean) => place.write('refuses.txt', String(refuses));
    await named(true);
    const refusing = `{ local: { use: local.post, url: ${other.url}, refuses: "\${file:refuses.txt}" } }`;
    await place.write('next.yaml', yaml({ destinations: refusing, routes: '[{ name: all, to: local }]' }));
    await rename(place.path('next.yaml'), place.path('switchhook.yaml'));
    const count = (event: string) => lines.filter((line) => JSON.parse(line).event === event).length;
    await until(() => count('config.rejected') === 1);
    await named(false);
    await until(() => count('config.reloaded') === 1);
  });

  it('follows a saved file with --watch: the configuration, and a local plugin', async () => {
    const local = (more: string) => ({
      destinations: `{ local: { use: local.post, url: ${other.url}${more} } }`,
      routes: '[{ name: all, to: local }]',
    });
    const router = await place.start(await write({}), ['--watch']);
    const reloads = () => router.log.filter(({ event }) => event === 'config.reloaded').length;
    await place.write('next.yaml', yaml(local('')));
    await rename(place.path('next.yaml'), place.path('switchhook.yaml'));
    await until(() => reloads() === 1);
    await place.write('mark.js', "export const mark = 'watched';\n");
    await until(() => reloads() === 2);
    await send(router.url, 'conv_1');
    await other.received(1);
    expect(paths(other)).to.deep.equal(['/v1-watched?conv_1']);
    expect(await router.stop()).to.equal(0);
  }).timeout(30_000);
});
