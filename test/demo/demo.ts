/**
 * `npm run demo`: two phone calls through the whole router, on embedded defaults. With `-- --stay` the router goes on, for its
 * dashboard. With `-- --routers 3`, several routers on one PostgreSQL. Ends with 0 only when all of it is as it must be.
 */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createRouter, PageFiles, type Router } from '@switchhook/core';
import { pageFolder } from '@switchhook/dashboard';
import { Store } from '@switchhook/sdk';
import { type Receiver, receiver } from '@switchhook/testkit';
import pg from 'pg';
import { Webhook } from 'standardwebhooks';
import { startPostgres } from '../support/postgres-server.js';
import { Findings } from './findings.js';
import { demoDirectory, removeLeftovers } from './leftovers.js';
import { playCall, playSecondCall, type ScenarioRun, secondConversation } from './phone-call.js';
import { demonstrateRouters } from './routers.js';

const configFile = fileURLToPath(new URL('../../config/examples/demo.yaml', import.meta.url));
const crmSecret = 'whsec_b25seS1mb3ItdHJ5aW5nLWl0LW91dC1vbmx5IQ==';
const { values: options } = parseArgs({ options: { stay: { type: 'boolean' }, routers: { type: 'string' } } });
const stay = options.stay === true;
const routers = Number(options.routers ?? 1);
if (!Number.isInteger(routers) || routers < 1 || (stay && routers > 1)) {
  process.stderr.write('npm run demo [-- --stay | --routers <number, 2 or more>]\n');
  process.exit(2);
}

await removeLeftovers(tmpdir());
const directory = await demoDirectory(tmpdir());
const ends: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })];
let failed = true;
try {
  failed = routers > 1 ? !(await demonstrateRouters(routers, ends, say)) : await demonstrate();
} finally {
  for (const end of ends.reverse()) await end();
}
process.exitCode = failed ? 1 : 0;

async function demonstrate(): Promise<boolean> {
  say('Switchhook, two phone calls from end to end\n');
  const database = await aDatabase();
  const slack = await aReceiver(() => ({ status: 200, body: 'ok' }));
  // The CRM is down for its first two requests, and does not know the customer of the second call at first.
  let knowsAll = false;
  const crm = await aReceiver((request, index) => {
    if (index < 2) return 503;
    if (knowsAll || !request.text().includes(secondConversation)) return 200;
    return { status: 422, body: `no customer for ${secondConversation}` };
  });
  const router = await aRouter({
    DATABASE_URL: database.url,
    DEMO_DIRECTORY: directory,
    SLACK_WEBHOOK_URL: `${slack.url}/services/T000/B000/demo`,
    CRM_URL: `${crm.url}/hooks/calls`,
    CRM_SIGNING_SECRET: crmSecret,
    ...(stay && (await isFree(8_080)) && { DEMO_PORT: '8080' }),
  });
  const url = await router.listen();
  say(`  router     ${url}   (configuration: config/examples/demo.yaml, log: ${logFile()})`);
  say(`  database   ${database.what}`);
  say(`  receivers  Slack at ${slack.url}, CRM at ${crm.url}\n`);

  const run = await playCall(router, url);
  await settled(router, 7);
  const findings = await report(run, router, slack, crm, database.client);
  await reportSecondCall(findings, router, url, () => {
    knowsAll = true;
  });
  say(findings.right ? '\nAll of it is as it must be.' : '\nSomething is not as it must be.');
  if (stay) await untilInterrupted(url);
  return !findings.right;
}

async function report(run: ScenarioRun, router: Router, slack: Receiver, crm: Receiver, client: pg.Client) {
  const findings = new Findings(say);
  const { answer, statuses } = run;

  findings.section('The ringing phone was told');
  findings.show(`${JSON.stringify(answer.body)}   in ${answer.ms} ms`);
  findings.expect('the caller is known by name', answer.body, {
    dynamic_variables: { first_name: 'Jim', tier: 'gold' },
  });

  findings.section('The router answered the sender');
  for (const { what, status, body } of statuses) findings.show(`${String(status)}  ${what}  ${JSON.stringify(body)}`);
  const duplicate = statuses.find(({ what }) => what.includes('again'));
  findings.expect(
    'events 200, the forged one 401',
    statuses.map(({ status }) => status),
    [200, 200, 200, 200, 401],
  );
  findings.expect('the repeated one is known', duplicate?.body.duplicate, true);

  findings.section('Slack got');
  for (const request of slack.requests) findings.show(request.text());
  findings.expect(
    'one message, with the duration in words',
    slack.requests.map((request) => request.json()),
    [{ text: 'Call conv_demo_1 ended after 1m 13s' }],
  );

  findings.section("select type, subject, agent, data->>'duration' as duration from sigmamind_events");
  const { rows } = await client.query(
    "select type, subject, agent, data->>'duration' as duration from sigmamind_events order by received_at",
  );
  for (const row of rows)
    findings.show(
      Object.values(row)
        .map((value) => value ?? '-')
        .join('  |  '),
    );
  findings.expect('each event once, the call among them', rows.map(({ type }) => type).sort(), [
    'conversation_analysed',
    'conversation_ended',
    'conversation_started',
    'inbound_call',
  ]);

  findings.section('The CRM got');
  for (const { method, path, headers } of crm.requests)
    findings.show(
      `${method} ${path}  webhook-id ${headers['webhook-id']}  webhook-signature ${headers['webhook-signature']?.slice(0, 20)}…`,
    );
  const verified = crm.requests.map(({ body, headers }) => verifies(body.toString(), headers));
  findings.expect('every request carries a signature that verifies', new Set(verified), new Set([true]));
  findings.expect('two requests failed, and both events arrived', crm.requests.length, 4);

  findings.section('Deliveries and their attempts');
  const store = router.get(Store);
  const { items } = await store.deliveries({ limit: 100 });
  for (const delivery of items.toReversed()) {
    const attempts = await store.attempts(delivery.id);
    const details = attempts.map(({ outcome, reason }) => (reason === null ? outcome : `${outcome} (${reason})`));
    findings.show(`${delivery.destination.padEnd(10)} ${delivery.state}  ${details.join(' → ')}`);
  }
  findings.expect('all are delivered', new Set(items.map(({ state }) => state)), new Set(['delivered']));
  return findings;
}

