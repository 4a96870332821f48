/** Options of a plugin itself: checked like those of a row, given to its services and components, known to editors. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError, createRouter, type Problem } from '@switchhook/core';
import { catalogFor, configurationSchema } from '@switchhook/core/internal';
import type { Plugin } from '@switchhook/sdk';
import { createComponent, fakeServices } from '@switchhook/testkit';
import { expect } from 'chai';
import { parse } from 'yaml';
import { z } from 'zod';
import { repository, type Workplace, workplace } from '../support/workplace.js';

/** What `probe` returns shows what the destination and the service were given. */
const plugin = `import { defineDestination, definePlugin, duration, provide, provideOptions, secret, token, z } from '@switchhook/sdk';
const Account = token('crm.Account');
class Client {
  constructor({ account }) { this.account = account; }
  static inject = { account: Account };
}
export default definePlugin({
  name: '@acme/crm',
  options: provideOptions(Account, z.strictObject({
    url: z.url().meta({ description: 'URL.' }),
    token: secret('Token.'),
    wait: duration('Wait.').prefault('5s'),
  })),
  services: [provide(Client)],
  components: [defineDestination({
    type: 'crm.note', description: 'Notes.', options: z.strictObject({}), inject: { client: Client, account: Account },
    create: (_options, { client, account }) => ({
      deliver: async () => ({ kind: 'delivered' }),
      probe: async () => JSON.stringify([client.account, account.wait]),
    }),
  })],
});
`;
const yaml = (plugins: string) => `version: 1
server: { host: 127.0.0.1, port: 0 }
${plugins}
store: { use: memory }
sources: { agents: { use: sigmamind.events, secrets: [only-for-tests] } }
destinations: { crm: { use: crm.note }, again: { use: crm.note } }
routes: [{ to: [crm, again] }]
`;
const right = 'plugins: [{ use: ./crm.js, options: { url: "https://crm.example.com", token: "${CRM_TOKEN}" } }]';

describe('the options of a plugin', () => {
  let place: Workplace;

  beforeEach(async () => {
    place = await workplace();
    await place.link();
    await place.write('package.json', '{ "type": "module" }');
    await place.write('crm.js', plugin);
    await place.write('.env', 'CRM_TOKEN=a-long-token\n');
  });
  afterEach(() => place.close());

  const problemsOf = async (plugins: string): Promise<readonly Problem[]> => {
    const made = await createRouter(await place.write('switchhook.yaml', yaml(plugins))).catch((error) => error);
    if (!(made instanceof ConfigurationError)) throw new Error(`expected problems: ${made}`);
    return made.problems;
  };
  const brief = ({ line, column, code, path, message }: Problem) => `${line}:${column} ${code} ${path}: ${message}`;

  it('are given, checked, to its services and components, with secrets masked', async () => {
    const router = await createRouter(await place.write('switchhook.yaml', yaml(right)));
    await router.openComponents();
    const notes = (await router.probe(1_000)).map(({ note }) => note);
    await router.close();
    const account = { url: 'https://crm.example.com', token: '***', wait: 5_000 };
    expect(notes.filter((note) => note !== 'nothing to reach')).to.deep.equal(
      ['crm', 'again'].map(() => JSON.stringify([account, 5_000])),
    );
  });

  const mistakes: readonly (readonly [plugins: string, problems: readonly string[]])[] = [
    [
      'plugins: [{ use: ./crm.js, options: { url: crm, tokn: x-long-token } }]',
      [
        '3:44 INVALID_VALUE plugins[0].options.url: invalid URL, found "crm"',
        '3:49 UNKNOWN_KEY plugins[0].options.tokn: unknown key "tokn"; did you mean "token"?',
      ],
    ],
    [
      'plugins: [./crm.js]',
      ['url', 'token'].map((name) => `3:11 MISSING_KEY plugins[0].options.${name}: missing key "${name}"`),
    ],
    [
      'plugins: [{ use: ./crm.js, option: {} }]',
      ['3:28 UNKNOWN_KEY plugins[0].option: unknown key "option"; did you mean "options"?'],
    ],
    [
      right.replace(']', ', ./crm.js, { use: "@switchhook/plugin-memory", options: { path: ./x } }]'),
      [
        '3:98 DUPLICATE_NAME plugins[1]: ./crm.js is the plugin of another row, too',
        '3:144 UNKNOWN_KEY plugins[2].options: @switchhook/plugin-memory has no options of its own',
      ],
    ],
  ];
  for (const [plugins, expected] of mistakes)
    it(`are reported where they are wrong: ${plugins}`, async () => {
      const problems = await problemsOf(plugins);
      expect(problems.map(brief)).to.deep.equal(expected);
      expect(JSON.stringify(problems)).not.to.include('x-long-token');
    });

  it('must be set where a plugin is found by the name of its package, unless all have defaults', async () => {
    await place.close();
    place = await workplace();
    const folder = place.path('node_modules/@switchhook/plugin-crm');
    await mkdir(folder, { recursive: true });
    await symlink(join(repository, 'node_modules/@switchhook/sdk'), place.path('node_modules/@switchhook/sdk'));
    await writeFile(
      join(folder, 'package.json'),
      '{ "name": "@switchhook/plugin-crm", "type": "module", "exports": "./crm.js" }',
    );
    await writeFile(join(folder, 'crm.js'), plugin);
    const [problem, ...others] = await problemsOf('');
    expect(others).to.deep.equal([]);
    expect(problem).to.include({
      code: 'MISSING_KEY',
      path: 'destinations.crm.use',
      message: '@acme/crm has options of its own that must be set: url, token',
      hint: 'Name it in plugins: { use: "@acme/crm", options: { … } }.',
    });
  });

  it('are part of the schema of editors', async () => {
    const catalog = await catalogFor(await place.write('switchhook.yaml', yaml(right)));
    const schema = z.fromJSONSchema(configurationSchema(await catalog.components(), catalog.named));
    const accepts = (plugins: string) => schema.safeParse(parse(yaml(plugins))).success;
    expect(accepts(right)).to.equal(true);
    expect(accepts('plugins: [./crm.js, { use: "@acme/other", options: { any: thing } }]')).to.equal(true);
    expect(accepts(right.replace('token:', 'tokn:'))).to.equal(false);
    expect(accepts('plugins: [{ use: ./crm.js }]')).to.equal(false);
  });

  it('are given to a component that a test makes', async () => {
    const { default: crm }: { default: Plugin } = await import(place.path('crm.js'));
    const services = fakeServices();
    const make = (own = {}) => createComponent('destination', crm.components[0], {}, services, crm, own);
    const made = make({ url: 'https://crm.example.com', token: 'a-long-token' });
    expect(await made.probe?.(new AbortController().signal)).to.include('a-long-token');
    expect(() => make()).to.throw('url');
    await services.close();
  });
});
