import { existsSync } from 'node:fs';
import { shippedScenarios } from '@switchhook/simulator';
import { receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { secret } from '../support/signing.js';
import { type Workplace, workplace } from '../support/workplace.js';

/** A thousand events a second for three seconds take longer on a busy machine. */
const patienceMs = 90_000;

const rows = `
sources:
  agents: { use: sigmamind.events, secrets: [${secret}] }
  calls: { use: sigmamind.call, token: token-of-the-tests }
resolvers:
  greeting: { use: static, values: { first_name: Jim } }
answers:
  - { from: calls, resolve: [greeting], variables: { first_name: "\${{ greeting.first_name }}" } }
`;
const configuration = (crm: string, server = '') => `
version: 1
server: { host: 127.0.0.1, port: 0${server} }
store: { use: sqlite, path: ./switchhook.db }
${rows}
destinations:
  crm: { use: http.post, url: "${crm}" }
routes:
  - { from: agents, to: crm }
`;
const nowhere = 'http://127.0.0.1:9';

const greeted = (name: string) => `
name: greeted
description: A caller is greeted by name.
steps:
  - ring: { from: "+12025550100", to: "+12345678913" }
    expect: { variables: { first_name: ${name} } }
`;

interface Judged {
  readonly passed: boolean;
  readonly verdicts: readonly {
    readonly scenario: string;
    readonly violations: readonly { readonly what: string }[];
    readonly received: {
      readonly acknowledged: number;
      readonly listed: number | null;
      readonly reason: string | null;
    };
    readonly steps: readonly { readonly sent: number; readonly statuses: Readonly<Record<string, number>> }[];
  }[];
}

describe('a simulation', () => {
  let place: Workplace;
  beforeEach(async () => {
    place = await workplace();
  });
  afterEach(() => place.close());

  const evaluateScenario = async (...args: readonly string[]): Promise<Judged & { readonly code: number | null }> => {
    const { code, stdout, stderr } = await place.command(['simulate', ...args, '--json']);
    if (stdout === '') throw new Error(stderr);
    return { code, ...JSON.parse(stdout) };
  };

  it('finds nothing wrong with a sound router in any scenario, and touches nothing outside', async () => {
    const crm = await receiver();
    const file = await place.write('switchhook.yaml', configuration(crm.url));
    const names = shippedScenarios();
    const { code, verdicts } = await evaluateScenario(...names, '--start', '--config', file);
    expect(verdicts.map(({ scenario, violations }) => [scenario, violations])).to.deep.equal(
      names.map((name) => [name, []]),
    );
    for (const { received } of verdicts) expect(received.listed).to.equal(received.acknowledged);
    expect(verdicts.flatMap(({ steps }) => steps.map(({ sent }) => sent))).to.include.members([3_000, 50, 5, 4]);
    expect([code, crm.requests.length, existsSync(place.path('switchhook.db'))]).to.deep.equal([0, 0, false]);
    await crm.close();
  }).timeout(patienceMs);

  it('is a sender like any other to a running router: what it sends is delivered', async () => {
    const crm = await receiver();
    const file = await place.write('switchhook.yaml', configuration(crm.url, ', admin: { token: token-of-the-api }'));
    const router = await place.start(file);
    const { code, verdicts } = await evaluateScenario('happy-call', '--config', file, '--url', router.url);
    expect([code, verdicts[0]?.received]).to.deep.equal([0, { acknowledged: 4, listed: 4, reason: null }]);
    const types = (await crm.received(3)).map((request) => (request.json() as { type?: string }).type);
    expect(types).to.have.members(['conversation_started', 'conversation_ended', 'conversation_analysed']);
    const closed = await evaluateScenario('duplicated', '--config', file, '--url', router.url, '--token', 'another');
    expect(closed.code).to.equal(0);
    expect(closed.verdicts[0]?.received).to.deep.include({ acknowledged: 1, listed: null });
    expect(closed.verdicts[0]?.received.reason).to.include('API_TOKEN_WRONG');
    await crm.close();
  });

  it('finds an answer that is not the expected one, says so, and ends with 1', async () => {
    const file = await place.write('switchhook.yaml', configuration(nowhere));
    const [right, wrong] = [
      await place.write('right.yaml', greeted('Jim')),
      await place.write('wrong.yaml', greeted('Ada')),
    ];
    const { code, stdout } = await place.command(['simulate', right, wrong, '--start', '--config', file]);
    expect(code).to.equal(1);
    const lines = stdout.split('\n').filter((line) => /^(ok|violated|failed) /.test(line));
    expect(lines).to.deep.equal([
      'ok greeted',
      'violated step 1: first_name is "Jim" instead of "Ada"',
      'failed greeted',
    ]);
    expect(stdout).to.include('ring +12345678913 from +12025550100 to calls\t200\tfirst_name=Jim');
  });

  it('finds a router that fails and forgets', async () => {
    const failing = await receiver(({ path }, index) => {
      if (path.startsWith('/api/calls')) return { status: 200, body: '{"calls":[],"cursor":null}' };
      if (path.startsWith('/api/')) return { status: 200, body: '{"events":[],"cursor":null}' };
      return path.startsWith('/hooks/calls') ? 503 : { status: 200, body: `{"id":"event-${index}"}` };
    });
    const file = await place.write('switchhook.yaml', configuration(nowhere));
    const { code, verdicts } = await evaluateScenario('happy-call', '--config', file, '--url', failing.url);
    expect([code, verdicts[0]?.violations]).to.deep.equal([
      1,
      [
        { step: 1, what: 'status 503 instead of a success', count: 1 },
        { step: 1, what: 'no variables', count: 1 },
        { step: null, what: 'acknowledged, but not listed by the API', count: 3 },
      ],
    ]);
    await failing.close();
  });

  it('finds a resolver that cannot say, where the scenario wants every look-up to have a result', async () => {
    const away = `{ greeting: { use: http.lookup, url: "${nowhere}/" } }`;
    const file = await place.write(
      'switchhook.yaml',
      configuration(nowhere).replace(/resolvers:\n.*\n/, `resolvers: ${away}\n`),
    );
    const scenario = await place.write(
      'greeted.yaml',
      `${greeted('Jim').replace(/ +expect.*\n/, '')}evaluate: { lookups: true }\n`,
    );
    const { code, stdout } = await place.command(['simulate', scenario, '--start', '--config', file]);
    expect(code).to.equal(1);
    expect(stdout).to.include('look-ups: greeting failed × 1\nviolated resolver greeting: failed\nfailed greeted');
  });

  it('rings the number it is told to', async () => {
    const file = await place.write(
      'switchhook.yaml',
      configuration(nowhere).replace('from: calls,', 'from: calls, where: call.to == "+49301234567",'),
    );
    const scenario = await place.write('greeted.yaml', greeted('Jim'));
    expect((await evaluateScenario(scenario, '--start', '--config', file)).code).to.equal(1);
    expect((await evaluateScenario(scenario, '--start', '--config', file, '--to', '+49301234567')).code).to.equal(0);
  });

  it('says what is wrong with how it is asked', async () => {
    const file = await place.write('switchhook.yaml', configuration(nowhere));
    const callsOnly = await place.write(
      'calls.yaml',
      configuration(nowhere)
        .replace(/ {2}agents: .*\n/, '')
        .replace(/destinations:[\s\S]*/, ''),
    );
    const broken = await place.write(
      'broken.yaml',
      'name: broken\ndescription: No.\nsteps: [{ send: ended, tims: 3 }]\n',
    );
    const said = async (...args: readonly string[]) => {
      const { code, stderr } = await place.command(['simulate', ...args]);
      return [code, stderr];
    };
    const [unknown, nothing, both, unread, unfit, absent] = [
      await said('sad-call', '--config', file),
      await said('--config', file),
      await said('happy-call', '--start', '--url', nowhere, '--config', file),
      await said(broken, '--start', '--config', file),
      await said('happy-call', '--start', '--config', callsOnly),
      await said('happy-call', '--url', nowhere, '--config', file),
    ];
    expect([unknown, nothing, both, unread, unfit, absent].map(([code]) => code)).to.deep.equal([2, 2, 2, 78, 2, 1]);
    expect(unknown[1]).to.include('neither a file nor a scenario; scenarios: analysis-never-comes');
    expect(unread[1]).to.include(`${broken}:3:`).and.to.include('UNKNOWN_KEY');
    expect(unfit[1])
      .to.include('no source with a sample "conversation_started"; calls has inbound_call')
      .and.to.include('phones-only');
    expect(await said('phones-only', '--start', '--config', callsOnly)).to.deep.equal([0, '']);
    expect(absent[1]).to.include('ROUTER_UNREACHABLE');
  }).timeout(patienceMs);

  it('lists what it can play', async () => {
    const { code, stdout } = await place.command(['simulate', '--list', '--json']);
    expect(code).to.equal(0);
    expect(JSON.parse(stdout).map(({ name }: { name: string }) => name)).to.deep.equal(shippedScenarios());
  });
});

describe('a rehearsal', () => {
  it('is a router of its own, that is gone without a trace', async () => {
    const place = await workplace();
    const file = await place.write('switchhook.yaml', configuration(nowhere).replace('port: 0', 'port: 1'));
    const router = await place.start(file, ['--dry-run']);
    const { code } = await place.command(['send', 'conversation_ended', '--config', file, '--url', router.url]);
    const ended = await router.stop();
    const delivered = router.log.filter(({ event }) => event === 'delivery.attempted');
    expect([code, ended, delivered.map(({ outcome }) => outcome)]).to.deep.equal([0, 0, ['delivered']]);
    expect(existsSync(place.path('switchhook.db'))).to.equal(false);
    await place.close();
  });
});
