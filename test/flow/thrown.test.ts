/** Everything that a plugin throws is shown with the file, line and column of its own code that threw it. */
import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createRouter } from '@switchhook/core';
import { excerptOf, located, locateIn, maskFor, openLog, placeOf } from '@switchhook/core/internal';
import { Store } from '@switchhook/sdk';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { repository, type Workplace, workplace } from '../support/workplace.js';

/** Lines count: 13, 17 and so on are those that throw. */
const crm = `import { defineDestination, definePlugin, defineSource, defineTransform, z } from '@switchhook/sdk';

interface Fault {
  readonly fault: string;
}

const kind = {
  description: 'For tests.',
  options: z.strictObject({ fault: z.string().default('').meta({ description: 'What fails.' }) }),
};

function fail({ fault }: Fault, where: string): void {
  if (fault === where) throw new Error(\`\${where} of Ada fails\`);
}

async function failLater(options: Fault, where: string): Promise<void> {
  await Promise.resolve();
  fail(options, where);
}

const source = defineSource({
  ...kind,
  type: 'crm.source',
  create: (options) => ({
    receive({ body }) {
      fail(options, 'receive');
      const data = JSON.parse(Buffer.from(body).toString());
      return { kind: 'events', events: [{ key: data.id, type: 't', subject: null, agent: null, occurredAtMs: null, data }] };
    },
  }),
});
const calls = defineSource({
  ...kind,
  type: 'crm.call',
  calls: true,
  create: () => ({
    receive: () => ({
      kind: 'call',
      event: { key: 'c', type: 'call', subject: null, agent: null, occurredAtMs: null, data: {} },
      call: { id: 'c', from: '', to: '+12025550001', agent: null, data: {} },
      deadlineMs: 5_000,
      reply: () => ({ status: 200 }),
      fallback: () => ({ status: 200 }),
    }),
  }),
});
const destination = defineDestination({
  ...kind,
  type: 'crm.note',
  create: (options) => {
    fail(options, 'create');
    return {
      open: () => failLater(options, 'open'),
      async deliver() {
        await failLater(options, 'deliver');
        if (options.fault === 'nothing') throw undefined;
        return { kind: 'delivered' };
      },
      preview: () => {
        fail(options, 'preview');
        return {};
      },
    };
  },
});
const transform = defineTransform({
  ...kind,
  type: 'crm.redact',
  create: (options) => ({ apply: (event) => (fail(options, 'apply'), event) }),
});
export default definePlugin({ name: 'crm', components: [source, calls, destination, transform] });
`;

/** A package whose code is called by the router, and calls a package of others, which throws. */
const acme = `import { defineResolver, definePlugin, z } from '@switchhook/sdk';
import { parse } from 'others';
const resolve = async () => parse('no number');
const lookup = defineResolver({
  type: 'acme.lookup', description: 'For tests.', options: z.strictObject({}), create: () => ({ resolve }),
});
export default definePlugin({ name: '@acme/crm', components: [lookup] });
`;

