import { ComponentLifecycle, maskFor, resolverUntilOpen, storeUntilOpen } from '@switchhook/core/internal';
import { isNotReady, isRefusal, type Lifecycle } from '@switchhook/sdk';
import { aCall, FakeClock, FakeLog } from '@switchhook/testkit';
import { expect } from 'chai';
import { memoryStore } from '../../../plugins/memory/src/store.js';

const persistence = { longestPauseMs: 10_000, patienceMs: 5_000 };

/** A resolver that opens as each try says in its turn, and then for good. */
function setup(tries: readonly (() => Promise<void>)[] = [], more: Lifecycle = {}) {
  const clock = new FakeClock();
  const log = new FakeLog();
  const done: string[] = [];
  /** By the clock. */
  const triedAtMs: number[] = [];
  const resolver = {
    open: async () => {
      triedAtMs.push(clock.elapsed());
      await tries[triedAtMs.length - 1]?.();
      done.push('opened');
    },
    close: async () => {
      done.push('closed');
    },
    resolve: async () => ({ known: true }),
    ...more,
  };
  const made = { kind: 'resolver', name: 'customer', type: 'shy', instance: resolver, lifecycle: resolver } as const;
  const opening = new ComponentLifecycle(made, clock, log, maskFor([]));
  const look = () =>
    resolverUntilOpen(resolver, opening)
      .resolve(aCall(), {}, new AbortController().signal, 1_000)
      .catch((error: Error) => [isNotReady(error), error.message]);
  return { clock, log, done, triedAtMs, opening, look };
}

const fails = async (): Promise<void> => {
  throw new Error('no such file');
};

/** A try that ends when it is told to. */
function held() {
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { run: () => ended, end: () => end() };
}

describe('a component that is opened', () => {
  it('once fails with its name, and is not closed', async () => {
    const { opening, done } = setup([fails]);
    const error = await opening.once().catch((thrown: Error) => thrown.message);
    expect(error).to.equal('resolver customer (shy) could not be opened: no such file');
    await opening.close();
    expect(done).to.deep.equal([]);
  });

  it('once must be done within 30 s', async () => {
    const { opening, clock } = setup([held().run]);
    const opened = opening.once().catch((thrown: Error) => thrown.message);
    await clock.advance(30_000);
    expect(await opened).to.include('no result after 30000 ms');
  });

  it('with persistence is tried again until it opens, after pauses that double up to the longest', async () => {
    const { opening, clock, log, triedAtMs, look } = setup([fails, fails, fails, fails, fails, fails]);
    await opening.persist(persistence);
    expect(await look()).to.deep.equal([true, 'it could not be opened: no such file']);
    await clock.advance(34_999);
    expect(opening.failure).to.equal('could not be opened: no such file');
    await clock.advance(1);
    expect(opening.failure).to.equal(null);
    expect(await look()).to.deep.equal({ known: true });
    expect(triedAtMs).to.deep.equal([0, 1_000, 3_000, 7_000, 15_000, 25_000, 35_000]);
    const lines = log.of('component.unopened');
    expect(lines.map(({ level, fields }) => [level, fields.name, fields.waitMs])).to.deep.equal(
      [1_000, 2_000, 4_000, 8_000, 10_000, 10_000].map((waitMs) => ['error', 'customer', waitMs]),
    );
    expect(lines[0]?.fields.error).to.include({ message: 'no such file' });
    expect(log.of('component.opened').map(({ level }) => level)).to.deep.equal(['info']);
    expect(clock.pending).to.equal(0);
  });

  it('with persistence opens at the first try without a word', async () => {
    const { opening, clock, log, look } = setup();
    expect(await look()).to.deep.equal([true, 'it is not open yet']);
    await opening.persist(persistence);
    expect(await look()).to.deep.equal({ known: true });
    expect([log.lines.length, clock.pending]).to.deep.equal([0, 0]);
  });

  it('is waited for no longer than the start is patient, and opens when it is done', async () => {
    const slow = held();
    const { opening, clock, log, triedAtMs, look } = setup([slow.run]);
    let started = false;
    const start = opening.persist(persistence).then(() => {
      started = true;
    });
    await clock.advance(4_999);
    expect(started).to.equal(false);
    await clock.advance(1);
    await start;
    expect(log.of('component.delayed')).to.have.length(1);
    expect(await look()).to.deep.equal([true, 'it is not open yet']);
    await clock.advance(20_000);
    slow.end();
    await clock.advance(0);
    expect(await look()).to.deep.equal({ known: true });
    expect(triedAtMs).to.deep.equal([0]);
    expect(log.of('component.opened')).to.have.length(1);
  });

  it('is waited for to the end of its first try where nobody is impatient', async () => {
    const slow = held();
    const { opening, clock } = setup([slow.run]);
    const start = opening.persist({ ...persistence, patienceMs: null });
    await clock.advance(20_000);
    slow.end();
    await start;
    expect(opening.failure).to.equal(null);
  });

  it('is tried again after 30 s, and is open as soon as any of its tries succeeds, once', async () => {
    const [first, second] = [held(), held()];
    const { opening, clock, log, triedAtMs, done } = setup([first.run, second.run]);
    let begun = 0;
    opening.whenOpen(() => {
      begun += 1;
    });
    void opening.persist(persistence);
    await clock.advance(31_000);
    expect(triedAtMs).to.deep.equal([0, 31_000]);
    expect(opening.failure).to.equal('could not be opened: no result after 30000 ms');
    first.end();
    await clock.advance(0);
    expect([opening.failure, begun]).to.deep.equal([null, 1]);
    await clock.advance(60_000);
    second.end();
    await clock.advance(60_000);
    expect([opening.failure, begun, triedAtMs.length]).to.deep.equal([null, 1, 2]);
    expect(log.of('component.opened')).to.have.length(1);
    await opening.close();
    expect(done.filter((what) => what === 'closed')).to.have.length(1);
  });

  it('tells whoever waits for it, at once where it is open', async () => {
    const { opening, clock } = setup([fails]);
    const begun: string[] = [];
    opening.whenOpen(() => begun.push('before'));
    await opening.persist(persistence);
    expect(begun).to.deep.equal([]);
    await clock.advance(1_000);
    opening.whenOpen(() => begun.push('after'));
    expect(begun).to.deep.equal(['before', 'after']);
  });
});

