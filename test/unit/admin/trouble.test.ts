import { heldBackText, summaryOf, troubleOf, troublesOf, worstFirst } from '@switchhook/core/internal';
import { expect } from 'chai';

type Destination = Parameters<typeof troubleOf>[0];
type Hold = Destination['holds'][number];
type Status = Parameters<typeof summaryOf>[0];

const nowMs = 10_000_000;
const policy = {} as NonNullable<Destination['policy']>;

/** A destination; give only what matters. */
function aDestination(destination: string, given: Partial<Destination> = {}, counts: object = {}): Destination {
  const backlog = { destination, waiting: 0, running: 0, dead: 0, oldestOpenMs: null, ...counts };
  const attempts = { delivered: 0, failed: 0 };
  return { destination, policy, draining: false, waitMs: 0, load: null, attempts, backlog, holds: [], ...given };
}

function aHold(kind: Hold['kind'], given: Partial<Hold> = {}): Hold {
  return { kind, sinceMs: nowMs - 1_000, untilMs: null, by: null, reason: null, ...given };
}

function failing(reason: string, atMs = nowMs) {
  return { lastFailure: { atMs, reason } } as NonNullable<Destination['load']>;
}

/** Rows that a reload has changed just now. */
const changed = ['sources.agents', 'answers', 'routes.all'];

function aStatus(given: Partial<Status> = {}): Status {
  const generation = { number: 1, sinceMs: nowMs, changedMs: new Map(changed.map((row) => [row, nowMs])) };
  return {
    ...{ nowMs, uptimeMs: 3_600_000, generation, storeFailure: null, commitMs: 1, storeSize: null },
    ...{ load: { memoryBytes: 1, busyShare: 0 }, destinations: [], resolvers: [], sources: [], pulls: [] },
    ...{ routers: [], routersFailure: null, routes: [], ...given },
  };
}

const open = aHold('breaker-open', { untilMs: nowMs + 20_000 });

const limited = {
  policy: { rateLimit: { count: 10, perMs: 1_000 } } as NonNullable<Destination['policy']>,
  load: { isRateLimited: true, lastFailure: null } as NonNullable<Destination['load']>,
};