describe('what a plugin throws', () => {
  let place: Workplace;

  beforeEach(async () => {
    place = await workplace();
    for (const directory of ['my-plugins', 'node_modules/@acme/crm/dist', 'node_modules/others'])
      await mkdir(place.path(directory), { recursive: true });
    await symlink(join(repository, 'node_modules/@switchhook'), place.path('node_modules/@switchhook'));
    await place.write('package.json', '{ "type": "module" }');
    await place.write('my-plugins/crm.ts', crm);
    await place.write(
      'node_modules/@acme/crm/package.json',
      '{ "name": "@acme/crm", "type": "module", "exports": "./dist/x.js" }',
    );
    await place.write('node_modules/@acme/crm/dist/x.js', acme);
    await place.write('node_modules/others/package.json', '{ "type": "module", "exports": "./index.js" }');
    await place.write(
      'node_modules/others/index.js',
      'export const parse = (text) => { throw new SyntaxError(`cannot parse ${text}`); };\n',
    );
  });
  afterEach(() => place.close());

  const yaml = ({ source = '', destination = '', transform = '' }) => `version: 1
server: { host: 127.0.0.1, port: 0 }
plugins: [./my-plugins/crm.ts, "@acme/crm"]
store: { use: memory }
sources:
  in: { use: crm.source, fault: "${source}" }
  calls: { use: crm.call }
destinations:
  out: { use: crm.note, fault: "${destination}", retry: { attempts: 1 } }
transforms:
  redact: { use: crm.redact, fault: "${transform}" }
resolvers:
  customer: { use: acme.lookup }
routes: [{ from: in, to: out, transform: redact }]
answers: [{ from: calls, resolve: customer, variables: { name: "\${{ customer.name }}" } }]
`;
  const started = async (faults: Parameters<typeof yaml>[0]) => {
    const { router, url, lines } = await place.router(yaml(faults));
    const send = (source: string) =>
      fetch(`${url}/hooks/${source}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{ "id": "a" }',
      });
    const line = (event: string) => own(JSON.parse(lines.find((one) => one.includes(`"event":"${event}"`)) ?? 'null'));
    return { router, url, send, line };
  };
  /** Paths of this test's directory as from there. */
  const own = <T>(value: T): T => JSON.parse(JSON.stringify(value).replaceAll(`${place.directory}/`, ''));
  const reasonOf = async (faults: Parameters<typeof yaml>[0]) => {
    const { router, send } = await started(faults);
    await send('in');
    const store = router.get(Store);
    const [dead] = await eventually(async () => {
      const { items } = await store.deliveries({ limit: 1, state: 'dead' });
      return items.length > 0 && items;
    });
    return own((await store.attempts(dead?.id ?? ''))[0]?.reason);
  };

  it('is located in the reason of an attempt, of a destination and of a transform', async () => {
    expect(await reasonOf({ destination: 'deliver' })).to.equal('deliver of Ada fails (my-plugins/crm.ts:13:30)');
    expect(await reasonOf({ transform: 'apply' })).to.equal(
      'a transform failed: apply of Ada fails (my-plugins/crm.ts:13:30)',
    );
    // What is thrown is no error and has no stack: the place is that of defineDestination.
    expect(await reasonOf({ destination: 'nothing' })).to.match(/^undefined \(my-plugins\/crm\.ts:47\)$/);
  });

  it('is located in log lines', async () => {
    const { send, line } = await started({ source: 'receive' });
    expect((await send('in')).status).to.equal(500);
    expect(line('request.refused')).to.include({ at: 'my-plugins/crm.ts:13:30' });
  });

  it('is located in the trace of a call, in the package and not in one of others that it uses', async () => {
    const { url, send, line } = await started({});
    expect((await send('calls')).status).to.equal(200);
    expect(line('resolver.failed')).to.include({ at: '@acme/crm/dist/x.js:3:29' });
    const calls = (await (await fetch(`${url}/api/calls`)).json()) as { calls: { answer: { lookups: object[] } }[] };
    expect(calls.calls[0]?.answer.lookups[0]).to.include({
      reason: 'cannot parse no number (@acme/crm/dist/x.js:3:29)',
    });
  });

  it('is located by explain', async () => {
    const { send, router, url } = await started({ destination: 'preview' });
    await send('in');
    const [event] = (await router.get(Store).events({ limit: 1 })).items;
    const reply = await fetch(`${url}/api/explain`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ event: event?.id }),
    });
    expect(own(await reply.text())).to.include('preview of Ada fails (my-plugins/crm.ts:13:30)');
  });

  it('is located where a component is made or opened, with the position of its row', async () => {
    for (const [fault, said] of [
      ['create', 'could not be made: create of Ada fails'],
      ['open', 'could not be opened: open of Ada fails'],
    ] as const) {
      const file = await place.write('switchhook.yaml', yaml({ destination: fault }));
      const message = await createRouter(file, { logTo: { write: () => {} } })
        .then((router) => router.open())
        .catch((error: Error) => error.message);
      expect(own(message)).to.equal(
        `destination out (crm.note, switchhook.yaml:9:3) ${said} (my-plugins/crm.ts:13:30)`,
      );
    }
  });

  describe('of any kind', () => {
    const log = () => {
      const lines: string[] = [];
      return {
        lines,
        log: openLog({ level: 'info', mask: (text) => text, to: { write: (line) => lines.push(line) } }),
      };
    };
    const thrown = (stack: unknown, message = 'no', cause?: unknown): Error =>
      Object.defineProperty(new Error(message, { cause }), 'stack', { value: stack });
    const router = new URL('../../core/router/dist/a.js', import.meta.url).href;

    before(() => {
      locateIn('/srv/crm (x)');
      locateIn('/srv/app');
      locateIn('/srv/node_modules/@acme/crm');
    });

    const stacks: readonly (readonly [what: string, stack: string, place: string | null])[] = [
      ['a path with a space and brackets', 'at f (/srv/crm (x)/a.ts:1:2)', '/srv/crm (x)/a.ts:1:2'],
      ['a URL', 'at async file:///srv/crm%20(x)/a.ts?tsx=1:1:2', '/srv/crm (x)/a.ts:1:2'],
      ['code in eval', 'at eval (eval at f (/srv/app/a.js:3:5), <anonymous>:1:1)', '/srv/app/a.js:3:5'],
      [
        'packages of others, node and other directories first',
        'at f (node:fs:1:1)\n    at g (/srv/app/node_modules/pg/a.js:1:1)\n    at h (/elsewhere/srv/app/b.js:1:1)\n    at i (/srv/app/c.js:7:8)',
        '/srv/app/c.js:7:8',
      ],
      ['its own package', 'at f (file:///srv/node_modules/@acme/crm/x.js:1:2)', '@acme/crm/x.js:1:2'],
      [
        'a service of the router',
        `at fetch (${router}:1:1)\n    at f (/srv/app/a.js:1:2)\n    at g (${router}:2:2)`,
        '/srv/app/a.js:1:2',
      ],
      ['the program that embeds the router', `at f (${router}:1:1)\n    at main (/srv/app/main.js:1:2)`, null],
      [
        'translated code',
        "at f (data:text/javascript,const%20a%3D('b')?filePath=%2Fsrv%2Fapp%2Fa.ts%3Fnamespace%3D1:2:10)",
        '/srv/app/a.ts',
      ],
      ['nothing of a plugin', 'at f (node:fs:1:1)', null],
      ['no stack', '', null],
    ];
    for (const [what, stack, place] of stacks)
      it(`is located in ${what}`, () => {
        expect(placeOf(thrown(`Error: no\n    ${stack}`))).to.equal(place);
      });

    it('is located in the TypeScript of a compiled package, where it brings its maps', async () => {
      const place = await workplace();
      const map = (sources: readonly string[]) =>
        JSON.stringify({ version: 3, sources, names: [], mappings: ';;QAII' });
      await place.write('mapped.js.map', map(['../src/crm.ts']));
      await place.write('broken.js.map', '{');
      locateIn(place.path('.'));
      const at = (file: string) => placeOf(thrown(`Error: no\n    at f (${pathToFileURL(place.path(file)).href}:3:9)`));
      const written = join(dirname(place.path('.')), 'src/crm.ts');
      expect(at('mapped.js')).to.equal(`${written}:5:5`);
      // What a `define…` says of itself has no column.
      expect(located('no', undefined, `${place.path('mapped.js')}:3`)).to.equal(`no (${written}:5)`);
      for (const file of ['broken.js', 'without.js']) expect(at(file)).to.equal(`${place.path(file)}:3:9`);
      await place.close();
    });

    it('is located by its cause, and not by lines of its message', () => {
      const cause = thrown('Error: no\n    at f (/srv/app/a.js:1:2)');
      expect(located(thrown('Error: no', 'no', cause))).to.equal('no (/srv/app/a.js:1:2)');
      const forged = 'no\n    at f (/srv/app/secret.js:1:2)';
      expect(placeOf(thrown(`Error: ${forged}\n    at g (node:fs:1:1)`, forged))).to.equal(null);
    });

    it('is a message and a log line without a place where it has no stack, a hostile one, or is no error', () => {
      const hostile = Object.defineProperty(new Error('hostile'), 'stack', {
        get() {
          throw new Error('no stack for you');
        },
      });
      const circular = new Error('circular');
      circular.cause = circular;
      const proxy = new Proxy(new Error('a'), {
        get: () => {
          throw new Error('no');
        },
      });
      const all = [
        hostile,
        circular,
        proxy,
        thrown(undefined),
        thrown(1),
        'a text',
        null,
        undefined,
        0,
        Symbol('x'),
        {},
      ];
      for (const one of all) {
        expect(placeOf(one)).to.equal(null);
        expect(located(one)).to.be.a('string');
        const { log: to, lines } = log();
        to.error('test.failed', { error: one });
        expect(lines, String(lines)).to.have.length(1);
        expect(JSON.parse(lines.join('')))
          .to.include({ event: 'test.failed' })
          .and.not.to.have.property('at');
      }
    });

    it('is masked before its place is added, also where a secret was cut off at the end', () => {
      const cut = thrown('Error: no\n    at f (/srv/app/a.js:1:2)', 'refused: secret-of-th');
      expect(located(cut, maskFor(['secret-of-the-crm']))).to.equal('refused: *** (/srv/app/a.js:1:2)');
    });

    it('keeps its place where the reason is cut', () => {
      expect(excerptOf(`${'a'.repeat(100)} (b.js:1:2)`, 20)).to.equal('aaaaaaaaa (b.js:1:2)');
      expect(excerptOf('a'.repeat(100), 20)).to.have.length(20);
    });

    it('is not looked at where its line is not written', () => {
      const { log: to, lines } = log();
      let isRead = false;
      to.debug('test.failed', {
        error: Object.defineProperty(new Error('a'), 'stack', {
          get: () => {
            isRead = true;
          },
        }),
      });
      expect([isRead, lines]).to.deep.equal([false, []]);
    });
  });
});
