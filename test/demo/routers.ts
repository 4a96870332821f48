/** `npm run demo -- --routers 3`: several routers on one PostgreSQL, of which one is killed while it answers a call. */
import { fileURLToPath } from 'node:url';
import { createRouter } from '@switchhook/core';
import { type Receiver, receiver } from '@switchhook/testkit';
import { startPostgres } from '../support/postgres-server.js';
import { type RouterProcess, type Workplace, workplace } from '../support/workplace.js';
import { Findings } from './findings.js';
import { type LoadBalancer, loadBalancer } from './load-balancer.js';

const configFile = fileURLToPath(new URL('../../config/examples/routers.yaml', import.meta.url));
const conversations = 100;
/** Conversations at a time. */
const lines = 8;
const types = ['conversation_started', 'conversation_ended', 'conversation_analysed'];
const phone = { event: 'inbound_call', from_number: '+12345678912', to_number: '+12345678913' };

type Say = (text: string) => void;
/** What is to be done at the end, the last first. */
type Ends = (() => Promise<unknown>)[];

/** True where all of it is as it must be. */
export async function demonstrateRouters(count: number, ends: Ends, say: Say): Promise<boolean> {
  say(`Switchhook, ${count} routers on one PostgreSQL\n`);
  const stage = await Stage.open(count, ends, say);
  const findings = new Findings(say);

  say(`\nThe conversations of ${conversations} calls are sent, and a phone rings …`);
  const events = stage.sendEvents();
  const ringing = stage.ring();
  const victim = await stage.killTheOneThatLooksUp(ringing);
  const call = await ringing;
  const acknowledged = await events;
  await stage.start(victim);
  say(`${victim} was killed while it looked up the caller, and was started again.`);
  say('What it was sending is sent by another router, half a minute after its last heartbeat …');
  await stage.allDelivered(acknowledged.size);

  findings.section('The ringing phone was told');
  findings.show(`${JSON.stringify(call.body)}   by ${call.router} in ${call.ms} ms`);
  findings.expect('the caller is known by name', call.body, { dynamic_variables: { first_name: 'Jim', tier: 'gold' } });
  findings.expect('in the 10 s in which the platform waits', call.ms < 10_000, true);
  findings.expect(`another router than ${victim} has answered`, call.router !== victim, true);

  findings.section(`${acknowledged.size} events were acknowledged, and the CRM got`);
  const { received, repeated, inOrder } = stage.received();
  findings.show(`${received.size} events in ${received.size + repeated} requests`);
  findings.show(`requests that the load balancer repeated, because ${victim} was gone: ${stage.balancer.repeated}`);
  findings.expect('every event was acknowledged', acknowledged.size, conversations * types.length);
  findings.expect(
    'none is lost',
    [...acknowledged].filter((event) => !received.has(event)),
    [],
  );
  findings.expect('the events of each conversation came in their order', inOrder, true);
  findings.expect('no delivery is open or dead', await stage.unfinished(), []);
  say(findings.right ? '\nAll of it is as it must be.' : '\nSomething is not as it must be.');
  return findings.right;
}

/** The routers and what is around them. */
class Stage {
  readonly #routers = new Map<string, RouterProcess>();

  private constructor(
    readonly balancer: LoadBalancer,
    private readonly crm: Receiver,
    /** Resolves when the CRM is asked who is calling. */
    private readonly lookedUp: Promise<unknown>,
    private readonly place: Workplace,
    private readonly variables: Readonly<Record<string, string>>,
    private readonly say: Say,
    private readonly signer: Awaited<ReturnType<typeof createRouter>>,
  ) {}

  static async open(count: number, ends: Ends, say: Say): Promise<Stage> {
    // Never one that is named: routers of the demo would take over what waits in it.
    const server = await startPostgres();
    ends.push(() => server.stop());
    let lookUps = 0;
    let onLookUp = (): void => {};
    const lookedUp = new Promise<void>((resolve) => {
      onLookUp = resolve;
    });
    const crm = await receiver(({ path }) => {
      if (!path.startsWith('/customers')) return 200;
      lookUps += 1;
      onLookUp();
      // The first look-up is not answered: there is time to kill the router that waits for it.
      return lookUps === 1 ? 'hang' : { status: 200, body: JSON.stringify({ first_name: 'Jim', tier: 'gold' }) };
    });
    ends.push(() => crm.close());
    const balancer = await loadBalancer();
    ends.push(() => balancer.close());
    const place = await workplace();
    ends.push(() => place.close());
    const variables = { DATABASE_URL: server.url, CRM_URL: crm.url, PORT: '0' };
    Object.assign(process.env, variables);
    const signer = await createRouter(configFile);
    const stage = new Stage(balancer, crm, lookedUp, place, variables, say, signer);
    say(`  database       an embedded PostgreSQL, ${server.url}`);
    say(`  load balancer  ${balancer.url}   (configuration of the routers: config/examples/routers.yaml)`);
    say(`  CRM            ${crm.url}`);
    for (let number = 1; number <= count; number += 1) await stage.start(`router-${number}`);
    return stage;
  }

