import { createRouter, tokens } from '@switchhook/core';
import { receiver } from '@switchhook/core/testkit';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import { gate } from '../../plugins/postgres/test/gate.js';
import { postgres } from '../support/postgres.js';
import { type Workplace, workplace } from '../support/workplace.js';

const token = 'token-of-the-tests';
/** SigmaMind hangs up then, and with it the caller. */
const platformMs = 10_000;

interface Heard {
  readonly status: number;
  readonly variables: Readonly<Record<string, string>>;
  readonly agent: string | undefined;
}

/** Asks for an answer as the platform does. Rejects where it does not come in time. */
async function ring(url: string, from: string, to = '+12345678913'): Promise<Heard> {
  const response = await fetch(`${url}/hooks/calls/${token}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ event: 'inbound_call', from_number: from, to_number: to }),
    signal: AbortSignal.timeout(platformMs),
  });
  const body = (await response.json()) as Record<string, unknown>;
  return {
    status: response.status,
    variables: body.dynamic_variables as Heard['variables'],
    agent: body.override_agent_id as string | undefined,
  };
}

async function recordedCalls(place: Workplace): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const router = await createRouter(place.path('switchhook.yaml'), { logTo: { write: () => {} } });
  await router.open();
  const { items } = await router.service(tokens.store).events({ type: 'inbound_call', limit: 1_000 });
  await router.close();
  return items.map(({ body }) => JSON.parse(Buffer.from(body).toString()));
}

describe('phones that ring', () => {
  it('are all answered and recorded while the database, the CRM and the disk are pulled out in turn', async () => {
    const place = await workplace();
    const database = await postgres();
    const door = await gate(database.url);
    const crm = await receiver(() => ({ status: 200, body: '{"open":2}' }));
    await database.query('create table customers (phone text, first_name text)');
    await database.query("insert into customers select '+1' || n, 'Caller ' || n from generate_series(1000, 1999) n");
    const file = await place.write(
      'switchhook.yaml',
      `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: sqlite, path: ./switchhook.db }
sources:
  calls: { use: sigmamind.call, token: ${token} }
resolvers:
  customer:
    use: postgres.lookup
    url: "${door.url}"
    query: select first_name from customers where phone = $1
    params: ["\${{ call.from }}"]
    connections: 10
    breaker: { cooldown: 100ms }
  orders: { use: http.lookup, url: "${crm.url}/orders", breaker: { cooldown: 100ms } }
answers:
  - name: sales-line
    from: calls
    within: 2s
    resolve: [customer, orders]
    variables: { first_name: "\${{ customer.first_name }}", orders: "\${{ orders.open }}" }
    defaults: { first_name: there, orders: none }
`,
    );
    const router = await place.start(file);
    let called = 1_000;
    /** Rings so often, side by side, each time another caller, and gives what they heard. */
    const phones = async (count: number): Promise<readonly Heard[]> => {
      const numbers = Array.from({ length: count }, (_, n) => called + n);
      called += count;
      return Promise.all(numbers.map((number) => ring(router.url, `+1${number}`)));
    };
    const onlyThese = (heard: readonly Heard[], names: RegExp, orders: readonly string[]): void => {
      for (const { status, variables } of heard) {
        expect(status).to.equal(200);
        expect(variables.first_name).to.match(names);
        expect(variables.orders).to.be.oneOf([...orders]);
      }
    };
    /** Until one of them hears what is known. */
    const recovered = async (name: string, value: RegExp): Promise<void> => {
      for (;;) if (value.test((await phones(1))[0]?.variables[name] ?? '')) return;
    };

    await recovered('first_name', /^Caller/);
    onlyThese(await phones(10), /^Caller \d+$/, ['2']);

    await door.become('shut');
    onlyThese(await phones(10), /^there$/, ['2']);
    await door.become('held');
    onlyThese(await phones(10), /^there$/, ['2']);
    await door.become('open');
    await recovered('first_name', /^Caller/);

    crm.answer(() => 'hang');
    onlyThese(await phones(10), /^Caller \d+$/, ['none']);
    crm.answer(() => 'reset');
    onlyThese(await phones(10), /^Caller \d+$/, ['none']);
    crm.answer(() => ({ status: 200, body: '{"open":3}' }));
    await recovered('orders', /^3$/);

    const thief = new Database(place.path('switchhook.db'));
    thief.exec('begin immediate');
    onlyThese(await phones(10), /^Caller \d+$/, ['3']);
    await door.become('shut');
    crm.answer(() => 500);
    onlyThese(await phones(10), /^there$/, ['none']);
    thief.exec('rollback');
    thief.close();

    expect(await router.stop()).to.equal(0);
    await door.close();
    const recorded = await recordedCalls(place);
    expect(new Set(recorded.map((call) => call.from_number)).size).to.equal(called - 1_000);
    expect(recorded).to.have.length(called - 1_000);
    await Promise.all([crm.close(), database.close()]);
    await place.close();
  }).timeout(90_000);

  it('are answered by line, caller and hour, each retry like the first request, and are events for the routes', async () => {
    const place = await workplace();
    const journal = await receiver();
    let looks = 0;
    const crm = await receiver(({ path }) => {
      if (!path.endsWith('%2B49301')) return 404;
      looks += 1;
      return { status: 200, body: JSON.stringify({ name: 'Ada', look: looks }) };
    });
    const { url } = await place.router(`
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: memory }
sources:
  calls: { use: sigmamind.call, token: ${token} }