describe('trouble', () => {
  it('is, of a destination, the worst that keeps its deliveries, with the reason and what to do', () => {
    const cases: readonly (readonly [Destination, string, string, string])[] = [
      [aDestination('a'), 'well', 'Nothing waits.', ''],
      [
        aDestination('a', { policy: null, draining: true }, { waiting: 2 }),
        'busy',
        'It was removed, and is draining. 2 deliveries wait.',
        '',
      ],
      [
        aDestination('a', {}, { waiting: 1, running: 2, oldestOpenMs: nowMs - 1_000 }),
        'busy',
        '3 open deliveries.',
        '',
      ],
      [
        aDestination('a', limited, { waiting: 12, oldestOpenMs: nowMs - 1_000 }),
        'busy',
        '12 open deliveries. Its rate limit of 10 per 1s, spread evenly, allows no attempt at this moment.',
        '',
      ],
      [
        aDestination('a', limited, { waiting: 12, oldestOpenMs: nowMs - 120_000 }),
        'warn',
        'The oldest of 12 open deliveries is 2m old. Its rate limit of 10 per 1s, spread evenly, allows no attempt at this moment.',
        'Compare its concurrency and rate limit with what arrives.',
      ],
      [aDestination('a', limited), 'well', 'Nothing waits.', ''],
      [
        aDestination('a', { holds: [open], load: failing('status 503', nowMs - 125_000) }, { waiting: 1, dead: 3 }),
        'bad',
        'Its circuit breaker has been open for less than a minute. Last failure, 2m ago: status 503. 1 delivery waits. 3 dead deliveries.',
        'Fix the cause, then probe it. The next attempt is in 20s.',
      ],
      [
        aDestination(
          'a',
          { holds: [aHold('paused', { by: 'jo', reason: 'migration', sinceMs: nowMs - 5_400_000 })] },
          { waiting: 2 },
        ),
        'warn',
        'Paused 1h 30m ago by jo: migration. 2 deliveries wait.',
        'Resume it when the reason is gone.',
      ],
      [aDestination('a', {}, { dead: 1 }), 'bad', '1 dead delivery.', 'Fix the cause, then replay or discard them.'],
      [
        aDestination('a', { holds: [aHold('paused', { by: 'jo', reason: 'migration' })] }, { dead: 1, waiting: 2 }),
        'bad',
        '1 dead delivery. Paused less than a minute ago by jo: migration. 2 deliveries wait.',
        'Fix the cause, then replay or discard them. Resume it when the reason is gone.',
      ],
      [
        aDestination('a', { holds: [open, aHold('paused', { by: 'jo', reason: 'migration' })] }, { waiting: 2 }),
        'bad',
        'Its circuit breaker has been open for less than a minute. Paused less than a minute ago by jo: migration. 2 deliveries wait.',
        'Fix the cause, then probe it. The next attempt is in 20s. Resume it when the reason is gone.',
      ],
      [
        aDestination('a', { holds: [aHold('asked-to-wait', { untilMs: nowMs + 300_000 })] }, { waiting: 1 }),
        'warn',
        'It has asked to wait for 5m. 1 delivery waits.',
        'Deliveries continue after that.',
      ],
      [
        aDestination('a', {}, { waiting: 4, oldestOpenMs: nowMs - 120_000 }),
        'warn',
        'The oldest of 4 open deliveries is 2m old.',
        'Compare its concurrency and rate limit with what arrives.',
      ],
      [
        aDestination('a', { policy: null }, { waiting: 1 }),
        'warn',
        'It is not configured any more. 1 delivery waits.',
        'Configure it again, or discard its deliveries.',
      ],
      [
        aDestination('a', { backlog: null }),
        'warn',
        'Its numbers are unknown: the store does not answer.',
        'Fix the store first.',
      ],
    ];
    for (const [destination, level, what, advice] of cases)
      expect(troubleOf(destination, nowMs)).to.deep.equal({ level, what, advice });
  });

  it('is, of a delivery that waits, all that holds its destination back', () => {
    const load = failing('HTTP 503');
    const asked = aHold('asked-to-wait', { untilMs: nowMs + 120_000 });
    const cases: readonly (readonly [Destination, string | null])[] = [
      [aDestination('crm'), null],
      [aDestination('crm', { holds: [aHold('paused', { by: 'jo', reason: 'moved' })] }), 'crm is paused by jo: moved.'],
      [aDestination('crm', { holds: [aHold('paused')] }), 'crm is paused by an operator: no reason was given.'],
      [
        aDestination('crm', { holds: [open, asked], load }),
        'The circuit breaker of crm is open. Last failure: HTTP 503. The next attempt is in 20s. crm has asked to wait for 2m.',
      ],
      [
        aDestination('crm', { holds: [aHold('breaker-open')] }),
        'The circuit breaker of crm is open. A probe is under way.',
      ],
      [
        aDestination('crm', limited),
        'The rate limit of crm, 10 per 1s spread evenly, allows no attempt at this moment.',
      ],
      [aDestination('crm', { policy: null }), 'crm is not configured any more.'],
      [aDestination('crm', { policy: null, draining: true }), null],
    ];
    for (const [destination, text] of cases) expect(heldBackText(destination, nowMs, nowMs)).to.equal(text);
    // One that is to be tried again later does not wait for the rate limit.
    expect(heldBackText(aDestination('crm', limited), nowMs + 1, nowMs)).to.equal(null);
  });

  it('puts the destinations in order: what fails, what waits for longest, and the others as in the file', () => {
    const rows = [
      aDestination('well-1'),
      aDestination('busy', {}, { waiting: 1, oldestOpenMs: nowMs - 1 }),
      aDestination('late', {}, { waiting: 1, oldestOpenMs: nowMs - 100_000 }),
      aDestination('later', {}, { waiting: 1, oldestOpenMs: nowMs - 200_000 }),
      aDestination('dead-1', {}, { dead: 1 }),
      aDestination('dead-9', {}, { dead: 9 }),
      aDestination('fails-some', { attempts: { delivered: 9, failed: 1 } }),
      aDestination('fails-more', { attempts: { delivered: 8, failed: 2 } }),
      aDestination('well-2'),
    ];
    expect(worstFirst(rows, nowMs).map(({ destination }) => destination)).to.deep.equal([
      ...['dead-9', 'dead-1', 'later', 'late', 'busy', 'fails-more', 'fails-some', 'well-1', 'well-2'],
    ]);
  });

  it('is a destination that fails and retries, as long as it fails, also where nothing is late or dead yet', () => {
    const attempts = { delivered: 3, failed: 3 };
    const levelOf = (given: Partial<Destination>) => troubleOf(aDestination('a', given), nowMs).level;
    const failed = failing('HTTP 503', nowMs - 60_000);
    expect(
      troubleOf(aDestination('a', { attempts, load: failed }, { waiting: 2, oldestOpenMs: 1 }), nowMs),
    ).to.deep.equal({
      level: 'warn',
      what: '3 of the 6 attempts of the last ten minutes failed. Last failure, 1m ago: HTTP 503. 2 deliveries wait.',
      advice: 'What waits is tried again. Fix the cause before attempts run out.',
    });
    expect(troubleOf(aDestination('a', { attempts, load: failed }), nowMs).advice).to.equal('Nothing waits any more.');
    expect(levelOf({ attempts: { delivered: 4, failed: 3 }, load: failed }), 'fewer than half').to.equal('well');
    expect(levelOf({ attempts: { delivered: 0, failed: 4 }, load: failed }), 'too few attempts').to.equal('well');
    expect(levelOf({ attempts, load: failing('HTTP 503', nowMs - 60_001) }), 'it has recovered').to.equal('well');
    expect(levelOf({ attempts, load: failed, holds: [open] }), 'its circuit breaker is open').to.equal('bad');
  });

  it('is a source whose requests were refused in the last hour, with the most frequent reason', () => {
    const most = { agent: null, code: 'UNVERIFIED', reason: 'the signature is wrong', count: 2, secret: null } as const;
    const lasting = { refused: 3, most };
    const calls = { answered: 0, unanswered: 0, lastUnansweredMs: null };
    const traffic = {
      source: 'agents',
      received: 9,
      refused: 3,
      recent: most,
      lastRefusedMs: nowMs,
      secrets: [],
      calls,
    };
    const textOf = (given: object) =>
      troublesOf(aStatus({ sources: [{ ...traffic, lastReceivedMs: nowMs, lasting, ...given }] })).map(
        ({ level, what }) => `${level} ${what}`,
      );
    expect(textOf({})).to.deep.equal([
      'warn Source agents: 3 requests were refused in the last hour. Most often: the signature is wrong.',
    ]);
    for (const lastReceivedMs of [null, nowMs - 3_600_001])
      expect(textOf({ lastReceivedMs, lasting: { refused: 2, most } })).to.deep.equal([
        'warn Source agents: 2 requests were refused in the last hour, and none was accepted. Reason: the signature is wrong.',
      ]);
    expect(textOf({ lasting: { refused: 4, most } })[0]).to.include('For example: the signature is wrong.');
    expect(textOf({ lasting: { refused: 1, most: { ...most, count: 1 } } })[0]).to.include(': 1 request was refused');
    const restarted = {
      uptimeMs: 3_599_999,
      sources: [{ ...traffic, lastReceivedMs: null, lasting: { refused: 2, most } }],
    };
    expect(troublesOf(aStatus(restarted))[0]?.what, 'what came before a restart is not known').to.equal(
      'Source agents: 2 requests were refused since the router started, and none was accepted. Reason: the signature is wrong.',
    );
    expect(textOf({ lasting: null }), 'long ago').to.deep.equal([]);
    const [one] = troublesOf(aStatus({ sources: [{ ...traffic, lastReceivedMs: nowMs, lasting }] }));
    expect(one?.about).to.deep.equal({ kind: 'source', name: 'agents' });
    expect(textOf({ source: '' }), 'paths without a source').to.deep.equal([]);
    expect(textOf({ lastRefusedMs: nowMs - 1 }), 'before the configuration was reloaded').to.deep.equal([]);
  });

  it('is a source with calls of the last hour that no answer matched, until a reload', () => {
    const found = (answered: number, unanswered: number, lastUnansweredMs = nowMs) => {
      const calls = { answered, unanswered, lastUnansweredMs };
      const traffic = { received: 9, refused: 0, lastReceivedMs: nowMs, lastRefusedMs: null, lasting: null };
      return troublesOf(aStatus({ sources: [{ source: 'lines', ...traffic, recent: null, secrets: [], calls }] }));
    };
    expect(found(5, 2)).to.deep.equal([
      {
        level: 'warn',
        what: 'Source lines: no answer matched 2 of 5 calls in the last hour, so the agent got nothing about the caller.',
        advice:
          'The page of a call says why each answer did not match. Change from or where of an answer, then reload.',
        about: { kind: 'calls', name: 'lines' },
      },
    ]);
    expect(found(1, 1)[0]?.what).to.include('no answer matched the only call in the last hour');
    expect(found(3, 3)[0]?.what).to.include('no answer matched any of the 3 calls in the last hour');
    expect(found(5, 0)).to.deep.equal([]);
    expect(found(5, 2, nowMs - 1), 'before the configuration was reloaded').to.deep.equal([]);
  });

  it('is a route with a condition that could not be evaluated in the last hour, until a reload changes it', () => {
    const found = (route: string, events: number, lastMs = nowMs) =>
      troublesOf(aStatus({ routes: [{ route, events, lastMs }] }));
    expect(found('all', 1)).to.deep.equal([
      {
        level: 'warn',
        what: 'Route all: its condition could not be evaluated for 1 event in the last hour, so it did not deliver it.',
        advice: 'The page of an event says why. Change where of the route, reload, and route these events again.',
        about: { kind: 'route', name: 'all' },
      },
    ]);
    expect(found('all', 5, nowMs - 1)).to.deep.equal([]);
    expect(found('other', 5, nowMs - 1)[0]?.what).to.include(
      'for 5 events in the last hour, so it did not deliver them.',
    );
  });

  it('stays where a reload has changed other rows, and not where it has changed settings of all', () => {
    const figures = {
      received: 9,
      refused: 3,
      recent: null,
      lastReceivedMs: nowMs,
      lastRefusedMs: nowMs - 1,
      secrets: [],
    };
    const most = {
      code: 'SIGNATURE_WRONG',
      reason: 'the signature is wrong',
      agent: null,
      secret: null,
      count: 3,
    } as never;
    const calls = { answered: 0, unanswered: 0, lastUnansweredMs: null };
    const other = { source: 'forms', ...figures, lasting: { refused: 3, most }, calls };
    const status = aStatus({ sources: [other] });
    expect(troublesOf(status)).to.have.length(1);
    const generation = { number: 2, sinceMs: nowMs, changedMs: new Map([['', nowMs]]) };
    expect(troublesOf({ ...status, generation })).to.deep.equal([]);
  });

  it('is a router that is gone, until one of its name is there', () => {
    const row = { version: '1', sinceMs: 1, configuration: '', isSelf: false, goneSinceMs: null, deliveries: {} };
    const [here, gone] = [
      { ...row, id: '1', name: 'r1', isSelf: true },
      { ...row, id: '2', name: 'r2', goneSinceMs: nowMs - 5_000 },
    ];
    expect(troublesOf(aStatus({ routers: [here, gone] }))).to.deep.equal([
      {
        level: 'warn',
        what: 'Router r2 has sent no heartbeat for 5s: it was killed, hangs, or cannot reach the store.',
        advice: 'The others take over its deliveries when its lease ends. Start it again.',
      },
    ]);
    const again = { ...row, id: '3', name: 'r2' };
    expect(troublesOf(aStatus({ routers: [here, gone, again] }))).to.deep.equal([]);
    const failed = { storeFailure: 'no answer', routers: [here, gone] };
    expect(troublesOf(aStatus(failed))).to.have.lengthOf(1);
  });

  it('is a disk that is nearly full, unless the store cannot commit already', () => {
    const storeSize = { bytes: 1, freeBytes: 499_999_999 };
    expect(summaryOf(aStatus({ storeSize }))).to.deep.equal({
      level: 'warn',
      what: 'The disk of the store is nearly full: 499 MB are free.',
      advice:
        'Free disk space, or shorten the retention: on a full disk the store cannot commit, and events are refused.',
    });
    expect(troublesOf(aStatus({ storeSize, storeFailure: 'disk full' }))).to.have.length(1);
    for (const freeBytes of [500_000_000, null])
      expect(troublesOf(aStatus({ storeSize: { bytes: 1, freeBytes } }))).to.deep.equal([]);
  });

  it('is summed up in a sentence: the store first, then what fails, then what waits', () => {
    const paused = aDestination('crm', { holds: [aHold('paused', { by: 'jo', reason: 'moving' })] });
    const resolver = { resolver: 'crm-lookup', load: failing('timeout'), holds: [open] } as Status['resolvers'][number];
    const pull = { source: 'list', state: 'waiting', sinceMs: 1, lastFailure: null } as Status['pulls'][number];
    const textOf = (given: Partial<Status>) => summaryOf(aStatus(given)).what;
    expect(textOf({ storeFailure: 'disk full', destinations: [aDestination('a', {}, { dead: 1 })] })).to.match(
      /^The store cannot commit: disk full\. Events are refused/,
    );
    expect(textOf({ routersFailure: 'too many clients', destinations: [paused] })).to.match(
      /^This router cannot exchange heartbeats through its store: too many clients\. It goes on with shares of its own/,
    );
    expect(troublesOf(aStatus({ storeFailure: 'disk full', routersFailure: 'disk full' }))).to.have.length(1);
    expect(textOf({ destinations: [paused], resolvers: [resolver] })).to.equal(
      'Resolver crm-lookup: its circuit breaker has been open for less than a minute. Last failure, less than a minute ago: timeout.',
    );
    expect(textOf({ destinations: [paused], pulls: [] })).to.equal(
      'Destination crm: paused less than a minute ago by jo: moving.',
    );
    expect(summaryOf(aStatus({ destinations: [paused] })).about).to.deep.equal({ kind: 'destination', name: 'crm' });
    const all = troublesOf(
      aStatus({ destinations: [paused, aDestination('idle')], resolvers: [resolver], pulls: [pull] }),
    );
    expect(all.map(({ level, what }) => `${level} ${what.split(':', 1)[0]}`)).to.deep.equal([
      ...['bad Resolver crm-lookup', 'bad Source list cannot pull its events', 'warn Destination crm'],
    ]);
    expect(textOf({ pulls: [pull] })).to.equal('Source list cannot pull its events: the reason is unknown.');
    expect(textOf({ destinations: [aDestination('a', {}, { waiting: 2, oldestOpenMs: nowMs })] })).to.equal(
      'All well, 2 open deliveries.',
    );
    expect(summaryOf(aStatus())).to.deep.equal({ level: 'well', what: 'All well.', advice: '' });
  });
});
