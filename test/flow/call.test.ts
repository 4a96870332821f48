import { type Receiver, receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { type Workplace, workplace } from '../support/workplace.js';

const token = 'token-of-the-api';
const configuration = (shop: string) => `
version: 1
server: { host: 127.0.0.1, port: 0, admin: { token: ${token} } }
store: { use: sqlite, path: ./switchhook.db }
sources:
  calls: { use: sigmamind.call, token: token-of-the-tests }
resolvers:
  customer: { use: table.lookup, file: ./customers.csv, key: phone }
  orders: { use: http.lookup, url: "${shop}", timeout: 20ms }
answers:
  - name: sales-line
    from: calls
    where: call.to == "+12345678913"
    resolve: [customer, orders]
    variables: { first_name: "\${{ customer.first_name }}", open_orders: "\${{ orders.open }}" }
    defaults: { first_name: there, open_orders: none }
`;
const customers = 'phone,first_name\n+12025551001,Ada\n+12025551002,Jim\n';
const numbers = ['--from', '+12025551001', '--to', '+12345678913'];

describe('a call that is tried out', () => {
  let place: Workplace;
  let shop: Receiver;
  let file: string;
  beforeEach(async () => {
    place = await workplace();
    shop = await receiver(() => 'hang');
    await place.write('customers.csv', customers);
    file = await place.write('switchhook.yaml', configuration(shop.url));
  });
  afterEach(async () => {
    await place.close();
    await shop.close();
  });

  const call = (...args: readonly string[]) => place.command(['call', ...args, '--config', file]);

  for (const [how, isOffline] of [
    ['at a running router', false],
    ['without a router', true],
  ] as const)
    it(`${how} shows what is told, where it comes from, and every look-up`, async () => {
      const where = isOffline ? ['--offline'] : ['--url', (await place.serve(file)).url];
      const { code, stdout } = await call(...numbers, ...where);
      expect(code).to.equal(0);
      expect(stdout).to.match(/^200 in [\d.]+ ms\n/);
      expect(stdout).to.match(/\+12025551001 → \+12345678913: answer sales-line, default, after \d/);
      expect(stdout).to.include('first_name\tAda\tfresh: customer\n');
      expect(stdout).to.include('variable\tvalue\tfrom\twhy\n');
      expect(stdout).to.include('open_orders\tnone\tdefault: orders\torders was late\n');
      expect(stdout).to.match(/^ {2}customer {2}[·█]{32} {2}found +[\d.]+ ms$/m);
      expect(stdout).to.match(/^ {2}orders {4}[·█]{32} {2}late +[\d.]+ ms {2}no result after 20 ms$/m);
    });

  it('says the same to other programs, and names the event it became', async () => {
    const { url } = await place.serve(file);
    const { code, stdout } = await call(...numbers, '--url', url, '--json');
    const { event, answer, ...rest } = JSON.parse(stdout);
    expect([code, rest.status, rest.reply.dynamic_variables]).to.deep.equal([
      0,
      200,
      { first_name: 'Ada', open_orders: 'none' },
    ]);
    expect(answer).to.deep.include({ name: 'sales-line', step: 'default', variables: rest.reply.dynamic_variables });
    const { stdout: listed } = await place.command(['calls', '--config', file, '--url', url, '--json']);
    const { calls } = JSON.parse(listed);
    expect(calls).to.have.length(1);
    expect(calls[0]).to.deep.include({ id: event, source: 'calls', answer });
  });

  it('shows the bare reply where the API is closed, and says why', async () => {
    const { url } = await place.serve(file);
    const { code, stdout, stderr } = await call(...numbers, '--url', url, '--token', 'another');
    expect(code).to.equal(0);
    expect(stdout).to.include('"first_name": "Ada"').and.not.include('fresh');
    expect(stderr).to.include('API_TOKEN_WRONG');
  });

  it('tells what a column is called that is misspelled, and nothing where everything was found', async () => {
    const misspelled = configuration(shop.url).replace('customer.first_name', 'customer.firstname');
    const reason = 'customer has no firstname; it has phone, first_name';
    file = await place.write('misspelled.yaml', misspelled);
    expect((await call(...numbers, '--offline')).stdout).to.include(
      `first_name\tthere\tdefault: customer\t${reason}\n`,
    );
    const { url } = await place.serve(file);
    const { event, answer } = JSON.parse((await call(...numbers, '--url', url, '--json')).stdout);
    expect(answer.origins.first_name).to.deep.equal({ step: 'default', resolvers: ['customer'], reason });
    const { stdout } = await place.command(['calls', event, '--config', file, '--url', url]);
    expect(stdout).to.include(`\t${reason}\n`);
    const withoutOrders = configuration(shop.url).replace(/, open_orders: (none|"[^"]*")/g, '');
    file = await place.write('switchhook.yaml', withoutOrders);
    expect((await call(...numbers, '--offline')).stdout).to.include('variable\tvalue\tfrom\n');
  });

  it('says that the request is a repetition where it shows an earlier answer', async () => {
    const { url } = await place.serve(file);
    const [first, second] = [await call(...numbers, '--url', url), await call(...numbers, '--url', url)];
    expect(first.stderr).not.to.include('Repeated request');
    expect(second.stderr).to.include('Repeated request: ');
    const eventOf = (stdout: string) => /^event (.*)$/m.exec(stdout)?.[1];
    expect(eventOf(second.stdout)).to.be.a('string').and.to.equal(eventOf(first.stdout));
    const { requests, event } = JSON.parse((await call(...numbers, '--url', url, '--json')).stdout);
    expect([requests, event]).to.deep.equal([3, eventOf(first.stdout)]);
  });

  it('leaves nothing behind where no router is asked', async () => {
    const offline = await call(...numbers, '--offline', '--json');
    expect(JSON.parse(offline.stdout).event).to.equal(null);
    const { url } = await place.serve(file);
    const { stdout } = await place.command(['calls', '--config', file, '--url', url, '--json']);
    expect(JSON.parse(stdout)).to.deep.equal({ calls: [], cursor: null });
  });

  it('tells that no answer matched', async () => {
    const { code, stdout } = await call('--from', '', '--to', '+1', '--offline');
    expect([code, stdout.includes('withheld number → +1: no answer matched, unanswered')]).to.deep.equal([0, true]);
  });

  it('can be repeated from many numbers, and sums up what callers were told', async () => {
    const { url } = await place.serve(file);
    const many = ['--from', '+1202555${{ 1000 + n }}', '--to', '+12345678913', '--repeat', '4', '--concurrency', '2'];
    for (const where of [['--url', url], ['--offline']]) {
      const { code, stdout } = await call(...many, ...where, '--json');
      const { sent, events, statuses, times, answers } = JSON.parse(stdout);
      expect([code, sent, events, statuses]).to.deep.equal([0, 4, 4, { '200': 4 }]);
      expect(times).to.have.all.keys('p50', 'p95', 'p99', 'max');
      expect(answers.map((one: { variables: object; count: number }) => [one.variables, one.count])).to.deep.equal([
        [{ first_name: 'there', open_orders: 'none' }, 2],
        [{ first_name: 'Ada', open_orders: 'none' }, 1],
        [{ first_name: 'Jim', open_orders: 'none' }, 1],
      ]);
    }
  });

  it('that is repeated from one number is one call that is asked about again', async () => {
    const { url } = await place.serve(file);
    const { code, stdout } = await call(...numbers, '--url', url, '--repeat', '3', '--concurrency', '3');
    expect(code).to.equal(0);
    expect(stdout).to.include('3 calls, which the router took for 1: 200 × 3\n').and.to.include('ring time: p50 ');
    expect(stdout).to.include('3\tfirst_name=Ada open_orders=none\n');
  });

  it('fails where nobody answers, and where it is asked wrongly', async () => {
    const absent = await call(...numbers, '--url', 'http://127.0.0.1:9');
    expect([absent.code, absent.stderr.includes('ROUTER_UNREACHABLE')]).to.deep.equal([1, true]);
    expect((await call(...numbers, '--repeat', '0')).code).to.equal(2);
    expect((await call('--from', '${{ m }}', '--to', '+1', '--repeat', '2', '--offline')).code).to.equal(2);
    expect((await call(...numbers, '--source', 'agents', '--offline')).code).to.equal(2);
  });
});

describe('the list of calls', () => {
  it('shows who rang, what they were told, and what was missing; and one call with its waterfall', async () => {
    const place = await workplace();
    const shop = await receiver(() => 'hang');
    await place.write('customers.csv', customers);
    const file = await place.write('switchhook.yaml', configuration(shop.url));
    const { url } = await place.serve(file);
    const run = (...args: readonly string[]) => place.command([...args, '--config', file, '--url', url]);
    await run('call', '--from', '+12025551002', '--to', '+12345678913');
    await run('call', ...numbers);
    const { stdout } = await run('calls', '--since', '1h');
    const [headings, ...rows] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'));
    expect(headings?.slice(1, 5)).to.deep.equal(['from', 'to', 'answer', 'step']);
    expect(rows.map((row) => [row[1], row[3], row[4], row[7]])).to.deep.equal([
      ['+12025551001', 'sales-line', 'default', 'orders late'],
      ['+12025551002', 'sales-line', 'default', 'orders late'],
    ]);
    const ofOne = await run('calls', '--number', '+1 202 555 1002');
    expect(ofOne.stdout.trimEnd().split('\n')).to.have.length(2);
    const one = await run('calls', rows[1]?.at(-1) ?? '');
    expect(one.stdout).to.include('+12025551002 → +12345678913: answer sales-line, default');
    expect(one.stdout).to.include('first_name\tJim\tfresh: customer\n');
    expect(one.stdout).to.match(/^ {2}orders .*late/m);
    const missing = await run('calls', 'nothing');
    expect([missing.code, missing.stderr.includes('NOT_KEPT')]).to.deep.equal([1, true]);
    await place.close();
    await shop.close();
  });
});