resolvers:
  crm: { use: http.lookup, url: "${crm.url}/customers?phone=\${{ call.from }}", allowPrivate: true }
destinations:
  journal: { use: http.post, url: ${journal.url} }
routes:
  - { on: inbound_call, where: event.data.answer.step != "unanswered", to: journal }
answers:
  - name: vip
    from: calls
    where: call.from.startsWith("+49") && now.getFullYear() > 2000
    resolve: crm
    variables: { name: "\${{ crm.name }}", look: "\${{ crm.look }}" }
    overrideAgent: "\${{ crm.name == 'Ada' ? 'agent_vip' : '' }}"
    cache: 1h
  - name: sales
    from: calls
    where: call.to == "+1800"
    defaults: { name: there }
`);
    const first = await ring(url, '+49301');
    expect(first).to.deep.equal({ status: 200, variables: { name: 'Ada', look: '1' }, agent: 'agent_vip' });
    expect(await ring(url, '+49301')).to.deep.equal(first);
    expect((await ring(url, '+49301', '+1999')).variables).to.deep.equal({ name: 'Ada', look: '2' });
    expect((await ring(url, 'Anonymous', '+1800')).variables).to.deep.equal({ name: 'there' });
    expect(await ring(url, '+33', '+1999')).to.deep.equal({ status: 200, variables: {}, agent: undefined });

    const events = (await journal.received(3)).map((request) => request.json() as { data: Record<string, unknown> });
    const answers = events.map(({ data }) => data.answer as Record<string, unknown>);
    expect(answers.map(({ name, step }) => `${name} ${step}`).toSorted()).to.deep.equal([
      'sales default',
      'vip fresh',
      'vip fresh',
    ]);
    expect(answers.find(({ name }) => name === 'vip')).to.deep.include({ override_agent: 'agent_vip', asked: 1 });
    await place.close();
    await Promise.all([journal.close(), crm.close()]);
  });

  it('are answered with what a prompt needs: check compares the two, and warns of what not every caller gets', async () => {
    const place = await workplace();
    const answer = 'defaults: { first_name: there }';
    await place.write(
      'switchhook.yaml',
      `version: 1
store: { use: memory }
sources: { calls: { use: sigmamind.call, token: ${token} } }
resolvers: { crm: { use: static, values: { tier: gold } } }
answers:
  - { name: line, from: calls, resolve: crm, variables: { tier: "\${{ crm.tier }}" }, ${answer} }
`,
    );
    await place.write('prompt.txt', 'You are Jim.\nGreet {{ first_nam }}, a {{tier}} customer.\n');
    const wrong = await place.run(['check', 'switchhook.yaml', '--prompt', 'prompt.txt']);
    expect(wrong.code).to.equal(78);
    expect(wrong.stderr).to.include('prompt.txt:2  UNSUPPLIED_VARIABLE  answer "line" does not supply {{ first_nam }}');
    expect(wrong.stderr).to.include('did you mean "first_name"?');
    expect(wrong.stderr).to.include('switchhook.yaml:6:65  warning UNSUPPLIED_VARIABLE');
    await place.write('prompt.txt', 'Greet {{ first_name }}, a {{tier}} customer.');
    const right = await place.run(['check', 'switchhook.yaml', '--prompt', 'prompt.txt', '--answer', 'line', '--json']);
    expect(right.code).to.equal(0);
    const { valid, warnings, prompt } = JSON.parse(right.stdout);
    expect([valid, warnings.length, prompt]).to.deep.equal([true, 1, [{ answer: 'line', unfilled: [], unused: [] }]]);
    expect((await place.run(['check', 'switchhook.yaml', '--prompt', 'nowhere.txt'])).code).to.equal(2);
    expect((await place.run(['check', 'switchhook.yaml', '--prompt', 'prompt.txt', '--answer', 'x'])).code).to.equal(2);
    await place.close();
  });
});