/** With `--stay` its dead delivery is left to the operator. `repair`: the CRM takes the call from then on. */
async function reportSecondCall(findings: Findings, router: Router, url: string, repair: () => void): Promise<void> {
  findings.section('A second call, of a number that the database does not have');
  const { answer, ended } = await playSecondCall(router, url);
  findings.show(JSON.stringify(answer));
  findings.expect('its agent got the defaults', answer, {
    dynamic_variables: { first_name: 'there', tier: 'standard' },
  });
  await settled(router, 11);
  const store = router.get(Store);
  const toCrm = async () =>
    (await store.deliveries({ limit: 100 })).items.find(
      ({ destination, eventId }) => destination === 'crm' && eventId === ended,
    );
  const dead = await toCrm();
  const attempts = dead === undefined ? [] : await store.attempts(dead.id);
  for (const { outcome, reason } of attempts) findings.show(`crm        ${dead?.state ?? ''}  ${outcome} (${reason})`);
  findings.expect('the CRM has rejected it', dead?.state, 'dead');
  repair();
  if (stay || dead === undefined) return;
  await fetch(`${url}/api/deliveries/${encodeURIComponent(dead.id)}/replay`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  await settled(router, 11);
  findings.expect('the CRM accepts it now, and it was replayed', (await toCrm())?.state, 'delivered');
}

function verifies(body: string, headers: Readonly<Record<string, string>>): boolean {
  try {
    new Webhook(crmSecret).verify(body, { ...headers });
    return true;
  } catch {
    return false;
  }
}

/** Otherwise the demo takes any other port, which it prints. */
async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

/** `DATABASE_URL` where it is set; else a PostgreSQL of the demo's own. */
async function aDatabase() {
  const given = process.env.DATABASE_URL;
  const server = given === undefined ? await startPostgres() : null;
  if (server !== null) ends.push(() => server.stop());
  const url = given ?? server?.url ?? '';
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  ends.push(() => client.end());
  await client.query(`
    drop table if exists sigmamind_events;
    drop table if exists demo_customers;
    create table demo_customers (phone text primary key, first_name text not null, tier text not null);
    insert into demo_customers values ('+12345678912', 'Jim', 'gold');
  `);
  return { url, client, what: given === undefined ? `an embedded PostgreSQL, ${url}` : 'DATABASE_URL' };
}

async function aReceiver(behaviour: Parameters<typeof receiver>[0]): Promise<Receiver> {
  const made = await receiver(behaviour);
  ends.push(() => made.close());
  return made;
}

async function aRouter(variables: Readonly<Record<string, string>>): Promise<Router> {
  Object.assign(process.env, variables);
  await mkdir(directory, { recursive: true });
  const log = createWriteStream(logFile());
  await once(log, 'open');
  const router = await createRouter(configFile, {
    logTo: log,
    configure: (container) => container.register(PageFiles, { useValue: pageFolder }),
  });
  await router.open();
  ends.push(() => router.close());
  return router;
}

/** Asks the store until there are so many deliveries, and none is open. */
async function settled(router: Router, deliveries: number): Promise<void> {
  const store = router.get(Store);
  for (let round = 0; round < 300; round += 1) {
    const { items } = await store.deliveries({ limit: 100 });
    if (items.length >= deliveries && items.every(({ state }) => state !== 'waiting' && state !== 'running')) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function untilInterrupted(url: string): Promise<void> {
  const config = '--config config/examples/demo.yaml';
  say(`\nThe router goes on. Its dashboard: ${url}/`);
  say('The CRM rejected the second call, but would accept it now: the page shows why, and replays it.');
  say('Try, in another terminal:');
  say(`  npx switchhook send conversation_ended ${config} --url ${url}`);
  say(`  npx switchhook call --from +12345678912 --to +12345678913 ${config} --url ${url}`);
  say('End it with Ctrl-C.');
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}

function logFile(): string {
  return join(stay ? directory : tmpdir(), 'switchhook-demo.log');
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
