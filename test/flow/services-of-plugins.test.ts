/** Services that components of another plugin inject by their tokens. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ComponentFailure, createRouter } from '@switchhook/core';
import { expect } from 'chai';
import { repository, type Workplace, workplace } from '../support/workplace.js';

/** Notes on `globalThis`, as the modules of a plugin are imported by the router. */
const notes: string[] = [];
Object.assign(globalThis, { notedByPlugins: notes });

const head = `import { defineDestination, defineResolver, definePlugin, provide, provideOptions, State, token, z } from '@switchhook/sdk';
const note = (text) => globalThis.notedByPlugins.push(text);
const options = z.strictObject({ url: z.string().default('a').meta({ description: 'URL.' }) });
`;
const account = `${head}
export const Client = token('account.Client');
const Options = token('account.Options');
let made = 0;
export default definePlugin({
  name: 'account', components: [],
  options: provideOptions(Options, z.strictObject({ realm: z.string().default('none').meta({ description: 'Realm.' }) })),
  services: [provide(Client, {
    inject: { own: Options, state: State }, key: ({ url }) => String(url),
    create: ({ own, state }, users) => {
      const name = \`\${own.realm} \${users.map(({ url }) => url).join('+')} #\${++made}\`;
      return { name, state, open: async () => void note('open ' + name), close: async () => void note('close ' + name) };
    },
  })],
});
`;
const using = (name: string, head_ = '', inject = "token('account.Client')") => `${head}${head_}
export default definePlugin({ name: '${name}', components: [defineDestination({
  type: '${name}.note', description: 'Notes.', options, inject: { client: ${inject} },
  create: (_options, { client }) => ({
    deliver: async () => ({ kind: 'delivered' }),
    open: async () => { await client.state?.set('by', '${name}'); note('open ${name}'); },
    close: async () => void note('close ${name}'),
    probe: async () => client.name,
  }),
})] });
`;
const yaml = (plugins: string, destinations: string) => `version: 1
server: { host: 127.0.0.1, port: 0 }
plugins: [${plugins}]
store: { use: memory }
sources: { agents: { use: sigmamind.events, secrets: [only-for-tests] } }
destinations: ${destinations}
routes: [{ from: agents, to: [one] }]
`;
const both = '{ use: ./account.js, options: { realm: "R" } }, ./crm.js, ./desk.js';
const one = '{ one: { use: crm.note } }';