describe('a component that is closed', () => {
  it('while it waits for its next try is not tried again, and not closed: it never was open', async () => {
    const { opening, clock, triedAtMs, done } = setup([fails]);
    await opening.persist(persistence);
    await opening.close();
    await clock.advance(60_000);
    expect([triedAtMs.length, clock.pending, done]).to.deep.equal([1, 0, []]);
  });

  it('during a try is closed after it', async () => {
    const slow = held();
    const { opening, clock, done } = setup([slow.run]);
    void opening.persist(persistence);
    await clock.advance(0);
    const closed = opening.close();
    await clock.advance(1_000);
    expect(done).to.deep.equal([]);
    slow.end();
    await closed;
    expect(done).to.deep.equal(['opened', 'closed']);
  });

  it('during a try that hangs is left to itself after 5 s', async () => {
    const { opening, clock, log, done } = setup([held().run]);
    void opening.persist(persistence);
    await clock.advance(0);
    const closed = opening.close();
    await clock.advance(5_000);
    await closed;
    expect(log.of('component.close-failed')).to.have.length(1);
    await clock.advance(60_000);
    expect([done, log.of('component.unopened').length]).to.deep.equal([[], 0]);
  });

  it('during a try that fails is not tried again', async () => {
    const { opening, clock, log, triedAtMs } = setup([
      () => new Promise((_, reject) => clock.after(100, () => reject(new Error('no')))),
    ]);
    void opening.persist(persistence);
    await clock.advance(0);
    const closed = opening.close();
    await clock.advance(60_000);
    await closed;
    expect([triedAtMs.length, log.of('component.unopened').length]).to.deep.equal([1, 0]);
  });

  it('is closed at once where it opens only afterwards', async () => {
    const { run, end } = held();
    const { opening, clock, done } = setup([run]);
    void opening.persist(persistence);
    const closed = opening.close();
    await clock.advance(60_000);
    await closed;
    expect(done).to.deep.equal([]);
    end();
    await clock.advance(0);
    expect(done).to.deep.equal(['opened', 'closed']);
  });

  it('and fails is told in the log', async () => {
    const { opening, log } = setup([], { close: fails });
    await opening.once();
    await opening.close();
    expect(log.of('component.close-failed').map(({ fields }) => fields.name)).to.deep.equal(['customer']);
  });
});

describe('a component that throws what is no text', () => {
  it('is tried again like any other', async () => {
    const throws = () => Promise.reject(Object.create(null));
    const { opening, clock, triedAtMs } = setup([throws]);
    void opening.persist(persistence);
    await clock.advance(1_000);
    expect([triedAtMs.length, opening.failure]).to.deep.equal([2, null]);
  });
});

