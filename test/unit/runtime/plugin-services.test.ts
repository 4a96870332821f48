import { Container, PluginServices, serviceProblems, withServices } from '@switchhook/core/internal';
import {
  Clock,
  ComponentInfo,
  defineResolver,
  type Inject,
  type Lifecycle,
  Log,
  provide,
  type ServiceDefinition,
  token,
  z,
} from '@switchhook/sdk';
import { FakeClock, FakeLog } from '@switchhook/testkit';
import { expect } from 'chai';

interface Pool extends Lifecycle {
  readonly size: number;
}
const Pool = token<Pool>('test.Pool');
const Meter = token<object>('test.Meter');

/** A service that writes down what happens to it. */
function noted(done: string[], name: string, open: () => Promise<void> = async () => {}): Lifecycle {
  return {
    open: async () => {
      done.push(`open ${name}`);
      await open();
    },
    close: async () => {
      done.push(`close ${name}`);
    },
    probe: async () => `${name} answers`,
  };
}

function row(name: string, inject: Inject, options = {}) {
  const component = defineResolver({
    type: 'test.any',
    description: 'For tests.',
    options: z.looseObject({}),
    inject,
    create: () => ({ resolve: async () => ({}) }),
  });
  return { name, component, plugin: null, options };
}

function setup(services: readonly ServiceDefinition[], rows: readonly ReturnType<typeof row>[]) {
  const log = new FakeLog();
  const clock = new FakeClock();
  const router = Container.forRouter(
    () => log,
    (container) => container.register(Clock, { useValue: clock }),
  );
  const plugin = new PluginServices({ name: 'crm', services }, rows, router, { directory: '/etc', country: 'DE' });
  return { plugin, log, clock };
}

