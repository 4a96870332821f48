import { beatMs, goneMs, Members, reportIn, textOfReport } from '@switchhook/core/internal';
import { expect } from 'chai';
import fc from 'fast-check';

/** What a router reports of `crm`. */
function report(attempts: number, { takes = true, left = false, destination = 'crm' } = {}): string {
  const router = { name: 'r', version: '1.0.0', sinceMs: 1, configuration: 'aaaaaaaa', leaseMs: 30_000, left };
  return textOfReport({
    ...router,
    destinations: { [destination]: { attempts, deliveries: attempts, takes, verdict: null } },
  });
}

/** Routers that send heartbeats to one store, one after the other. */
function aCluster(ids: readonly string[]) {
  const rows = new Map<string, { id: string; beat: number; report: string }>();
  const members = new Map(ids.map((id) => [id, new Members(id)]));
  let nowMs = 0;
  const beat = (id: string, text = report(0)) => {
    rows.set(id, { id, beat: (rows.get(id)?.beat ?? 0) + 1, report: text });
    const changed = members.get(id)?.observe([...rows.values()], nowMs);
    for (const { id: over } of changed?.over ?? []) rows.delete(over);
    return changed;
  };
  const round = (...here: readonly string[]) => {
    nowMs += beatMs;
    for (const id of here) beat(id);
  };
  const share = (id: string, whole: number) => members.get(id)?.shareOf('crm', whole) ?? Number.NaN;
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { beat, round, share, pass, rows, of: (id: string) => members.get(id) ?? new Members(id) };
}

