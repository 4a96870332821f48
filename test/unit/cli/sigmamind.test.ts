import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sigmamindCommand } from '@switchhook/cli/internal';
import { loadConfig } from '@switchhook/core/internal';
import { expect } from 'chai';
import { apiKey, type SigmaMindApi, sigmaMindApi } from '../../support/sigmamind-api.js';

const secretOf = (count: number) => `once-shown-secret-number-${count}`;

const configuration = (secrets: string) => `
version: 1
server: { publicUrl: https://hooks.example.com/ }
sources:
  agents: { use: sigmamind.events, secrets: ${secrets} }
destinations:
  console: { use: log }
routes:
  - { to: console }
`;

describe('switchhook sigmamind webhooks', () => {
  let directory: string;
  let api: SigmaMindApi;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'switchhook-sigmamind-'));
    api = await sigmaMindApi(secretOf);
    await write('.env', `# keys\nSIGMAMIND_API_KEY=${apiKey}\n`);
    await write('switchhook.yaml', configuration('["${SIGMAMIND_SECRET}"]'));
  });
  afterEach(async () => {
    await api.far.close();
    await rm(directory, { recursive: true });
  });

  const write = (name: string, text: string) => writeFile(join(directory, name), text);
  const read = (name: string) => readFile(join(directory, name), 'utf8');
  const modeOf = async (name: string) => ((await stat(join(directory, name))).mode & 0o777).toString(8);
  /** What the command prints, and how it fails. */
  const run = async (...args: readonly string[]) => {
    const lines: string[] = [];
    const add = (text: string | readonly string[] = '') => void lines.push(...[text].flat());
    const output = { terminal: false, line: add, note: add, progress: () => {}, clear: () => {} };
    const [verb = '', ...others] = args;
    const usual = ['--api-url', api.far.url, '--config', join(directory, 'switchhook.yaml')];
    const given = ['webhooks', verb, ...usual, ...others];
    const failure = await sigmamindCommand(output)
      .parseAsync(given, { from: 'user' })
      .then(
        () => null,
        (error) => String(error.message),
      );
    return { failure, text: lines.join('\n') };
  };
  /** What the command fails with; nothing was sent to the API. */
  const refused = async (...args: readonly string[]) => {
    const before = api.far.requests.length;
    const { failure } = await run(...args);
    expect(api.far.requests).to.have.length(before);
    return failure;
  };

  it('creates a webhook for the source of the file, and writes its secret where the source reads it', async () => {
    const { failure, text } = await run('create', '--agent', 'agent_sales');
    expect(failure).to.equal(null);
    expect(api.webhooks[0]).to.deep.include({
      name: 'switchhook agents',
      agentId: 'agent_sales',
      url: 'https://hooks.example.com/hooks/agents',
      events: ['conversation_started', 'conversation_ended', 'conversation_analysed'],
    });
    expect(await read('.env')).to.equal(
      `# keys\nSIGMAMIND_API_KEY=${apiKey}\nSIGMAMIND_SECRET=once-shown-secret-number-1\n`,
    );
    expect(await modeOf('.env')).to.equal('600');
    expect(text).to.include('webhook wh_1').and.to.include('${SIGMAMIND_SECRET}').and.not.include(secretOf(1));
    await loadConfig(join(directory, 'switchhook.yaml'));
  });

  it('keeps the secret that is there, until it may replace it or has another place', async () => {
    await write('.env', `SIGMAMIND_API_KEY=${apiKey}\nSIGMAMIND_SECRET="old one" # from March\nOTHER=x`);
    expect(await refused('create', '--agent', 'agent_sales')).to.match(/^\$\{SIGMAMIND_SECRET\} is set\. .*--replace/);
    expect(await refused('create', '--agent', 'agent_sales', '--secret-to', 'OTHER')).to.match(/^\$\{OTHER\} is set/);
    await write('switchhook.yaml', configuration('["${SIGMAMIND_SECRET}", "${SECOND_SECRET:-none}"]'));
    await run('create', '--agent', 'agent_sales');
    await run('create', '--agent', 'agent_sales', '--replace');
    expect(await read('.env')).to.equal(
      [
        `SIGMAMIND_API_KEY=${apiKey}`,
        'SIGMAMIND_SECRET=once-shown-secret-number-2',
        'OTHER=x',
        'SECOND_SECRET=once-shown-secret-number-1',
        '',
      ].join('\n'),
    );
  });

  it('writes the secret of each agent to its own place, a file too', async () => {
    await mkdir(join(directory, 'secrets'));
    await write('secrets/sales', '');
    await chmod(join(directory, 'secrets/sales'), 0o644);
    await write(
      'switchhook.yaml',
      configuration('{ agent_sales: "${file:secrets/sales}", agent_support: ["${file:secrets/support}"] }'),
    );
    expect((await run('create', '--agent', 'agent_sales')).failure).to.equal(null);
    expect((await run('create', '--agent', 'agent_support')).failure).to.equal(null);
    expect([await read('secrets/sales'), await read('secrets/support')]).to.deep.equal([
      `${secretOf(1)}\n`,
      `${secretOf(2)}\n`,
    ]);
    expect([await modeOf('secrets/sales'), await modeOf('secrets/support')]).to.deep.equal(['600', '600']);
    expect(await refused('create', '--agent', 'agent-new')).to.equal(
      'source agents has no secret for agent-new: add agent-new: ${AGENT_NEW_SECRET}, or pass --secret-to',
    );
    await loadConfig(join(directory, 'switchhook.yaml'));
  });

  it('keeps every character of a secret in .env', async () => {
    const secrets = ['a#b $c', "it's", '"${X}"\\n', "both' and `"];
    await api.far.close();
    api = await sigmaMindApi((count) => secrets[count - 1] ?? '');
    for (const name of ['A', 'B', 'C']) {
      const { failure } = await run('create', '--agent', 'a', '--url', 'https://x.example', '--secret-to', name);
      expect(failure, name).to.equal(null);
    }
    const { failure } = await run('create', '--agent', 'a', '--url', 'https://x.example', '--secret-to', 'D');
    expect(failure).to.match(/could not be written.*use a file\. The webhook wh_4 has been deleted\.$/);
    expect(api.webhooks).to.have.length(3);
  });

  it('prints the secret only when it is asked for, and writes nothing then', async () => {
    const before = await read('.env');
    const { text } = await run('create', '--agent', 'agent_sales', '--print-secret');
    expect(text.split('\n')).to.include(secretOf(1));
    expect(await read('.env')).to.equal(before);
    const json = await run('create', '--agent', 'agent_sales', '--json');
    expect(JSON.parse(json.text)).to.include({ webhookId: 'wh_2', secretIn: '${SIGMAMIND_SECRET}' });
    expect(json.text).to.not.include(secretOf(2));
  });

  it('says what is missing before it creates anything', async () => {
    expect(await refused('create', '--agent', 'a', '--secret-to', 'file:missing/secret')).to.match(
      /cannot be written.*ENOENT/,
    );
    expect(await refused('create', '--agent', 'a', '--secret-to', '${X}')).to.match(/is no place for a secret/);
    expect(await refused('create', '--agent', 'a', '--source', 'other')).to.equal('name the source: --source agents');
    await write('switchhook.yaml', configuration('["literal-secret"]').replace(/server:.*\n/, ''));
    expect(await refused('create', '--agent', 'a')).to.equal(
      'pass --url, or set server.publicUrl in the configuration',
    );
    expect(await refused('create', '--agent', 'a', '--url', 'https://x.example')).to.match(/refer to no variable/);
    await write('switchhook.yaml', 'version: 1');
    expect(await refused('create', '--agent', 'a')).to.match(/has no source with sigmamind\.events/);
    await write('.env', '');
    expect(await refused('list')).to.equal('there is no API key: set SIGMAMIND_API_KEY, or pass --api-key');
    expect(await refused('list', '--api-key', 'x', '--api-url', 'ftp://x')).to.equal(
      '--api-url is no http or https URL: ftp://x',
    );
  });

  it('gives the reason of a refusal without the key, and fails where the reply is not as documented', async () => {
    expect((await run('list', '--api-key', 'wrong-key')).failure).to.match(/401.*The key … is unknown/);
    api.created = { secret: null };
    expect((await run('create', '--agent', 'a')).failure).to.match(
      /^the webhook wh_1 exists, but the reply of the API has no secret/,
    );
    api.far.answer(() => ({ status: 200, body: '[]' }));
    expect((await run('list')).failure).to.equal('the reply of the API has no list of webhooks');
  });

  it('lists all pages, without secrets', async () => {
    api.pageSize = 2;
    for (const agent of ['a', 'b', 'c'])
      await run('create', '--agent', agent, '--url', 'https://x.example', '--secret-to', `S_${agent}`);
    Object.assign(api.webhooks[2] ?? {}, { events: 'conversation_started' });
    const { text } = await run('list');
    expect(text.split('\n').map((line) => line.split('\t')[0])).to.deep.equal(['webhook', 'wh_1', 'wh_2', 'wh_3']);
    expect(text).to.include('wh_3\tswitchhook\tc\ttrue\tconversation_started\thttps://x.example');
    const json = await run('list', '--agent', 'b', '--json');
    expect(JSON.parse(json.text).webhooks.map(({ webhookId }: { webhookId: string }) => webhookId)).to.deep.equal([
      'wh_2',
    ]);
    expect(text + json.text).to.not.include('once-shown');
    expect((await run('list', '--inactive')).text).to.equal('No webhooks.');
  });

  it('deletes a webhook once it is confirmed', async () => {
    await run('create', '--agent', 'agent_sales');
    const dry = await run('delete', 'wh_1', '--dry-run');
    expect(dry.text).to.equal(
      'would delete the webhook wh_1 (switchhook agents) of agent_sales to https://hooks.example.com/hooks/agents',
    );
    expect((await run('delete', 'wh_1')).failure).to.match(/^Delete the webhook wh_1 .*Pass --yes/);
    expect(api.webhooks).to.have.length(1);
    expect((await run('delete', 'wh_1', '--yes')).failure).to.equal(null);
    expect(api.webhooks).to.deep.equal([]);
    expect((await run('delete', 'wh_1', '--yes')).failure).to.match(/404.*Webhook not found/);
  });
});