describe('a service of another plugin', () => {
  let place: Workplace;

  beforeEach(async () => {
    notes.length = 0;
    place = await workplace();
    await place.link();
    await place.write('package.json', '{ "type": "module" }');
    await place.write('account.js', account);
    await place.write('crm.js', using('crm'));
    await place.write('desk.js', using('desk'));
  });
  afterEach(() => place.close());

  const routerOf = async (text: string, name = 'switchhook.yaml') =>
    createRouter(await place.write(name, text), { logTo: { write: () => {} }, lingerMs: 0 });
  const failureOf = async (text: string): Promise<string> => {
    const failure = await routerOf(text).catch((error: unknown) => error);
    if (!(failure instanceof ComponentFailure)) throw new Error(`expected a failure: ${failure}`);
    return failure.message.replaceAll(`${place.directory}/`, '');
  };
  const noted = (word: string): readonly string[] => notes.filter((text) => text.startsWith(word));

  it('is shared by the components of all plugins with the same key, with the options and the state of its own plugin', async () => {
    const router = await routerOf(
      yaml(both, '{ one: { use: crm.note }, two: { use: desk.note }, three: { use: desk.note, url: b } }').replace(
        '[one]',
        '[one, two, three]',
      ),
    );
    await router.open();
    const probes = await router.probe(1_000);
    expect(probes.flatMap(({ name, note }) => (['one', 'two', 'three'].includes(name) ? [note] : []))).to.deep.equal([
      'R a+a #1',
      'R a+a #1',
      'R b #2',
    ]);
    await router.close();
  });

  it('is opened before its first user and closed after its last, whatever the order of the rows of plugins', async () => {
    const router = await routerOf(
      yaml('./crm.js, ./desk.js, ./account.js', '{ one: { use: crm.note }, two: { use: desk.note } }').replace(
        '[one]',
        '[one, two]',
      ),
    );
    await router.open();
    await router.close();
    const [first, ...others] = notes;
    expect(first).to.match(/^open none a\+a/);
    expect(others.at(-1)).to.match(/^close none a\+a/);
    expect(others.slice(0, -1)).to.have.members(['open crm', 'open desk', 'close crm', 'close desk']);
  });

  it('is not shared by two routers in one process', async () => {
    const routers = [await routerOf(yaml(both, one)), await routerOf(yaml(both, one), 'other.yaml')];
    for (const router of routers) await router.open();
    const [first, second, ...others] = noted('open R').map((text) => text.replace('open', 'close'));
    expect(others).to.deep.equal([]);
    expect(first).not.to.equal(second);
    await routers[0]?.close();
    expect(noted('close R')).to.deep.equal([first]);
    await routers[1]?.close();
    expect(noted('close R')).to.deep.equal([first, second]);
    const alone = await failureOf(yaml('./crm.js', one));
    expect(alone).to.include('nothing provides account.Client');
  });

  it('is reported with the row where no loaded plugin provides it, and with the plugin that would', async () => {
    expect(await failureOf(yaml('./crm.js', one))).to.match(
      /^destination one \(crm\.note, \S*switchhook\.yaml:6:\d+\) could not be made: nothing provides account\.Client: list it by provide\(…\) in the services of definePlugin, or name the plugin that provides it in plugins/,
    );
    await place.close();
    place = await workplace();
    const write = async (folder: string, entry: string, text: string) => {
      await mkdir(place.path(`node_modules/${folder}`), { recursive: true });
      const manifest = {
        name: folder,
        version: '1.0.0',
        type: 'module',
        keywords: ['switchhook-plugin'],
        exports: entry,
      };
      await writeFile(place.path(`node_modules/${folder}/package.json`), JSON.stringify(manifest));
      await writeFile(place.path(`node_modules/${folder}/${entry}`), text);
    };
    await mkdir(place.path('node_modules/@switchhook'), { recursive: true });
    await symlink(join(repository, 'node_modules/@switchhook/sdk'), place.path('node_modules/@switchhook/sdk'));
    await write('@acme/account', './index.js', account);
    await place.write('package.json', '{ "type": "module", "dependencies": { "@acme/account": "1.0.0" } }');
    await place.write('crm.js', using('crm'));
    const text = yaml('./crm.js', one);
    expect(await failureOf(text)).to.include(
      'nothing provides account.Client: it is a service of @acme/account, which plugins does not name; add "@acme/account"',
    );
    await (await routerOf(text.replace('[./crm.js]', '[./crm.js, "@acme/account"]'))).close();
  });

  it('is refused where two plugins provide it, for the options of the other, and for a class of another copy', async () => {
    await place.write('second.js', account.replace("name: 'account'", "name: 'second'"));
    expect(await failureOf(yaml('./account.js, ./second.js, ./crm.js', one))).to.match(
      /account\.Client is provided by account \(\S*account\.js:\d+\) and second \(\S*second\.js:\d+\); remove one/,
    );
    await place.write('crm.js', using('crm', '', "token('account.Options')"));
    expect(await failureOf(yaml('./account.js, ./crm.js', one))).to.include(
      'account.Options stands for the options of account; only account itself can inject them',
    );
    const classes = account.replace("export const Client = token('account.Client');", 'export class Client {}');
    await place.write('account.js', classes);
    await place.write('copy.js', classes);
    await place.write('crm.js', using('crm', "import { Client } from './copy.js';", 'Client'));
    expect(await failureOf(yaml('./account.js, ./crm.js', one))).to.match(
      /nothing provides Client: account provides another class Client \(\S*account\.js:\d+\)\. If its package is installed twice/,
    );
    await place.write('crm.js', using('crm', "import { Client } from './account.js';", 'Client'));
    await (await routerOf(yaml('./account.js, ./crm.js', one))).close();
  });

  it('is refused in a circle between plugins, and with a key where its user has none', async () => {
    const provides = (name: string, needs: string, key = '') => `${head}
export default definePlugin({ name: '${name}', components: [], services: [
  provide(token('${name}.Service'), { ${key} inject: { other: token('${needs}') }, create: () => ({}) }),
] });
`;
    await place.write('a.js', provides('a', 'b.Service'));
    await place.write('b.js', provides('b', 'a.Service'));
    await place.write('crm.js', using('crm', '', "token('a.Service')"));
    const text = yaml('./account.js, ./a.js, ./b.js, ./crm.js', one);
    expect(await failureOf(text)).to.match(
      /need each other in a circle: a\.Service \(\S*a\.js:6\) → b\.Service \(\S*b\.js:6\) → a\.Service \(\S*a\.js:6\)/,
    );
    // Another row, which does not need the circle, is not kept from being made by it.
    const rows = '{ other: { use: desk.note }, one: { use: crm.note } }';
    const apart = yaml('./account.js, ./a.js, ./b.js, ./crm.js, ./desk.js', rows).replace('[one]', '[one, other]');
    expect(await failureOf(apart)).to.include('destination one (crm.note');
    await place.write('b.js', provides('b', 'account.Client'));
    expect(await failureOf(text)).to.match(
      /b\.Service \(\S*b\.js:6\) has no key, but injects account\.Client, which has one/,
    );
    await place.write('b.js', provides('b', 'account.Client', "key: () => 'k',"));
    expect(await failureOf(text)).to.match(
      /a\.Service \(\S*a\.js:6\) has no key, but injects b\.Service, which has one/,
    );
  });

  it('is made anew for its users by a reload that changes its plugin or its options, and only then', async () => {
    const text = yaml(both, one);
    const file = await place.write('switchhook.yaml', text);
    const router = await createRouter(file, { logTo: { write: () => {} }, lingerMs: 0 });
    await router.open();
    const changed = async (next: string) => {
      await place.write('switchhook.yaml', next);
      return (await router.reload()).destinations.changed;
    };
    try {
      expect(await changed(`${text}# the same\n`)).to.deep.equal([]);
      expect(await changed(text.replace('"R"', '"S"'))).to.deep.equal(['one']);
      expect(noted('open S')).to.have.length(1);
      await place.write('account.js', `${account}// edited\n`);
      expect(await changed(text.replace('"R"', '"S"'))).to.deep.equal(['one']);
      const failure = await changed(text.replace('{ use: ./account.js, options: { realm: "R" } }, ', '')).catch(String);
      expect(failure).to.include('nothing provides account.Client');
    } finally {
      await router.close();
    }
    expect(noted('close')).to.have.length(noted('open').length);
  });
});
