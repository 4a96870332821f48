import { expect } from 'chai';
import type { DestinationStatus, Hold, Status } from '../../../core/dashboard/build/model/replies.js';
import { headline, worstFirst } from '../../../core/dashboard/build/model/severity.js';

const nowMs = Date.parse('2026-01-01T12:00:00Z');
const at = (ms: number): string => new Date(nowMs + ms).toISOString();

function row(destination: string, given: Partial<DestinationStatus> = {}): DestinationStatus {
  const nothing = { waiting: 0, running: 0, dead: 0, oldestSeconds: null };
  return {
    destination,
    configured: true,
    use: 'http.post',
    breaker: 'closed',
    holds: [],
    lastFailure: null,
    ...nothing,
    ...given,
  };
}
function hold(kind: Hold['kind'], given: Partial<Hold> = {}): Hold {
  return { kind, since: at(-60_000), until: null, by: null, reason: null, ...given };
}
function status(given: Partial<Status> = {}): Status {
  return {
    ...{ version: '0.1.0', node: 'v20', now: at(0), uptimeSeconds: 5, destinations: [], resolvers: [], pulls: [] },
    store: { use: 'sqlite', canCommit: true, reason: null },
    ...given,
  };
}

const failing = row('failing', {
  waiting: 3,
  holds: [hold('breaker-open', { until: at(30_000) })],
  lastFailure: { at: at(-1_000), reason: 'HTTP 503' },
});
const paused = row('paused', { waiting: 1, holds: [hold('paused', { by: 'Ada', reason: 'migration' })] });

describe('the order of the overview', () => {
  it('puts what fails before what is paused, late, at work and well, whatever the order of the router', () => {
    const dead = row('dead', { dead: 2 });
    const late = row('late', { waiting: 4, oldestSeconds: 300 });
    const busy = row('busy', { waiting: 4, oldestSeconds: 2 });
    const all = [row('b'), busy, late, paused, row('a'), dead, { ...failing, oldestSeconds: 90 }];
    const order = worstFirst(all, nowMs).map((one) => one.row.destination);
    expect(order).to.deep.equal(['failing', 'dead', 'late', 'paused', 'busy', 'a', 'b']);
  });

  it('puts the oldest delivery first among equals, then the most dead ones', () => {
    const rows = [row('few', { dead: 1 }), row('many', { dead: 9 }), row('old', { dead: 1, oldestSeconds: 5 })];
    expect(worstFirst(rows, nowMs).map((one) => one.row.destination)).to.deep.equal(['old', 'many', 'few']);
  });

  it('gives the reason, and when the router tries again', () => {
    const [{ trouble } = { trouble: null }] = worstFirst([failing], nowMs);
    expect(trouble?.what).to.equal('Attempts fail: HTTP 503. 3 deliveries wait.');
    expect(trouble?.advice).to.include('tries it again in 30 s');
  });
});

describe('the first sentence of the overview', () => {
  it('is that all is well, with what is on the way', () => {
    expect(headline(status(), nowMs)).to.include({ level: 'well', what: 'All well. Every event has been delivered.' });
    const busy = status({ destinations: [row('crm', { waiting: 1, oldestSeconds: 1 })] });
    expect(worstFirst([row('crm', { running: 2 })], nowMs)[0]?.trouble.what).to.equal('2 deliveries are on the way.');
    expect(headline(busy, nowMs)).to.include({ level: 'well', what: 'All well. 1 delivery is on the way.' });
  });

  it('is about the store where it cannot commit, whatever else fails', () => {
    const store = { use: 'sqlite', canCommit: false, reason: 'the disk is full' };
    const { level, what } = headline(status({ store, destinations: [failing] }), nowMs);
    expect([level, what.startsWith('The store cannot commit: the disk is full.')]).to.deep.equal(['bad', true]);
  });

  it('names the destination, who paused it and why', () => {
    const { level, what, destination } = headline(status({ destinations: [row('crm'), paused] }), nowMs);
    expect({ level, destination }).to.deep.equal({ level: 'warn', destination: 'paused' });
    expect(what).to.equal('paused: Paused by Ada: migration. 1 delivery waits.');
  });

  it('is about a resolver or a source that fails before a destination that is paused', () => {
    const resolver = {
      resolver: 'customer',
      use: 'http.lookup',
      breaker: 'open' as const,
      lastFailure: { at: at(0), reason: 'timeout' },
    };
    const resolvers = [{ ...resolver, holds: [hold('breaker-open')] }];
    expect(headline(status({ destinations: [paused], resolvers }), nowMs).what).to.equal(
      'The resolver customer fails: timeout.',
    );
    const pulls = [
      {
        source: 'mail',
        use: 'mail.imap',
        state: 'waiting' as const,
        since: at(0),
        lastFailure: { at: at(0), reason: 'login failed' },
      },
    ];
    expect(headline(status({ destinations: [paused], pulls }), nowMs).what).to.include('login failed.');
  });

  it('keeps what it does not know apart from nothing', () => {
    const unknown = row('crm', { waiting: null, running: null, dead: null });
    expect(headline(status({ destinations: [unknown] }), nowMs)).to.deep.include({ level: 'warn', destination: 'crm' });
  });
});
