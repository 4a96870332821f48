import { expect } from 'chai';
import { measure } from '../bench/servers.js';
import { eventually } from '../support/eventually.js';
import { defaults, factsOf, type Outage, outages, slowResolver, toldOf, type Variable } from '../support/outages.js';
import { callers, type Heard, type PhoneCall, phones, token } from '../support/phones.js';
import { recorded } from '../support/recorded.js';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { type Workplace, workplace } from '../support/workplace.js';

describe('phones that ring all the time', () => {
  let place: Workplace;

  beforeEach(async () => {
    place = await workplace();
  });
  afterEach(() => place.close());

  /** How often the store has each value of a field, among the events of a type. */
  const timesKept = async (type: string, field: string): Promise<ReadonlyMap<unknown, number>> => {
    const times = new Map<unknown, number>();
    for (const { [field]: value } of await recorded(place.path('switchhook.db'), type))
      times.set(value, (times.get(value) ?? 0) + 1);
    return times;
  };

  it('are all answered, none with what is not theirs, while the database, the CRM, the disk and the router are pulled out', async () => {
    const fixture = await outages(place);
    /** What nobody can know just now; another set after each change. */
    let hidden: ReadonlySet<Variable> = new Set();
    const evaluate = (from: string) => {
      const atFirst = hidden;
      return ({ status, variables }: Heard): void => {
        const told = toldOf(from, hidden === atFirst ? hidden : new Set());
        expect(status, from).to.equal(200);
        expect(variables, from).to.have.all.keys(told);
        for (const name of ['first_name', 'orders'] as const)
          expect(variables[name], from).to.be.oneOf([told[name], defaults[name]]);
      };
    };
    const line = phones({ count: 6, router: fixture.router, evaluate });
    /** Until so many callers have heard everything that can be known. */
    const heardAll = (count: number): Promise<void> => {
      const now = hidden;
      const isAll = ({ from, heard: { variables } }: PhoneCall): boolean => {
        const { first_name, orders } = toldOf(from, now);
        return variables.first_name === first_name && variables.orders === orders;
      };
      return line.hear(count, isAll);
    };
    let sent = 0;
    const acknowledged = new Map<unknown, number>();
    const sendEvent = async (): Promise<number> => {
      sent += 1;
      const conversationId = `conv_${sent}`;
      const { status } = await postSigned(`${await fixture.router()}/hooks/agents`, endedBody({ conversationId }));
      if (status === 200) acknowledged.set(conversationId, 1);
      return status;
    };
    const survive = async (...pulled: readonly Outage[]): Promise<void> => {
      for (const outage of pulled) await outage.pull();
      hidden = new Set(pulled.flatMap(({ hides }) => hides ?? []));
      await heardAll(50);
      const status = pulled.includes(fixture.diskFull) ? 503 : 200;
      // At once: no more than 2,000 calls wait for a disk, and they ring meanwhile.
      expect(new Set(await Promise.all(Array.from({ length: 10 }, sendEvent)))).to.deep.equal(new Set([status]));
      hidden = new Set();
      for (const outage of pulled.toReversed()) await outage.putBack();
      await eventually(async () => (await sendEvent()) === 200);
      await heardAll(50);
    };
    try {
      await heardAll(50);
      await survive(fixture.databaseKilled);
      await survive(fixture.databaseHangs);
      await survive(fixture.crmKilled);
      await survive(fixture.crmHangs);
      await fixture.killRouter();
      await heardAll(50);
      await survive(fixture.diskFull);
      await survive(fixture.databaseHangs, fixture.crmHangs, fixture.diskFull);
      await survive(fixture.databaseKilled, fixture.crmKilled, fixture.diskFull);
      await line.hangUp();
      expect(await fixture.stopRouter()).to.equal(0);
    } finally {
      await fixture.close();
    }
    expect(line.calls.filter(({ tries }) => tries > 1)).not.to.have.length(0);
    const kept = await timesKept('inbound_call', 'from_number');
    // A request that the killed router has answered to nobody may be kept beside the one that was asked again.
    const isKept = ({ from, tries }: PhoneCall): boolean => (tries === 1 ? kept.get(from) === 1 : kept.has(from));
    const sinceKill = line.calls.filter(({ by }) => by === fixture.router());
    expect(sinceKill.filter((call) => !isKept(call))).to.deep.equal([]);
    expect(await timesKept('conversation_ended', 'conversationId')).to.deep.equal(acknowledged);
  }).timeout(180_000);

  it('all hear their facts while 10,000 events a second are offered, of which none is lost that was acknowledged', async () => {
    const rows = callers.map((from) => `${from},${factsOf(from).first_name}`);
    await place.write('customers.csv', `phone,first_name\n${rows.join('\n')}\n`);
    const file = await place.write(
      'switchhook.yaml',
      `
version: 1
server: { host: 127.0.0.1, port: 0, watchdog: false }
store: { use: sqlite, path: ./switchhook.db }
plugins: [${slowResolver}]
sources:
  calls: { use: sigmamind.call, token: ${token} }
  agents: { use: sigmamind.events, secrets: [${secret}], signature: { header: X-Signature } }
resolvers:
  customer: { use: table.lookup, file: ./customers.csv }
  pace: { use: slow, takes: 20ms }
answers:
  - { from: calls, resolve: [customer, pace], variables: { first_name: "\${{ customer.first_name }}" } }
`,
    );
    const router = await place.start(file);
    const running = Promise.resolve(router.url);
    const evaluate =
      (from: string) =>
      ({ status, variables }: Heard): void => {
        expect([status, variables.first_name]).to.deep.equal([200, factsOf(from).first_name]);
      };
    const line = phones({ count: 8, router: () => running, evaluate });
    const { replies } = await measure({
      port: Number(new URL(router.url).port),
      path: '/hooks/agents',
      secret,
      requests: 15_000,
      // More than may wait for a commit: what a slow machine cannot take is refused.
      connections: 2_500,
      perSecond: 10_000,
      label: 'flood',
    });
    await line.hear(50, () => true);
    await line.hangUp();
    expect(await router.stop()).to.equal(0);

    expect(replies).to.have.length(15_000);
    expect(replies.filter(({ status }) => ![200, 429, 503].includes(status))).to.deep.equal([]);
    const kept = await timesKept('conversation_ended', 'conversationId');
    const acknowledged = replies.flatMap(({ status }, n) => (status === 200 ? [`flood-${n}`] : []));
    expect(acknowledged).not.to.have.length(0);
    expect(acknowledged.filter((conversation) => kept.get(conversation) !== 1)).to.deep.equal([]);
    const calls = await timesKept('inbound_call', 'from_number');
    expect(line.calls.filter(({ from }) => calls.get(from) !== 1)).to.deep.equal([]);
  }).timeout(180_000);
});
