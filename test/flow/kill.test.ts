import { type Receiver, receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { type RouterProcess, type Workplace, workplace } from '../support/workplace.js';

const yaml = (crm: Receiver, more = '') => `
version: 1
server: { host: 127.0.0.1, port: 0, grace: 10s }
store: { use: sqlite, path: ./switchhook.db }
log: { level: info }
sources:
  agents: { use: sigmamind.events, secrets: [${secret}] }
destinations:
  crm:
    use: http.post
    url: ${crm.url}/hooks
    concurrency: 4
    timeout: 5s
    retry: { attempts: 100, first: 10ms, max: 50ms }
    breaker: false
routes:
  - { from: agents, to: crm${more} }
`;

/** Sends events until the router is gone; the ids it has acknowledged are the ledger. */
async function sendUntilKilled(
  router: RouterProcess,
  round: number,
  killAfter: number,
  ledger: Set<string>,
): Promise<void> {
  let next = 0;
  const sender = async (): Promise<void> => {
    for (;;) {
      next += 1;
      const conversationId = `conv_${round}_${next}`;
      const reply = await postSigned(`${router.url}/hooks/agents`, endedBody({ conversationId })).catch(() => null);
      if (reply === null) return;
      if (reply.status === 200) ledger.add(conversationId);
      if (ledger.size >= killAfter) await router.kill();
    }
  };
  await Promise.all(Array.from({ length: 8 }, sender));
}

async function allArrived(crm: Receiver, ledger: ReadonlySet<string>): Promise<Set<unknown>> {
  const arrivedAt = (count: number): Set<unknown> => {
    const bodies = crm.requests.slice(0, count).map((request) => request.json());
    return new Set(bodies.map((body) => (body as { data: { conversationId: string } }).data.conversationId));
  };
  for (let count = ledger.size; ; count += 1) {
    await crm.received(count);
    const arrived = arrivedAt(crm.requests.length);
    if ([...ledger].every((id) => arrived.has(id))) return arrived;
  }
}

describe('a router that is killed', () => {
  let place: Workplace;
  let crm: Receiver;

  beforeEach(async () => {
    place = await workplace();
    // Every fifth request fails, so there is always something between its attempts.
    crm = await receiver((_request, index) => (index % 5 === 0 ? 503 : 200));
  });
  afterEach(async () => {
    await place.close();
    await crm.close();
  });

  it('delivers, once it is up again, everything it has acknowledged', async () => {
    const file = await place.write('switchhook.yaml', yaml(crm));
    const ledger = new Set<string>();
    for (const [round, more] of [3, 40, 75].entries())
      await sendUntilKilled(await place.start(file), round, ledger.size + more, ledger);
    const router = await place.start(file);
    expect(ledger.size).to.be.greaterThan(100);
    await allArrived(crm, ledger);
    expect(await router.stop()).to.equal(0);
  });

  it('ends with 0 on SIGTERM, and the next start delivers what was left', async () => {
    const file = await place.write('switchhook.yaml', yaml(crm));
    crm.answer(() => 503);
    const first = await place.start(file);
    const ledger = new Set(Array.from({ length: 30 }, (_, index) => `conv_${index}`));
    for (const conversationId of ledger) await postSigned(`${first.url}/hooks/agents`, endedBody({ conversationId }));
    expect(await first.stop()).to.equal(0);
    crm.answer(() => 200);
    const second = await place.start(file);
    await allArrived(crm, ledger);
    expect(await second.stop()).to.equal(0);
  });

  it('sends the events of each conversation together, whatever was gathered when it was killed', async () => {
    const wait = ', wait: { for: conversation_analysed, within: 1h }';
    const file = await place.write('switchhook.yaml', yaml(crm, wait));
    const subjects = Array.from({ length: 20 }, (_, index) => `conv_${index}`);
    const send = async ({ url }: RouterProcess, event: string, some = subjects) => {
      for (const conversationId of some)
        expect((await postSigned(`${url}/hooks/agents`, endedBody({ event, conversationId }))).status).to.equal(200);
    };
    const first = await place.start(file);
    await send(first, 'conversation_started');
    await send(first, 'conversation_ended', subjects.slice(10));
    await first.kill();
    const second = await place.start(file);
    expect(crm.requests).to.deep.equal([]);
    await send(second, 'conversation_analysed', subjects.slice(0, 15));
    await crm.received(5);
    await second.kill();
    const third = await place.start(file);
    await send(third, 'conversation_analysed', subjects.slice(15));
    await allArrived(crm, new Set(subjects));
    expect(await third.stop()).to.equal(0);
    interface Body {
      readonly subject: string;
      readonly events: readonly { readonly type: string }[];
    }
    // A request may be repeated, with the same content under the same key.
    const sent = new Map<string, Set<string>>();
    for (const { headers, body } of crm.requests) {
      const { subject, events } = JSON.parse(String(body)) as Body;
      const content = `${headers['idempotency-key']}: ${events.map(({ type }) => type).join(', ')}`;
      sent.set(subject, (sent.get(subject) ?? new Set()).add(content));
    }
    for (const [index, subject] of subjects.entries()) {
      const [content, ...others] = sent.get(subject) ?? [];
      expect(others).to.deep.equal([]);
      const ended = index < 10 ? '' : 'conversation_ended, ';
      expect(content).to.match(new RegExp(`: conversation_started, ${ended}conversation_analysed$`));
    }
  });

  it('does not start on a store that another router uses', async () => {
    const file = await place.write('switchhook.yaml', yaml(crm));
    const first = await place.start(file);
    const second = await place.run(['start', '--config', file]);
    expect([second.code, second.stderr]).to.satisfy(
      ([code, stderr]: [number, string]) => code === 1 && stderr.includes('STORE_IN_USE'),
    );
    expect(await first.stop()).to.equal(0);
  });
});
