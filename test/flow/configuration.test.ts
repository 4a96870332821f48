/** What a running router shows of its configuration: everything but secrets. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Workplace, workplace } from '../support/workplace.js';

/** Every kind of place in which a secret can be written. None is an ordinary word, none looks like a token. */
const planted = {
  admin: 'plain-admin-words',
  source: 'plain source words',
  sourceDefault: 'plain default words',
  call: 'plain-call-words',
  urlPassword: 'plainpassword',
  urlQuery: 'plainquery',
  webhook: 'plainhook',
  bearer: 'plainbearer',
  header: 'plainheader',
  cookie: 'plaincookie',
  bodyKey: 'plainbody',
  signature: 'plain signature',
  signatureLine: 'second signature line',
  database: 'plaindatabase',
  variable: 'plainvariable',
  condition: 'plaincondition',
  comment: 'plaincomment',
  commentList: 'plainlist',
  merged: 'plainmerged',
  unused: 'plain unused words',
  plugin: 'plain plugin words',
  unmarked: 'plainunmarked',
} as const;

const environment = {
  SWITCHHOOK_TEST_ONE: 'value one of the environment',
  SWITCHHOOK_TEST_TWO: 'value-two-of-the-environment',
  SWITCHHOOK_TEST_THREE: 'value-three-of-the-environment',
};

const plugin = `import { definePlugin, defineDestination, secret, z } from '@switchhook/sdk';
const text = (description) => z.string().meta({ description });
export default definePlugin({
  name: 'odd',
  options: { token: Symbol.for('odd.options'), schema: z.strictObject({ account: secret('Account.'), place: text('Place.') }) },
  components: [defineDestination({
    type: 'odd.note', description: 'Notes.', options: z.strictObject({ accessToken: text('Not marked.'), note: text('Note.') }),
    create: () => ({ deliver: async () => ({ kind: 'delivered' }) }),
  })],
});
`;

const yaml = `version: 1
# authorization: Bearer ${planted.comment}
# secrets:
#   - ${planted.commentList}
server: { host: 127.0.0.1, port: 0, admin: { token: "${planted.admin}" } }
plugins:
  - use: ./odd.js
    options: { account: "${planted.plugin}", place: "\${SWITCHHOOK_TEST_TWO}" }
x-headers: &headers { authorization: "Bearer ${planted.bearer}", accept: text/plain }
x-unused: { nobody: "${planted.unused}" }
store: { use: memory }
sources:
  agents: { use: sigmamind.events, secrets: ["${planted.source}", "\${SWITCHHOOK_TEST_ONE}", "\${UNSET:-${planted.sourceDefault}}"] }
  calls: { use: sigmamind.call, token: ${planted.call} }
destinations:
  crm:
    use: http.post
    url: https://me:${planted.urlPassword}@crm.example.com/hooks/${planted.webhook}?n=1&x=${planted.urlQuery}   # the CRM
    headers:
      <<: *headers
      x-team: ${planted.header}
      cookie: "a=\${SWITCHHOOK_TEST_THREE}; b=${planted.cookie}"
    body: { api_key: ${planted.bodyKey}, open: open text, <<: { password: ${planted.merged} }, password: "\${SWITCHHOOK_TEST_TWO}" }
    sign: |
      ${planted.signature}
      ${planted.signatureLine}
  odd: { use: odd.note, accessToken: ${planted.unmarked}, note: also in the text is ${planted.call} }
resolvers:
  rows: { use: postgres.lookup, url: "postgres://me:${planted.database}@127.0.0.1:1/calls", query: "select 1 as one" }
routes:
  - { name: all, from: agents, to: [crm, odd] }
  - name: some
    from: agents
    where: event.data.place == "\${SWITCHHOOK_TEST_TWO}" && event.data.token == "${planted.condition}"
    to: crm
answers:
  - { name: first, from: calls, resolve: rows, variables: { tier: standard, pass_code: ${planted.variable} }, defaults: { tier: "\${SWITCHHOOK_TEST_TWO}" } }
  - { name: never, from: calls, variables: { tier: standard } }
`;

