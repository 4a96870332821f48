/** What every source that pulls must do, as tests. */
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { readDrafts } from '@switchhook/core/internal';
import type { EmitPulled, EventDraft, Source, State } from '@switchhook/sdk';
import { type FakeClock, settled } from '../fakes.js';
import { describe, it } from '../mocha.js';

/** A source that pulls from something real, which has events for it. */
export interface PullingFixture {
  /** Makes the source again, as a restart does; its services are the same. */
  make(): Source;
  /** Of its `fakeServices()`. */
  readonly clock: FakeClock;
  readonly state: State;
  /** How far the clock must go until the source has pulled, in milliseconds. Default 0: at once. */
  readonly afterMs?: number;
  close(): Promise<void>;
}

/** Turns of the event loop within which what is behind the fixture answers on this machine. */
const mostTurns = 2_000;

/** Registers the suite. */
export function pullingSuite(name: string, make: () => Promise<PullingFixture>): void {
  /** Starts the source; `commit` is what becomes of its events. */
  const started = (fixture: PullingFixture, commit: (drafts: readonly EventDraft[]) => Promise<void>) => {
    const controller = new AbortController();
    const source = fixture.make();
    const emit: EmitPulled = async (drafts, { checkpoint } = {}) => {
      await commit(readDrafts(drafts, (number) => number, source));
      if (checkpoint !== undefined) await fixture.state.set(checkpoint.key, checkpoint.value);
    };
    let hasEnded = false;
    const ended = (async () => source.start?.(emit, controller.signal))().then(
      () => 'returned',
      () => 'threw',
    );
    void ended.then(() => {
      hasEnded = true;
    });
    return { controller, ended, hasEnded: () => hasEnded };
  };
  const until = async (fixture: PullingFixture, isSo: () => boolean): Promise<void> => {
    await settled();
    await fixture.clock.advance(fixture.afterMs ?? 0);
    for (let turn = 0; turn < mostTurns && !isSo(); turn += 1) await settled();
  };
  const withFixture = (body: (fixture: PullingFixture) => Promise<void>) => async () => {
    const fixture = await make();
    try {
      await body(fixture);
    } finally {
      await fixture.close();
    }
  };

  describe(`${name} is a source that pulls`, () => {
    it(
      'emits valid events with different keys, and goes on until it is aborted',
      withFixture(async (fixture) => {
        const keys: string[] = [];
        const run = started(fixture, async (drafts) => void keys.push(...drafts.map(({ key }) => key)));
        await until(fixture, () => keys.length > 0);
        ok(keys.length > 0, 'it has emitted nothing');
        strictEqual(new Set(keys).size, keys.length, 'two events have the same key: the second would be a duplicate');
        ok(!run.hasEnded(), 'start has ended, although its signal was not aborted');
        run.controller.abort(new Error('the router is closing'));
        await until(fixture, run.hasEnded);
        ok(run.hasEnded(), 'it ignores its signal');
      }),
    );

    it(
      'ends when it is aborted before it has pulled',
      withFixture(async (fixture) => {
        const run = started(fixture, async () => {});
        run.controller.abort(new Error('the router is closing'));
        await until(fixture, run.hasEnded);
        ok(run.hasEnded(), 'it ignores its signal');
      }),
    );

    it(
      'pulls the same events with the same keys again, where they could not be committed',
      withFixture(async (fixture) => {
        const tried: string[] = [];
        const kept: string[] = [];
        const first = started(fixture, async (drafts) => {
          tried.push(...drafts.map(({ key }) => key));
          throw new Error('the store cannot commit');
        });
        await until(fixture, () => tried.length > 0);
        first.controller.abort(new Error('the router is closing'));
        await until(fixture, first.hasEnded);
        const second = started(fixture, async (drafts) => void kept.push(...drafts.map(({ key }) => key)));
        await until(fixture, () => kept.length >= tried.length);
        deepStrictEqual(kept.slice(0, tried.length), tried, 'events are lost, or have new keys');
        second.controller.abort(new Error('the router is closing'));
        await until(fixture, second.hasEnded);
      }),
    );
  });
}
