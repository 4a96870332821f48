/** The suites of the testkit under other test runners than mocha. */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { expect } from 'chai';
import { type Workplace, workplace } from '../support/workplace.js';

describe('the suites of the testkit', () => {
  let place: Workplace;

  beforeEach(async () => {
    place = await workplace();
    await place.link();
    await place.write('package.json', '{ "type": "module" }');
  });
  afterEach(() => place.close());

  const suite = (applied: string, before = '') => `import { anEvent, transformSuite } from '@switchhook/testkit';
${before}
transformSuite('crm.change', async () => ({ apply: (event) => ${applied} }), anEvent());
`;
  const ended = (...args: readonly string[]) =>
    new Promise<{ readonly code: unknown; readonly text: string }>((resolve) => {
      // Without the loaders of this process.
      execFile(process.execPath, args, { cwd: place.directory, env: {} }, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, text: stdout + stderr }),
      );
    });

  const mocha = createRequire(import.meta.url).resolve('mocha/bin/mocha.js');

  it('run under node --test, where a claim can also fail', async () => {
    await place.write('fine.test.js', suite('event'));
    const fine = await ended('--test', '--test-reporter=tap', 'fine.test.js');
    expect(fine.code, fine.text).to.equal(0);
    expect(fine.text)
      .to.match(/# pass [1-9]/)
      .and.to.include('crm.change');
    await place.write('wrong.test.js', suite('1'));
    const wrong = await ended('--test', '--test-reporter=tap', 'wrong.test.js');
    expect(wrong.code).to.equal(1);
    expect(wrong.text).to.match(/# fail [1-9]/);
  });

  it('end although a setup has thrown, and say that a component with a service needs its plugin', async () => {
    await place.write(
      'thrown.test.js',
      `import { defineResolver, token, z } from '@switchhook/sdk';
import { createComponent, fakeServices, receiver } from '@switchhook/testkit';
const component = defineResolver({ type: 'crm.any', description: 'Any.', options: z.strictObject({}), inject: { crm: token('crm.Client') }, create: () => ({}) });
it('throws', async () => {
  const far = await receiver();
  await fetch(far.url);
  createComponent('resolver', component, {}, fakeServices());
});
`,
    );
    const { code, text } = await ended(mocha, 'thrown.test.js');
    expect(code, text).to.equal(1);
    expect(text).to.include('nothing provides crm.Client: pass the plugin that provides it to createComponent');
  });

  const resolver = (methods: string, options: string) => `import { aCall, resolverSuite } from '@switchhook/testkit';
const resolve = async ({ from }) => (from === aCall().from ? { name: 'Jim' } : {});
resolverSuite('crm.contact', async () => ({ resolver: { resolve }, known: aCall(), close: async () => {}, ${methods} }), ${options});
`;
  for (const [runner, ...args] of [
    ['mocha', mocha, '--timeout', '30000'],
    ['node --test', '--test', '--test-reporter=tap'],
  ] as const)
    it(`report what a fixture lacks as pending, unless it is declared, under ${runner}`, async () => {
      const run = async (methods: string, options: string) => {
        await place.write('fixture.test.js', resolver(methods, options));
        return ended(...args, 'fixture.test.js');
      };
      const incomplete = await run('', "{ never: ['down'] }");
      expect(incomplete.code, incomplete.text).to.equal(0);
      expect(incomplete.text)
        .to.match(runner === 'mocha' ? /2 pending/ : /# skipped 2/)
        .and.to.include("the fixture needs hang(); name 'hang' in `never` if there is none")
        .and.to.include("the fixture needs cutOff(); name 'cutOff' in `never` if there is none")
        .and.not.to.include('throws when it could not look');
      const declared = await run('', "{ never: ['hang', 'down', 'cutOff'] }");
      expect(declared.code, declared.text).to.equal(0);
      expect(declared.text)
        .to.match(runner === 'mocha' ? /^(?!.*pending)/s : /# skipped 0/)
        .and.to.include('has no hang(), as `never` says')
        .and.not.to.include('stops when its time is up');
      const wrong = await run('hang() {}', "{ never: ['hang', 'down', 'cutOff'] }");
      expect(wrong.code, wrong.text).to.equal(1);
      expect(wrong.text).to.include("the fixture has hang(): remove 'hang' from `never`");
    });

  it('report what a store does not have as pending, and try everything else', async () => {
    const optional = [
      'changes',
      'clear',
      'deadGroups',
      'erase',
      'purge',
      'restore',
      'setState',
      'snapshot',
      'state',
      'stateKeys',
    ];
    const run = async (never: readonly string[]) => {
      await place.write(
        'store.test.js',
        `import { memoryStore } from '@switchhook/plugin-memory';
import { FakeClock, storeSuite } from '@switchhook/testkit';
storeSuite('small', async () => {
  const clock = new FakeClock();
  const get = (whole, name) => (${JSON.stringify(optional)}.includes(name) ? undefined : whole[name]?.bind?.(whole));
  const store = new Proxy(memoryStore(clock), { get });
  await store.open();
  return { store, clock, close: async () => {} };
}, ${JSON.stringify(never)});
`,
      );
      return ended(mocha, '--timeout', '30000', 'store.test.js');
    };
    const incomplete = await run([]);
    expect(incomplete.code, incomplete.text).to.equal(0);
    expect(incomplete.text)
      .to.include("the fixture needs `restore` of the store; name 'restore' in `never` if there is none")
      .and.to.include("the fixture needs `reopen`; name 'reopen' in `never` if there is none");
    const names = optional.filter((name) => name !== 'purge' && name !== 'setState');
    const declared = await run([...names, 'coordination', 'eventConditions', 'reopen']);
    expect(declared.code, declared.text).to.equal(0);
    expect(declared.text)
      .to.include('has no `restore` of the store, as `never` says')
      .and.to.match(/\d\d passing/)
      .and.not.to.include('pending');
  });

  it('ask for the globals of vitest', async () => {
    const file = await place.write('vitest.js', `globalThis.__vitest_worker__ = {};\nawait import('./fine.test.js');`);
    await place.write('fine.test.js', suite('event'));
    expect((await ended(file)).text).to.include('set test.globals to true');
  });
});