describe('the configuration of a running router', () => {
  let place: Workplace;
  before(() => Object.assign(process.env, environment));
  after(() => {
    for (const name of Object.keys(environment)) delete process.env[name];
  });
  beforeEach(async () => {
    place = await workplace();
    await place.link();
    await place.write('package.json', '{ "type": "module" }');
    await place.write('odd.js', plugin);
  });
  afterEach(() => place.close());

  const headers = { authorization: `Bearer ${planted.admin}` };
  const ask = async (url: string, path: string) => (await fetch(`${url}/api/${path}`, { headers })).text();
  const run = (url: string, ...args: readonly string[]) =>
    place.command([...args, '--config', place.path('switchhook.yaml'), '--url', url, '--token', planted.admin]);

  it('is shown line by line without any secret, by the API and by the command', async () => {
    const { url } = await place.router(yaml);
    const paths = ['configuration', 'answers', 'components', 'components?installed=true', 'routes', 'status'];
    const shown = await Promise.all(paths.map((path) => ask(url, path)));
    for (const what of [[], ['answers'], ['routes'], ['components'], ['types']]) {
      for (const json of [[], ['--json']]) {
        const { code, stdout, stderr } = await run(url, 'config', ...what, ...json);
        expect([code, what], stderr).to.deep.equal([0, what]);
        shown.push(stdout + stderr);
      }
    }
    for (const text of shown)
      for (const [name, secret] of Object.entries({ ...planted, ...environment }))
        expect(text.includes(secret), `${name} in ${text}`).to.equal(false);
    const { components } = JSON.parse(shown[2] ?? '');
    const places = components.map(({ receivesAt }: { receivesAt: string | null }) => receivesAt);
    expect(places.filter((at: string | null) => at !== null)).to.deep.equal(['/hooks/agents', '/hooks/calls/***']);
    expect(shown.join('\n')).to.include('/hooks/calls/***');
    const { text, warnings, files, changed, format } = JSON.parse(shown[0] ?? '');
    const [was, is] = [yaml, String(text)].map((one) => one.split('\n'));
    expect(is).to.have.length(was?.length ?? 0);
    for (const line of ['    use: http.post', '  - { name: all, from: agents, to: [crm, odd] }'])
      expect(is?.indexOf(line), line).to.equal(was?.indexOf(line));
    expect(text).to.include('"***", "${SWITCHHOOK_TEST_ONE}", "${UNSET:-***}"').and.include('# the CRM');
    expect(text).to.include('query: "select 1 as one').and.include('open: open text');
    expect(format).to.equal('file');
    expect(files).to.include.members(['switchhook.yaml', '.env', 'odd.js']);
    expect(changed).to.deep.equal([]);
    expect(warnings.map(({ code }: { readonly code: string }) => code)).to.deep.equal([
      'SETTING_ASSUMED',
      'NEVER_MATCHES',
    ]);
    const [assumed, never] = warnings;
    expect(assumed).to.deep.include({ path: 'sources.agents.signature', excerpt: null });
    expect(was?.[assumed.line - 1]).to.include('agents:');
    expect(never).to.deep.include({ path: 'answers[1]', excerpt: null });
    expect(was?.[never.line - 1]).to.include('name: never');
    expect(JSON.parse(shown[1] ?? '').answers[0]).to.deep.include({
      variables: { tier: 'standard', pass_code: '***' },
      defaults: { tier: '${SWITCHHOOK_TEST_TWO}' },
    });
  });

  it('stays what was read when its files change, and names these until a reload', async () => {
    const { url, router } = await place.router(yaml);
    await place.write('switchhook.yaml', yaml.replace('name: all', 'name: every').replace('port: 0', 'port: 1'));
    await place.write('.env', 'UNUSED=1');
    const { changed, text, generation } = JSON.parse(await ask(url, 'configuration'));
    expect(changed).to.deep.equal(['switchhook.yaml', '.env']);
    expect([generation, text.includes('name: all')]).to.deep.equal([1, true]);
    const { stderr } = await run(url, 'config');
    expect(stderr).to.match(/Changed since then: switchhook\.yaml, \.env\..* switchhook reload --dry-run/);
    await router.reload();
    const after = JSON.parse(await ask(url, 'configuration'));
    expect(after).to.deep.include({ changed: [], generation: 2 });
    expect(after.text).to.include('name: every');
    expect(after.restart).to.deep.equal([
      { setting: 'server.port', reason: 'it takes effect when the server is opened' },
    ]);
    expect((await run(url, 'config')).stderr).to.include('server.port');
  });

  it('has the installed types with their options, those that no row uses included, and what cannot be loaded', async () => {
    const { url } = await place.router(yaml);
    const { installed } = JSON.parse(await ask(url, 'components?installed=true'));
    const types = installed.types as readonly { use: string; kind: string; pluginOptions: readonly object[] }[];
    expect(types.map(({ use }) => use)).to.include.members(['odd.note', 'http.post', 'slack.message', 'sqlite']);
    const find = (use: string) => types.find((one) => one.use === use);
    expect(find('slack.message')).to.deep.include({ kind: 'destination', plugin: '@switchhook/plugin-slack' });
    expect(find('slack.message'))
      .to.have.nested.property('options[0]')
      .that.deep.includes({
        ...{ name: 'webhookUrl', type: 'secret', required: false, default: null, unit: null, secret: true },
      });
    const options = installed.kinds.find(({ kind }: { kind: string }) => kind === 'destination').options;
    expect(options.find(({ name }: { name: string }) => name === 'timeout')).to.deep.equal({
      ...{ name: 'timeout', type: 'duration', unit: 'ms, s, m, h or d', required: false, default: '10s' },
      ...{ secret: false, description: 'Timeout of one attempt.' },
    });
    expect(find('odd.note')?.pluginOptions).to.have.length(2);
    expect(installed.problems).to.deep.equal([]);
    const { code, stdout } = await run(url, 'config', 'types', 'slack.message');
    expect(code).to.equal(0);
    expect(stdout).to.match(/^webhookUrl\tsecret\t\tURL of the incoming webhook/m);
    const wrong = await run(url, 'config', 'types', 'slack.mesage');
    expect([wrong.code, wrong.stderr]).to.deep.equal([
      2,
      'the router has no type slack.mesage; did you mean "slack.message"?\n',
    ]);
  });

  it('lists what runs and what is wrong, and runs on, where an installed plugin throws or ends its process', async () => {
    const alone = await workplace();
    const folder = alone.path('node_modules/@switchhook/plugin-odd');
    await mkdir(folder, { recursive: true });
    await writeFile(
      join(folder, 'package.json'),
      '{ "name": "@switchhook/plugin-odd", "version": "1.0.0", "type": "module", "exports": "./index.js", "keywords": ["switchhook-plugin"] }',
    );
    const plain =
      'version: 1\nserver: { host: 127.0.0.1, port: 0 }\nstore: { use: memory }\nsources: { forms: { use: bearer, tokens: a-token } }\ndestinations: { out: { use: log } }\nroutes: [{ to: out }]\n';
    const codes = {
      'throw new Error("no such luck")': /no such luck/,
      'process.exit(0)': /a plugin has ended the thread/,
    };
    try {
      for (const [code, message] of Object.entries(codes)) {
        await writeFile(join(folder, 'index.js'), code);
        const { url } = await alone.router(plain);
        const { installed } = JSON.parse(await (await fetch(`${url}/api/components?installed=true`)).text());
        expect(installed.types.map(({ use }: { use: string }) => use)).to.include.members(['memory', 'bearer', 'log']);
        expect(installed.problems).to.have.length(1);
        expect(installed.problems[0]).to.have.property('code', 'PLUGIN_BROKEN');
        expect(installed.problems[0].message).to.match(message);
        expect((await fetch(`${url}/readyz`)).status).to.equal(200);
      }
    } finally {
      await alone.close();
    }
  });

  it('is the value of a program as YAML', async () => {
    await place.write(
      'switchhook.config.ts',
      `export default {
  version: 1, server: { host: '127.0.0.1', port: 0 }, store: { use: 'memory' },
  sources: { agents: { use: 'sigmamind.events', secrets: ['${planted.source}'] } },
  destinations: { crm: { use: 'http.post', url: 'https://crm.example.com/' + process.env.SWITCHHOOK_TEST_TWO } },
  routes: [{ to: 'crm' }],
};
`,
    );
    const { url } = await place.serve(place.path('switchhook.config.ts'));
    const reply = await ask(url, 'configuration');
    expect(reply).to.not.include(planted.source).and.not.include(environment.SWITCHHOOK_TEST_TWO);
    const { format, text } = JSON.parse(reply);
    expect([format, text.includes('url: https://crm.example.com/***\n')]).to.deep.equal(['program', true]);
  });
});
