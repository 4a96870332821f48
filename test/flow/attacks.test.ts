/** Attacks by real processes on a real router while phones ring: each call is answered in time, with what is known of the caller. */
import { expect } from 'chai';
import { throttle } from '../../plugins/postgres/test/gate.js';
import { type Attack, attackedSources, type RunningAttack, startAttack } from '../support/attacks.js';
import { phones, ring } from '../support/phones.js';
import { postgres } from '../support/postgres.js';
import { type RouterProcess, type Workplace, workplace } from '../support/workplace.js';

const answers = `
resolvers: { customer: { use: static, values: { first_name: Jane } } }
destinations: { console: { use: log } }
routes: [{ from: agents, to: console }]
answers: [{ from: calls, resolve: [customer], variables: { first_name: '\${{ customer.first_name }}' } }]
`;

/** Calls that ring during an attack, four at a time. */
const callsPerAttack = 20;

describe('under attack', () => {
  let place: Workplace;
  let router: RouterProcess;

  before(async () => {
    place = await workplace();
    const file = await place.write(
      'switchhook.yaml',
      `version: 1\nserver: { host: 127.0.0.1, port: 0 }\nstore: { use: sqlite, path: ./events.db }\n${attackedSources}${answers}`,
    );
    router = await place.start(file);
  });
  after(() => place.close());

  /** Rings until all calls are answered, each with the name that its look-up finds, and by the router that was started. */
  async function ringing(url: string): Promise<void> {
    const ringingPhones = phones({
      count: 4,
      router: () => Promise.resolve(url),
      evaluate: () => (heard) => expect(heard).to.deep.include({ status: 200, variables: { first_name: 'Jane' } }),
    });
    await ringingPhones.hear(callsPerAttack, () => true);
    await ringingPhones.hangUp();
  }

  async function attacked(attack: Attack, replies: number): Promise<RunningAttack> {
    const running = await startAttack(attack, Number(new URL(router.url).port));
    try {
      await Promise.all([ringing(router.url), running.answered(replies)]);
    } finally {
      await running.stop();
    }
    return running;
  }

  it('by requests whose replies are never read, every call is answered', async () => {
    await attacked('unread-replies', 0);
    expect((await fetch(`${router.url}/healthz`)).status).to.equal(200);
  });

  it('by large bodies that are not signed, beside 300 secrets, every call is answered', async () => {
    const { statuses } = await attacked('large-bodies', 50);
    expect(Object.keys(statuses)).to.have.members(Object.keys(statuses).filter((status) => /401|429/.test(status)));
  });

  it('by large bodies of numbers that take long to parse, every call is answered', async () => {
    const { statuses } = await attacked('large-numbers', 5);
    expect(statuses).not.to.have.property('200');
  });

  it('by large bodies of brackets, every call is answered', async () => {
    const { statuses } = await attacked('deep-bodies', 20);
    expect(statuses).not.to.have.any.keys('200', '500');
  });

  it('by headers that push those of a proxy out, every call is answered, and the API stays closed', async () => {
    const { statuses } = await attacked('filler-headers', 50);
    // Newer versions of Node refuse so many by themselves.
    expect(Object.keys(statuses)).to.have.length(1);
    expect(Object.keys(statuses)[0]).to.be.oneOf(['400', '431']);
  });

  it('by a network that forgets its connections to PostgreSQL, only the first call gets its defaults', async () => {
    const database = await postgres();
    const door = await throttle(database.url);
    const own = await workplace();
    try {
      await database.query(`create table customers (phone text primary key, first_name text)`);
      await database.query(`insert into customers select '+1' || n, 'Jane' from generate_series(1000000, 1010000) n`);
      const { url } = await own.start(
        await own.write(
          'switchhook.yaml',
          `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: sqlite, path: ./events.db }
sources: { calls: { use: sigmamind.call, token: token-of-the-tests } }
resolvers:
  customer: { use: postgres.lookup, url: "${door.url}", query: "select first_name from customers where phone = $1", params: ["\${{ call.from }}"], timeout: 2s }
answers:
  - { from: calls, resolve: [customer], variables: { first_name: "\${{ customer.first_name }}" }, defaults: { first_name: there } }
`,
        ),
      );
      const ringing = phones({
        count: 10,
        router: () => Promise.resolve(url),
        evaluate:
          () =>
          ({ status }) =>
            expect(status).to.equal(200),
      });
      await ringing.hear(50, ({ heard }) => heard.variables.first_name === 'Jane');
      await ringing.hangUp();
      const idle = door.connections;
      door.forget('drop');
      const names: unknown[] = [];
      for (let n = 0; n < 6; n += 1) names.push((await ring(url, `+1100${n}000`)).variables.first_name);
      expect(idle).to.be.greaterThan(5);
      expect(names.filter((name) => name === 'there').length).to.be.within(1, 2);
      expect(names.at(-1)).to.equal('Jane');
    } finally {
      await own.close();
      await door.close();
      await database.close();
    }
  });
});
