import { fileURLToPath } from 'node:url';
import { receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { secret } from '../support/signing.js';
import { type Workplace, workplace } from '../support/workplace.js';

const promisingDestination = fileURLToPath(new URL('../support/promising-destination.ts', import.meta.url));
const good = `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: sqlite, path: ./switchhook.db }
sources:
  agents: { use: sigmamind.events, secrets: [${secret}] }
  calls: { use: sigmamind.call, token: token-of-the-tests }
destinations:
  console: { use: log }
resolvers:
  greeting: { use: static, values: { first_name: Jim } }
routes:
  - { to: console }
answers:
  - { from: calls, resolve: [greeting], variables: { first_name: "\${{ greeting.first_name }}" } }
`;

/** Ten mistakes; the line of each is in the comment. */
const wrong = `version: 2
server: { port: eighty }
sources:
  agents: { use: sigmamind.event, secrets: [secret] }
  calls: { use: sigmamind.call, tokn: abc }
destinations:
  crm: { use: http.post }
  spare: { use: log }
  slack: { use: slack.message, webhookUrl: "\${NO_SUCH_VARIABLE}", text: "\${{ event.agnet }}" }
routes:
  - { from: agent, to: crm }
  - { where: "event.data.duration >", to: [slack] }
  - { to: nowhere }
`;

describe('the command line', () => {
  let place: Workplace;

  beforeEach(async () => {
    place = await workplace();
  });
  afterEach(() => place.close());

  it('finds nothing wrong with a configuration that is right, and says what is in it', async () => {
    const file = await place.write('switchhook.yaml', good);
    const { code, stdout } = await place.command(['check', file]);
    expect([code, stdout]).to.deep.equal([0, `ok ${file}: 2 sources, 1 destination, 1 resolver, 1 route, 1 answer\n`]);
  });

  it('reports every mistake of a file at once, each at its line, and ends with 78', async () => {
    const file = await place.write('switchhook.yaml', wrong);
    const { code, stdout } = await place.command(['check', file, '--json']);
    const { valid, problems } = JSON.parse(stdout);
    expect([code, valid]).to.deep.equal([78, false]);
    const found = problems.map((problem: { line: number; code: string }) => `${problem.line} ${problem.code}`);
    expect(found).to.include.members([
      '1 INVALID_VALUE',
      '2 WRONG_TYPE',
      '4 UNKNOWN_COMPONENT',
      '5 UNKNOWN_KEY',
      '7 MISSING_KEY',
      '8 UNUSED',
      '9 ENV_MISSING',
      '9 EXPRESSION_UNKNOWN_NAME',
      '11 UNKNOWN_REFERENCE',
      '12 EXPRESSION_SYNTAX',
      '13 UNKNOWN_REFERENCE',
    ]);
  });

  it('ends quietly, with its own exit code, when what reads its output has gone', async () => {
    const { url } = await place.router(good);
    const file = place.path('switchhook.yaml');
    const body = await place.write('body.json', '{"event":"conversation_ended","conversationId":"conv_1"}');
    const at = ['--url', url, '--config', file];
    expect((await place.command(['send', body, '--source', 'agents', '--url', url, '--config', file])).code).to.equal(
      0,
    );
    for (const args of [
      ['explain', '--help'],
      ['check', file],
      ['explain', body, '--source', 'agents', '--config', file],
      ['explain', 'conv_1', ...at],
    ])
      expect(await place.runUnread(args), args.join(' ')).to.equal(0);
    expect(await place.runUnread(['check', await place.write('wrong.yaml', wrong)])).to.equal(78);
    for (const args of [['strat'], ['calls', '--limit']])
      expect(await place.runUnread(args), args.join(' ')).to.equal(2);
  });

  it('shows the URL of a router at an IPv6 address with brackets', async () => {
    const { router, url, lines } = await place.router(good.replace('host: 127.0.0.1', 'host: "::1"'));
    expect(url).to.match(/^http:\/\/\[::1\]:\d+$/);
    expect(router.url).to.equal(url);
    expect(lines.map((line) => JSON.parse(line).url)).to.include(url);
    expect((await place.command(['status', '--url', url, '--config', place.path('switchhook.yaml')])).code).to.equal(0);
  });

  it('shows a mistake like a compiler does, with a suggestion', async () => {
    const file = await place.write('switchhook.yaml', good.replace('to: console', 'to: consle'));
    const { code, stderr } = await place.command(['check', file]);
    expect(code).to.equal(78);
    expect(stderr).to.include(`${file}:13:11`).and.to.include('UNKNOWN_REFERENCE').and.to.include('console');
  });

  it('shows escape sequences in a file, its name and the names of plugins as text', async () => {
    const text = good
      .replace('use: sqlite', 'use: "sql\\e[31mite"')
      .replace('to: console', 'to: "con\\x9b31m\\u202esole"')
      .replace('use: log', 'use: log, "fi\\e[31meld": "\\e]0;owned\\a"');
    const file = await place.write('switch\u001b[31mhook.yaml', text);
    const { code, stderr } = await place.command(['check', file]);
    expect(code).to.equal(78);
    expect(stderr.match(/(?!\n)[\p{Cc}\p{Bidi_C}]/gu), stderr).to.equal(null);
    expect(stderr).to.include('switch\\u001b[31mhook.yaml:').and.to.include('\\u202esole');
    const right = await place.write('right\u001b[31m.yaml', good);
    expect((await place.command(['check', right])).stdout).to.match(/^ok \S+right\\u001b\[31m\.yaml: /);
  });

  it('knows which plugin somebody meant, before they install one of that name', async () => {
    const file = await place.write('switchhook.yaml', good.replace('use: sqlite', 'use: sqlit'));
    const { code, stderr } = await place.command(['check', file]);
    expect(code).to.equal(78);
    expect(stderr).to.include('@switchhook/plugin-sqlit is not installed; did you mean "sqlite"?');
  });

  it('checks one file, and asks which one where two are named', async () => {
    const [one, other] = [await place.write('one.yaml', good), await place.write('other.yaml', wrong)];
    for (const args of [
      [one, '--config', other],
      [one, other],
    ]) {
      const { code, stdout } = await place.command(['check', ...args]);
      expect([code, stdout], args.join(' ')).to.deep.equal([2, '']);
    }
  });

  it('ends with 78 where there is no configuration, and with 2 where it is called wrongly', async () => {
    const missing = await place.run(['start', '--config', 'nowhere.yaml']);
    expect([missing.code, missing.stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 78 && text.includes('CONFIG_NOT_FOUND'),
    );
    expect((await place.run(['strat'])).code).to.equal(2);
    expect((await place.run(['call', '--from', '+1'])).code).to.equal(2);
    expect((await place.run(['check', '--colour'])).code).to.equal(2);
  });

  it('takes a name that no package can have for one that is not installed', async () => {
    for (const use of ['sqlite/other', 'sqlite%2f..', './sqlite']) {
      const file = await place.write('switchhook.yaml', good.replace('use: sqlite,', `use: "${use}",`));
      const { code, stderr } = await place.command(['check', '--config', file]);
      expect(code, use).to.equal(78);
      expect(stderr, use).to.include('PLUGIN_NOT_INSTALLED').and.not.to.include('    at ');
    }
  });

  it('ends with 78 where a component cannot be made of its options, whoever finds out', async () => {
    const text = good.replace('use: log }', 'use: promising, batch: { max: 3 } }');
    const file = await place.write('switchhook.yaml', `${text}plugins: [${promisingDestination}]\n`);
    for (const command of ['check', 'start']) {
      const { code, stderr } = await place.run([command, '--config', file]);
      expect(code, command).to.equal(78);
      expect(stderr, command)
        .to.match(/destination console \(promising, \S*switchhook\.yaml:\d+:\d+\) cannot be used/)
        .and.to.include('it has no deliverMany');
    }
  });

  it('sends a signed sample, with a new id each time, or as it is, which the second time is a duplicate', async () => {
    const file = place.path('switchhook.yaml');
    const router = await place.router(good);
    const send = (...more: string[]) =>
      place.command(['send', 'conversation_ended', '--config', file, '--url', router.url, ...more]);
    const [first, again] = [await send('--same'), await send('--same')];
    expect([first.code, again.code]).to.deep.equal([0, 0]);
    expect(first.stdout).to.match(/^200 \{"id":"[0-9a-f-]+"\}\n$/);
    expect(again.stdout).to.equal(first.stdout.replace('"}', '","duplicate":true}'));
    const fresh = await send();
    expect(fresh.stdout).to.match(/^200 \{"id":"[0-9a-f-]+"\}\n$/);
    const [, replaced, subject = '', where] =
      /^With new ids.*: conv_AuUK7d2Qx → (\S+), call-AuUK7d2Qx → call-\w+; --same keeps them\nswitchhook explain (\S+) (.+) shows what became of it\n$/.exec(
        fresh.stderr,
      ) ?? [];
    expect(replaced).to.equal(subject);
    expect(where).to.equal(`--config ${file} --url ${router.url}`);
    expect(subject)
      .to.match(/^conv_\w+$/)
      .and.not.to.equal('conv_AuUK7d2Qx');
    const listed = await fetch(`${router.url}/api/events?subject=${subject}`);
    expect(((await listed.json()) as { events: unknown[] }).events).to.have.length(1);
    const other = await send('--set', 'duration=5', '--json');
    expect(JSON.parse(other.stdout)).to.have.nested.property('reply.id');
  });

  it('sends a file, and says so when the router refuses it or is not there', async () => {
    const file = place.path('switchhook.yaml');
    const router = await place.router(good);
    const body = await place.write('body.json', '{"event":"conversation_started","conversationId":"c1"}');
    const send = (...args: string[]) => place.command(['send', ...args, '--config', file]);
    expect((await send(body, '--source', 'agents', '--url', router.url)).code).to.equal(0);
    const refused = await send(body, '--source', 'calls', '--url', router.url);
    expect([refused.code, refused.stdout]).to.deep.equal([1, '400 {"error":"MALFORMED"}\n']);
    expect(refused.stderr).to.match(/^source calls refuses the body: .+\n$/);
    const other = await place.write('other.yaml', good.replace(secret, 'another-secret-of-the-sender'));
    const sample = ['conversation_ended', '--url', router.url, '--config', other];
    const unverified = await place.command(['send', ...sample]);
    expect([unverified.code, unverified.stdout]).to.deep.equal([1, '401 {"error":"UNVERIFIED"}\n']);
    expect(unverified.stderr).to.include(
      `The source of ${other} accepts this request, so the router has other settings or secrets`,
    );
    const unreachable = await send('conversation_ended', '--url', 'http://127.0.0.1:9');
    expect(unreachable.code).to.equal(1);
    expect(unreachable.stderr).to.include('ROUTER_UNREACHABLE');
    const anyPort = await place.write('any-port.yaml', 'version: 1\nserver: { port: 0 }\n');
    expect((await place.command(['status', '--config', anyPort])).stderr).to.include('Pass the URL that it logged');
    expect((await send('no_such_sample', '--url', router.url)).code).to.equal(2);
  });

  it('rings, and shows the answer', async () => {
    const file = await place.write('switchhook.yaml', good);
    const router = await place.serve(file);
    const call = ['call', '--from', '+12345678912', '--to', '+12345678913', '--config', file, '--url', router.url];
    const { code, stdout } = await place.command([...call, '--json']);
    expect(code).to.equal(0);
    expect(JSON.parse(stdout)).to.deep.include({ status: 200, reply: { dynamic_variables: { first_name: 'Jim' } } });
  });

  it('lists the samples of a running router, has it sign and send one, and shows what a caller would get', async () => {
    const file = await place.write('switchhook.yaml', good);
    const { url } = await place.serve(file);
    const at = ['--url', url, '--config', file];
    const listed = await place.command(['samples', ...at]);
    expect(listed.stdout.split('\n')).to.include.members([
      'agents\tconversation_ended\tevent\tyes',
      'calls\tinbound_call\tcall\tyes',
      'router\tdelivery.dead\tevent\tno',
    ]);
    const printed = await place.command(['samples', 'inbound_call', ...at]);
    expect(JSON.parse(printed.stdout)).to.include({ event: 'inbound_call' });
    const unknown = await place.command(['samples', 'inbound_cal', ...at]);
    expect([unknown.code, unknown.stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 2 && text.includes('did you mean "inbound_call"?'),
    );

    const body = await place.write('call.json', printed.stdout);
    for (const where of [at, ['--config', file]]) {
      const { stdout } = await place.command(['explain', body, '--source', 'calls', ...where]);
      expect(stdout).to.include('its caller would get now').and.to.include('first_name\tJim\tfresh: greeting');
      expect(stdout).to.include('at the latest (within); the platform waits 10000 ms');
    }
    const numberless = await place.write('numberless.json', '{"from": 1, "to_number": "sales"}');
    expect((await place.command(['explain', numberless, '--source', 'calls', ...at])).stdout).to.include(
      'from is missing: the field that the source reads has no text; to is not a phone number',
    );
    const none = await (await fetch(`${url}/api/calls`)).json();
    expect(none).to.deep.equal({ calls: [], cursor: null });

    const send = (what: string, ...more: string[]) => place.command(['send', what, '--by-router', ...at, ...more]);
    const [first, second] = [await send('conversation_ended', '--set', 'duration=5'), await send('conversation_ended')];
    expect([first.code, second.code]).to.deep.equal([0, 0]);
    const idOf = ({ stdout }: { readonly stdout: string }) => /^200 \{"id":"([0-9a-f-]+)"\}\n$/.exec(stdout)?.[1];
    expect(idOf(second)).to.match(/-/).and.not.to.equal(idOf(first));
    expect(first.stderr).to.match(
      new RegExp(
        `^With new ids.*: conv_AuUK7d2Qx → conv_\\w+, call-AuUK7d2Qx → call-\\w+; --same keeps them\\nswitchhook explain ${idOf(first)} shows`,
      ),
    );
    const event = await (await fetch(`${url}/api/events/${idOf(first)}`)).json();
    expect(event).to.have.nested.property('data.duration', 5);
    const same = [await send('conversation_ended', '--same'), await send('conversation_ended', '--same', '--json')];
    expect(JSON.parse(same[1]?.stdout ?? '')).to.deep.include({ source: 'agents', duplicate: true, reason: null });
    const refused = await send(await place.write('odd.json', '{"event":5}'), '--source', 'agents');
    expect([refused.code, refused.stdout]).to.deep.equal([1, '400 {"error":"MALFORMED"}\n']);
    expect(refused.stderr).to.match(/^the source refused it: .+\n$/);
    expect((await send('no_such_sample')).stderr).to.include('is neither a file nor a sample');
    expect((await send('delivery.dead', '--source', 'router')).stderr).to.include('source router cannot sign');
    for (const wrong of [
      ['--by-router', '--print'],
      ['--token', 'x'],
    ])
      expect((await place.command(['send', 'conversation_ended', ...at, ...wrong])).code).to.equal(2);
  });

  it('explains a call without its answer where a component cannot be opened, and says so', async () => {
    await place.link();
    await place.write(
      'stuck.js',
      `import { defineDestination, definePlugin, z } from '@switchhook/sdk';
const open = () => Promise.reject(new Error('no such queue'));
const create = () => ({ open, deliver: async () => ({ kind: 'delivered' }) });
const stuck = defineDestination({ type: 'stuck', description: 'Does not open.', options: z.strictObject({}), create });
export default definePlugin({ name: 'stuck', components: [stuck] });
`,
    );
    const text = good.replace('use: log }', 'use: stuck }');
    const file = await place.write('switchhook.yaml', `${text}plugins: [./stuck.js]\n`);
    const body = await place.write('call.json', '{"event":"inbound_call","from_number":"+1202","to_number":"+1203"}');
    const { code, stdout, stderr } = await place.command(['explain', body, '--source', 'calls', '--config', file]);
    expect([code, stdout]).to.satisfy(([ended, out]: [number, string]) => ended === 0 && out.includes('✔ '));
    expect(stdout).not.to.include('its caller would get');
    expect(stderr).to.match(/^What its caller would get is not shown: .*no such queue/);
  });

  it('lists what is installed, and prints a schema that knows it', async () => {
    const plugins = await place.command(['plugins', '--json']);
    const uses = JSON.parse(plugins.stdout).components.map(({ use }: { use: string }) => use);
    expect(uses).to.include.members([
      'sigmamind.events',
      'sigmamind.call',
      'slack.message',
      'http.post',
      'http.lookup',
      'postgres.insert',
      'postgres.lookup',
      'table.lookup',
      'static',
      'log',
      'sqlite',
    ]);
    const schema = await place.command(['schema']);
    expect(JSON.parse(schema.stdout)).to.include({ type: 'object' });
    expect(schema.stdout).to.include('webhookUrl');
  });

  it('asks a running router without loading the plugins of the configuration', async () => {
    await place.write(
      'loud.js',
      'process.stderr.write("loaded"); export default { api: 1, name: "loud", components: [] };',
    );
    const file = await place.write('switchhook.yaml', `${good}plugins: [./loud.js]\n`);
    expect((await place.run(['check', file])).stderr).to.include('loaded');
    const { url } = await place.router(good);
    for (const command of [
      ['status'],
      ['samples'],
      ['events'],
      ['deliveries'],
      ['dead'],
      ['calls'],
      ['replay', '--state', 'dead', '--yes'],
    ]) {
      const { code, stderr } = await place.run([...command, '--config', file, '--url', url]);
      expect({ command, code, stderr }).to.deep.equal({ command, code: 0, stderr: '' });
    }
  });

  it('sends the token of the configuration to its own router only', async () => {
    const other = await receiver(() => ({ status: 401, body: '{}' }));
    const { port } = new URL(other.url);
    const write = (server: string) => place.write('switchhook.yaml', good.replace('host: 127.0.0.1, port: 0', server));
    const admin = 'admin: { token: token-of-this-router }';
    const sent = async (...args: readonly string[]) => {
      const { stderr } = await place.command(['status', '--config', place.path('switchhook.yaml'), ...args]);
      return { token: other.requests.at(-1)?.headers.authorization, told: stderr.includes('is not sent') };
    };
    await write(`host: 127.0.0.1, port: 1, ${admin}`);
    expect(await sent('--url', other.url)).to.deep.equal({ token: undefined, told: true });
    expect(await sent('--url', other.url, '--token', 'given')).to.deep.equal({ token: 'Bearer given', told: false });
    await write(`host: 0.0.0.0, port: ${port}, ${admin}`);
    const own = { token: 'Bearer token-of-this-router', told: false };
    expect([await sent(), await sent('--url', `http://localhost:${port}`)]).to.deep.equal([own, own]);
    await write(`host: 127.0.0.1, port: 1, publicUrl: "${other.url}", ${admin}`);
    expect(await sent('--url', `${other.url}/`)).to.deep.equal(own);
    await other.close();
  });

  it('has help with examples for every command', async () => {
    for (const command of ['start', 'check', 'send', 'call', 'calls', 'simulate', 'schema', 'plugins']) {
      const { code, stdout } = await place.command([command, '--help']);
      expect([command, code]).to.deep.equal([command, 0]);
      expect(stdout).to.include('Examples:');
    }
  });
});