describe('a component that is probed', () => {
  it('says why it is not open, or else what its own probe says', async () => {
    const said: (Error | string | null)[] = [new Error('no route'), '3 rows', null];
    const probe = async (): Promise<string | null> => {
      const next = said.shift() ?? null;
      if (next instanceof Error) throw next;
      return next;
    };
    const { opening, clock } = setup([fails], { probe });
    await opening.persist(persistence);
    expect(await opening.probe(1_000)).to.deep.equal({ failure: 'could not be opened: no such file', note: null });
    await clock.advance(1_000);
    expect(await opening.probe(1_000)).to.deep.equal({ failure: 'no route', note: null });
    expect(await opening.probe(1_000)).to.deep.equal({ failure: null, note: '3 rows' });
    expect(await opening.probe(1_000)).to.deep.equal({ failure: null, note: null });
  });

  it('has nothing to reach if it has no probe', async () => {
    const { opening } = setup([]);
    await opening.persist(persistence);
    expect(await opening.probe(1_000)).to.deep.equal({ failure: null, note: 'nothing to reach' });
  });
});

describe('a store that is not open yet', () => {
  it('refuses everything as STORE_UNAVAILABLE, and does it all once it is open', async () => {
    const clock = new FakeClock();
    const plain = memoryStore(clock);
    const made = { kind: 'store', name: 'store', type: 'memory', instance: plain, lifecycle: plain } as const;
    const opening = new ComponentLifecycle(made, clock, new FakeLog(), maskFor([]));
    const store = storeUntilOpen(plain, opening);
    const limit = 1;
    const claim = { destination: 'crm', nowMs: 0, leaseUntilMs: 1, limit, maxAttempts: 1, ordered: false };
    const questions: readonly (() => Promise<unknown>)[] = [
      () => store.append([]),
      () => store.claim(claim),
      () => store.settle([]),
      () => store.event('id'),
      () => store.events({ limit }),
      () => store.delivery('id'),
      () => store.deliveries({ limit }),
      () => store.attempts('id'),
      () => store.replay([], 0),
      () => store.extend('id', []),
      () => store.discard([]),
      () => store.prune({ beforeMs: 0, limit }),
      () => store.backlog(),
      async () => store.erase?.({ eventIds: [], keysUntilMs: 0 }),
      async () => store.purge?.(),
      async () => store.state?.('key'),
      async () => store.setState?.('key', 'text', null),
      async () => store.stateKeys?.('k', limit),
      async () => store.changes?.(null, limit),
    ];
    const methods = Object.entries(store).filter(([, member]) => typeof member === 'function');
    expect(methods).to.have.length(questions.length);
    for (const ask of questions) {
      const error = await ask().catch((thrown: unknown) => thrown);
      expect(isRefusal(error) && [error.code, error.message]).to.deep.equal([
        'STORE_UNAVAILABLE',
        'the store is not open yet',
      ]);
    }
    await opening.once();
    for (const ask of questions) await ask();
  });

  it('waits where another process is about to release it, for at most 8 s', async () => {
    const clock = new FakeClock();
    const plain = memoryStore(clock);
    const made = { kind: 'store', name: 'store', type: 'memory', instance: plain, lifecycle: plain } as const;
    const storeOf = (opening: ComponentLifecycle) => storeUntilOpen(plain, opening);
    const opened: string[] = [];
    let free = (): void => {};
    const released = new Promise<void>((resolve) => {
      free = resolve;
    });
    const opening = new ComponentLifecycle(made, clock, new FakeLog(), maskFor([]));
    void opening.persist({ longestPauseMs: 1_000, patienceMs: null, after: released });
    const asked = storeOf(opening)
      .append([])
      .then(() => opened.push('asked'));
    await clock.advance(7_999);
    expect(opened).to.deep.equal([]);
    free();
    await asked;
    expect(opened).to.deep.equal(['asked']);

    const late = new ComponentLifecycle(made, clock, new FakeLog(), maskFor([]));
    void late.persist({ longestPauseMs: 1_000, patienceMs: null, after: new Promise(() => {}) });
    const refused = storeOf(late)
      .append([])
      .catch((error: unknown) => error);
    await clock.advance(8_000);
    const error = await refused;
    expect(isRefusal(error) && error.code).to.equal('STORE_UNAVAILABLE');
  });

  it('is prepared while another process has it, once, and closed although it was not opened', async () => {
    const asked: string[] = [];
    const noted = (name: string) => async () => void asked.push(name);
    const lifecycle = { prepare: noted('prepare'), open: noted('open'), close: noted('close') };
    const instance = memoryStore(new FakeClock());
    const made = { kind: 'store', name: 'store', type: 'memory', instance, lifecycle } as const;
    const opening = new ComponentLifecycle(made, new FakeClock(), new FakeLog(), maskFor([]));
    void opening.persist({ longestPauseMs: 1_000, patienceMs: null, after: new Promise(() => {}) });
    await Promise.all([opening.close(), opening.close()]);
    expect(asked).to.deep.equal(['prepare', 'close']);
    const plain = new ComponentLifecycle(made, new FakeClock(), new FakeLog(), maskFor([]));
    await plain.once();
    expect(asked.slice(2)).to.deep.equal(['open']);
  });
});