  async start(name: string): Promise<void> {
    const router = await this.place.start(configFile, [], this.variables);
    this.#routers.set(name, router);
    this.say(`  ${name.padEnd(13)}  ${router.url}   (process ${router.process.pid})`);
    this.#announce();
  }

  #announce(): void {
    this.balancer.setRouters(new Map([...this.#routers].map(([name, { url }]) => [name, url])));
  }

  /** Rings through the load balancer. */
  async ring(): Promise<{ readonly body: unknown; readonly router: string | null; readonly ms: number }> {
    const startedAt = performance.now();
    const response = await this.#post('calls', phone);
    const ms = Math.round(performance.now() - startedAt);
    return { body: await response.json(), router: response.headers.get('x-router'), ms };
  }

  /** Kills the router that has asked the CRM who is calling, before it knows. Returns its name; throws where the call is over before. */
  async killTheOneThatLooksUp(ringing: Promise<unknown>): Promise<string> {
    await Promise.race([this.lookedUp, ringing]);
    const name = this.balancer.workingOn('/hooks/calls');
    if (name === null) throw new Error('the call was over before its caller was looked up');
    await this.#routers.get(name)?.kill();
    return name;
  }

  /** Sends all events, those of one conversation one after the other, each again until it is acknowledged. Returns which were. */
  async sendEvents(): Promise<ReadonlySet<string>> {
    const acknowledged = new Set<string>();
    const sendConversation = async (number: number): Promise<void> => {
      const conversationId = `conv_${number}`;
      for (const event of types) {
        const body = { event, conversationId, agentId: 'agent_sales', duration: number };
        while ((await this.#post('agents', body)).status !== 200) await moment();
        acknowledged.add(`${conversationId} ${event}`);
      }
    };
    const sendLine = async (line: number): Promise<void> => {
      for (let number = line; number <= conversations; number += lines) await sendConversation(number);
    };
    await Promise.all(Array.from({ length: lines }, (_, index) => sendLine(index + 1)));
    return acknowledged;
  }

  /** What the CRM has received. */
  received() {
    const received = new Set<string>();
    const latest = new Map<string, number>();
    let repeated = 0;
    let inOrder = true;
    for (const request of this.crm.requests.filter(({ path }) => path === '/calls')) {
      const { type = '', subject = '' } = request.json() as Readonly<Record<string, string>>;
      const name = `${subject} ${type}`;
      if (received.has(name)) repeated += 1;
      else if (types.indexOf(type) !== (latest.get(subject) ?? -1) + 1) inOrder = false;
      received.add(name);
      latest.set(subject, types.indexOf(type));
    }
    return { received, repeated, inOrder };
  }

  /** Waits until the CRM has received so many events and no delivery is open, or nothing has changed for a minute. */
  async allDelivered(count: number): Promise<void> {
    for (let before = -1, since = performance.now(); performance.now() - since < 60_000; ) {
      const { size } = this.received().received;
      if (size >= count && (await this.unfinished()).length === 0) return;
      if (size !== before) since = performance.now();
      before = size;
      await moment();
    }
  }

  /** Deliveries that are neither made nor skipped: their ids and states. */
  async unfinished(): Promise<readonly string[]> {
    const [router] = this.#routers.values();
    const lists = ['waiting', 'running', 'dead'].map(async (state) => {
      const response = await fetch(`${router?.url}/api/deliveries?state=${state}`);
      const { deliveries } = (await response.json()) as { readonly deliveries: readonly { readonly id: string }[] };
      return deliveries.map(({ id }) => `${id} ${state}`);
    });
    return (await Promise.all(lists)).flat();
  }

  #post(source: string, body: object): Promise<Response> {
    const text = JSON.stringify(body);
    const signature = this.signer.signed(source, Buffer.from(text));
    const headers = { 'content-type': 'application/json', ...signature?.headers };
    const url = `${this.balancer.url}/hooks/${source}${signature?.rest ?? ''}`;
    return fetch(url, { method: 'POST', headers, body: text });
  }
}

const moment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