describe('the shares of routers', () => {
  it('are the whole of one that is alone, and nothing before it knows that', () => {
    const { beat, share } = aCluster(['a']);
    expect(share('a', 8)).to.equal(0);
    beat('a');
    expect(share('a', 8)).to.equal(8);
  });

  it('add up to the whole, whatever it is and however many routers there are, and differ by one at most', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 40 }), (count, whole) => {
        const ids = Array.from({ length: count }, (_, n) => `router-${n}`);
        const { round, share } = aCluster(ids);
        round(...ids);
        round(...ids);
        const shares = ids.map((id) => share(id, whole));
        expect(shares.reduce((sum, one) => sum + one, 0)).to.equal(whole);
        expect(Math.max(...shares) - Math.min(...shares)).to.be.at.most(1);
      }),
    );
  });

  it('give a new router nothing before each other one has noticed it', () => {
    const { beat, round, share } = aCluster(['a', 'b', 'c']);
    round('a', 'b');
    round('a', 'b');
    expect([share('a', 8), share('b', 8)]).to.deep.equal([4, 4]);
    beat('c');
    expect(share('c', 9)).to.equal(0);
    beat('a');
    beat('c');
    expect(share('c', 9), 'b has not noticed it').to.equal(0);
    beat('b');
    beat('c');
    expect([share('a', 9), share('b', 9), share('c', 9)]).to.deep.equal([3, 3, 3]);
  });

  it('never exceed the whole in all, whatever the order in which routers join, beat and leave', () => {
    const ids = ['a', 'b', 'c', 'd'];
    const step = fc.record({
      id: fc.constantFrom(...ids),
      leaves: fc.boolean(),
      whole: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 9 }), (steps, whole) => {
        const { beat, share, pass } = aCluster(ids);
        const running = new Map<string, number>();
        const left = new Set<string>();
        for (const { id, leaves } of steps) {
          pass(1);
          if (left.has(id)) continue;
          if (leaves && running.has(id)) {
            beat(id, report(0, { left: true }));
            left.add(id);
            running.delete(id);
            continue;
          }
          beat(id, report(running.get(id) ?? 0));
          // As many attempts as it may start run; one that has more waits until some have ended.
          running.set(id, share(id, whole));
          const all = [...running.values()].reduce((sum, one) => sum + one, 0);
          expect(all).to.be.at.most(whole);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('become those of the others when a router leaves, at once, or sends no heartbeat for three seconds', () => {
    const { beat, round, share, pass, of, rows } = aCluster(['a', 'b', 'c']);
    round('a', 'b', 'c');
    round('a', 'b', 'c');
    beat('c', report(0, { left: true }));
    const changed = beat('a');
    expect([changed?.left.map(({ id }) => id), changed?.over.map(({ id }) => id)]).to.deep.equal([['c'], ['c']]);
    expect(share('a', 8)).to.equal(4);
    for (let ms = 0; ms < goneMs - beatMs; ms += beatMs) round('a');
    expect(share('a', 8)).to.equal(4);
    round('a');
    expect(of('a').others.map(({ id, isGone }) => [id, isGone])).to.deep.equal([['b', true]]);
    expect(share('a', 8)).to.equal(8);
    for (let ms = 0; ms < 600_000; ms += 2_000) {
      pass(2_000);
      beat('a');
    }
    expect([of('a').others, rows.has('b')]).to.deep.equal([[], false]);
  });

  it('leave out routers that do not have the destination, or start nothing any more, but not their attempts', () => {
    const { beat, share } = aCluster(['a', 'b', 'c']);
    for (let round = 0; round < 2; round += 1) {
      beat('b', report(3, { takes: false }));
      beat('c', report(0, { destination: 'other' }));
      beat('a');
    }
    expect([share('a', 8), share('a', 2)]).to.deep.equal([5, 0]);
    beat('b', report(0, { takes: false }));
    beat('a');
    expect(share('a', 8)).to.equal(8);
  });

  it('wait, after a while without the store, until each other router has shown that it is there', () => {
    const { beat, round, share, pass } = aCluster(['a', 'b']);
    round('a', 'b');
    round('a', 'b');
    pass(60_000);
    const changed = beat('a');
    expect([changed?.gone, share('a', 8)]).to.deep.equal([[], 0]);
    beat('b');
    beat('a');
    expect(share('a', 8)).to.equal(4);
  });

  it('are kept for three seconds for one that a new router finds silent: it may only be cut off', () => {
    const kept = [{ id: 'b', beat: 7, report: report(0), ageMs: 20_000 }];
    const members = new Members('a');
    members.observe(kept, 0);
    expect([members.others[0]?.isGone, members.shareOf('crm', 8)], 'it may only be cut off').to.deep.equal([true, 0]);
    for (let ms = beatMs; ms < goneMs; ms += beatMs) members.observe(kept, ms);
    expect(members.shareOf('crm', 8)).to.equal(0);
    members.observe(kept, goneMs);
    expect(members.shareOf('crm', 8)).to.equal(8);
  });

  it('put up with reports that another version writes', () => {
    for (const text of ['', 'null', '[]', '{"destinations":[1]}', '{"name":1,"destinations":{"crm":{"attempts":1}}}'])
      expect(reportIn(text)).to.include({ name: 'unknown', leaseMs: 30_000 });
    const whole = { name: 'r', version: '2.0.0', sinceMs: 5, configuration: 'c', leaseMs: 60_000, left: false };
    const verdict = { atMs: 9, openedAtMs: 7, openUntilMs: 11, failedProbes: 2, askedUntilMs: null };
    const crm = { attempts: 1, deliveries: 2, takes: true, verdict };
    const destinations = { crm, other: { ...crm, takes: false, verdict: null } };
    expect(reportIn(textOfReport({ ...whole, destinations }))).to.deep.equal({ ...whole, destinations });
  });
});

describe('a router that a router finds in the store', () => {
  const ids = (members: readonly { readonly id: string }[] | undefined) => members?.map(({ id }) => id);
  /** Of `b`, as the store returns it after `ageMs`. */
  const seen = (beat: number, ageMs: number | null) => [{ id: 'b', beat, report: report(0), ageMs }];

  it('has neither joined nor gone where it was silent for three seconds before, and was seen when it was', () => {
    const members = new Members('a');
    for (let ms = 0; ms <= 2 * goneMs; ms += beatMs) {
      const changed = members.observe(seen(7, 12_000 + ms), 100_000 + ms);
      expect([ids(changed.joined), ids(changed.gone)]).to.deep.equal([[], []]);
    }
    const [member] = members.others;
    expect([member?.isGone, member?.seenMs]).to.deep.equal([true, 88_000]);
    const back = members.observe(seen(8, 100), 107_000);
    expect([ids(back.joined), members.others[0]?.isGone]).to.deep.equal([['b'], false]);
  });

  it('has joined where it has just sent a heartbeat, or where the store knows no ages', () => {
    for (const ageMs of [goneMs - 1, null]) {
      const members = new Members('a');
      expect(ids(members.observe(seen(7, ageMs), 0).joined), `${ageMs}`).to.deep.equal(['b']);
      for (let ms = beatMs; ms < goneMs; ms += beatMs) members.observe(seen(7, ageMs && ageMs + ms), ms);
      expect(ids(members.observe(seen(7, ageMs), goneMs).gone), `${ageMs}`).to.deep.equal(['b']);
    }
  });

  it('does not come back by an outage of the store, in which one that was there has time to show itself', () => {
    const members = new Members('a');
    const both = (beat: number, ageMs: number) => [
      ...seen(7, 5_000 + ageMs),
      { id: 'c', beat, report: report(0), ageMs },
    ];
    members.observe(both(1, 0), 0);
    members.observe(both(2, 0), beatMs);
    // The last heartbeat before the outage is one that this router has not seen.
    const after = members.observe(both(3, 60_000), 60_000 + beatMs);
    expect([ids(after.joined), ids(after.gone)]).to.deep.equal([[], []]);
    expect(members.others.map(({ id, isGone }) => [id, isGone])).to.deep.equal([
      ['b', true],
      ['c', false],
    ]);
    const still = members.observe(both(4, 100), 60_000 + 2 * beatMs);
    expect([ids(still.joined), ids(still.gone)]).to.deep.equal([[], []]);
    for (let ms = 0; ms < goneMs - beatMs; ms += beatMs) members.observe(both(4, ms), 61_200 + ms);
    expect(ids(members.observe(both(4, goneMs), 60_800 + goneMs).gone)).to.deep.equal(['c']);
  });

  it('is listed for ten minutes after its last heartbeat, and its leases are ended before it is removed', () => {
    const members = new Members('a');
    members.observe(seen(7, 599_000), 0);
    expect(ids(members.shown(0))).to.deep.equal(['b']);
    const ended: (string | undefined)[] = [];
    for (let ms = beatMs; ms < 30_000; ms += beatMs) {
      expect(ids(members.observe(seen(7, 599_000 + ms), ms).over)).to.deep.equal([]);
      ended.push(...members.lost(ms).map(({ id }) => id));
    }
    expect([members.shown(1_000), ended]).to.deep.equal([[], []]);
    expect(ids(members.lost(30_000))).to.deep.equal(['b']);
    expect(ids(members.observe(seen(7, 629_000), 30_000).over)).to.deep.equal(['b']);
    expect(members.others).to.deep.equal([]);
  });
});