describe('services of a plugin', () => {
  it('are refused where create returns a promise or nothing', () => {
    for (const [returned, what] of [
      [Promise.resolve({ size: 1 }), 'a promise'],
      [undefined, 'nothing'],
    ] as const) {
      const one = row('team', { pool: Pool });
      const { plugin } = setup([provide(Pool, { create: () => returned as never })], [one]);
      expect(() => plugin.for(one)).to.throw(
        new RegExp(`^create of the service test.Pool.* returned ${what}: return the service itself`),
      );
    }
  });

  it('are those of the router, with the log and the name of the component', () => {
    const one = row('team', { clock: Clock, log: Log, info: ComponentInfo });
    const { plugin, log, clock } = setup([], [one]);
    const { services, shared } = plugin.for(one);
    expect(services.clock).to.equal(clock);
    expect(services.info).to.deep.equal({ name: 'team', directory: '/etc', country: 'DE' });
    (services.log as Log).info('note.written', { id: 1 });
    expect(log.of('note.written')[0]?.fields).to.deep.equal({ component: 'team', id: 1 });
    expect(shared).to.deep.equal([]);
  });

  it('are shared by components with the same key, and made with the options of all of them', () => {
    const sizes: number[] = [];
    const pool = provide(Pool, {
      key: ({ url }) => String(url),
      create: (_services, users) => {
        const size = users.reduce((sum, { connections }) => sum + Number(connections), 0);
        sizes.push(size);
        return { size };
      },
    });
    const rows = [
      row('insert', { pool: Pool }, { url: 'a', connections: 2 }),
      row('lookup', { pool: Pool }, { url: 'a', connections: 3 }),
      row('other', { pool: Pool }, { url: 'b', connections: 5 }),
      row('without', {}, { url: 'a', connections: 7 }),
    ];
    const { plugin } = setup([pool], rows);
    const [insert, lookup, other] = rows.map((one) => plugin.for(one).services.pool);
    expect(insert).to.equal(lookup);
    expect(other).not.to.equal(insert);
    expect(sizes).to.deep.equal([5, 5]);
  });

  it('are found through classes, and given what these need', () => {
    class Client {
      static readonly inject = { log: Log };
      readonly log: Log;
      constructor({ log }: { readonly log: Log }) {
        this.log = log;
      }
    }
    const one = row('team', { client: Client });
    const { plugin, log } = setup([provide(Client)], [one]);
    const { client } = plugin.for(one).services;
    (client as Client).log.warn('crm.slow');
    expect(log.of('crm.slow')[0]?.fields).to.deep.equal({ plugin: 'crm' });
  });

  it('fail by name where nothing provides them', () => {
    class Unknown {}
    for (const [wanted, name] of [
      [Pool, 'test.Pool'],
      [Unknown, 'Unknown'],
    ] as const) {
      const one = row('team', { wanted });
      expect(() => setup([], [one]).plugin.for(one)).to.throw(`nothing provides ${name}`);
    }
  });

  it('are opened before their first user and closed after their last, those they need around them', async () => {
    const done: string[] = [];
    const services = [
      provide(Meter, { create: () => noted(done, 'meter') }),
      provide(Pool, { inject: { meter: Meter }, create: () => ({ ...noted(done, 'pool'), size: 1 }) }),
    ];
    const rows = ['a', 'b'].map((name) => row(name, { pool: Pool }));
    const { plugin } = setup(services, rows);
    const [a, b] = rows.map((one) => withServices(noted(done, one.name), plugin.for(one).shared));
    await Promise.all([a?.open?.(), b?.open?.()]);
    expect(done.slice(0, 2)).to.deep.equal(['open meter', 'open pool']);
    expect(done.slice(2)).to.have.members(['open a', 'open b']);
    expect(await a?.probe?.(AbortSignal.timeout(1_000))).to.equal('a answers');
    done.length = 0;
    await a?.close?.();
    expect(done).to.deep.equal(['close a']);
    await b?.close?.();
    expect(done).to.deep.equal(['close a', 'close b', 'close pool', 'close meter']);
  });

  it('are tried again by the next user where they could not be opened', async () => {
    const done: string[] = [];
    let fails = true;
    const open = async (): Promise<void> => {
      if (fails) throw new Error('the CRM is away');
    };
    const one = row('a', { pool: Pool });
    const { plugin } = setup([provide(Pool, { create: () => ({ ...noted(done, 'pool', open), size: 1 }) })], [one]);
    const component = withServices(noted(done, 'a'), plugin.for(one).shared);
    const failure = await component.open?.().catch((error: Error) => error.message);
    expect(failure).to.equal('the CRM is away');
    fails = false;
    await component.open?.();
    await component.close?.();
    expect(done).to.deep.equal(['open pool', 'open pool', 'open a', 'close a', 'close pool']);
  });

  it('are held once by a component whose first try to open ends after its second', async () => {
    const done: string[] = [];
    const ends: (() => void)[] = [];
    const hanging = noted(done, 'a', () => new Promise((resolve) => ends.push(resolve)));
    const one = row('a', { pool: Pool });
    const { plugin } = setup([provide(Pool, { create: () => ({ ...noted(done, 'pool'), size: 1 }) })], [one]);
    const component = withServices(hanging, plugin.for(one).shared);
    const tries = [component.open?.(), component.open?.()];
    while (ends.length < 2) await Promise.resolve();
    for (const end of ends.reverse()) end();
    await Promise.all(tries);
    await component.close?.();
    expect(done).to.deep.equal(['open pool', 'open a', 'open a', 'close a', 'close pool']);
  });

  it('are given back where their user could not be opened', async () => {
    const done: string[] = [];
    const one = row('a', { pool: Pool });
    const { plugin } = setup([provide(Pool, { create: () => ({ ...noted(done, 'pool'), size: 1 }) })], [one]);
    const failing = noted(done, 'a', async () => {
      throw new Error('no such table');
    });
    const component = withServices(failing, plugin.for(one).shared);
    await component.open?.().catch(() => done.push('failed'));
    expect(done).to.deep.equal(['open pool', 'open a', 'close pool', 'failed']);
  });

  it('are refused when the plugin is loaded, where they cannot be made in any configuration', () => {
    const create = () => ({ size: 1 });
    const needing = (of: typeof Pool | typeof Meter, need: typeof Pool | typeof Meter, key?: () => string) =>
      provide(of as typeof Meter, { inject: { need }, create, ...(key && { key }) });
    const problemsOf = (services: Parameters<typeof serviceProblems>[0]) =>
      serviceProblems(services).map((text) => text.replace(/\(\S*plugin-services\.test\.ts:\d+\)/, '(here)'));
    expect(problemsOf([needing(Pool, Meter), needing(Meter, Pool)])).to.deep.equal([
      'its services need each other in a circle: test.Pool → test.Meter → test.Pool (here)',
    ]);
    expect(problemsOf([provide(Pool, { create }), provide(Pool, { create })])).to.deep.equal([
      'it provides test.Pool twice (here)',
    ]);
    expect(problemsOf([needing(Pool, Meter), provide(Meter, { create, key: () => 'a' })])).to.deep.equal([
      'test.Pool (here) has no key, but injects test.Meter, which has one',
    ]);
    expect(
      serviceProblems([needing(Pool, Meter, () => 'a'), provide(Meter, { create, key: () => 'a' })]),
    ).to.deep.equal([]);
  });
});
