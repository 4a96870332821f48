import { FetchError, isOutcomeError, Ledger, type Outcome, OutcomeError, rejectOnce, type Step } from '@switchhook/sdk';
import { fakeServices } from '@switchhook/testkit';
import { expect } from 'chai';

const delivered: Outcome = { kind: 'delivered' };
const first = { owner: 'delivery.1', holdMs: 10_000 };
const second = { owner: 'delivery.2', holdMs: 10_000 };

describe('a ledger', () => {
  const setup = () => {
    const { state, clock } = fakeServices();
    return { state, clock, ledger: new Ledger(state, clock), done: [] as string[] };
  };

  it('does the work for a key once, whoever asks again', async () => {
    const { ledger, done } = setup();
    const work = async (step: Step) => {
      await step('note', async () => done.push('note'));
      return delivered;
    };
    expect(await ledger.once('conv_1', first, work)).to.deep.equal(delivered);
    for (const owner of [first, second])
      expect(await ledger.once('conv_1', owner, work)).to.deep.equal({
        kind: 'delivered',
        response: 'done before, for the same key',
      });
    await ledger.once('conv_2', second, work);
    expect(done).to.deep.equal(['note', 'note']);
  });

  it('goes on behind the steps that are done, with what they came to', async () => {
    const { ledger, done } = setup();
    const attempt = (failing: boolean) => async (step: Step) => {
      const id = await step('create', async () => `id-${done.push('create')}`);
      await step('text', async () => {
        if (failing) throw new OutcomeError({ kind: 'unavailable', reason: '503' });
        return done.push(`text ${id}`);
      });
      return delivered;
    };
    const failed = await ledger.once('a', first, attempt(true)).catch((error: unknown) => error);
    expect(failed).to.be.instanceOf(OutcomeError);
    expect(await ledger.once('a', first, attempt(false))).to.deep.equal(delivered);
    expect(done).to.deep.equal(['create', 'text id-1']);
  });

  it('says that a step may have been done where its end is not known, and not where it was refused or never sent', async () => {
    const { ledger } = setup();
    const unsure: boolean[] = [];
    const attempt = (error: Error | null) => async (step: Step) => {
      await step('text', async (isUnsure) => {
        unsure.push(isUnsure);
        if (error !== null) throw error;
        return null;
      });
      return delivered;
    };
    const ends = (error: Error | null) => ledger.once('a', first, attempt(error)).catch(() => null);
    await ends(new OutcomeError({ kind: 'unavailable', reason: '429' }));
    await ends(new FetchError('ECONNREFUSED', 'nothing listens there'));
    await ends(new FetchError('ECONNRESET', 'the connection broke'));
    await ends(new Error('and again'));
    await ends(null);
    expect(unsure).to.deep.equal([false, false, false, true, true]);
  });

  it('still says so where the refusal may have come after the work, or was met while looking', async () => {
    const { ledger } = setup();
    const unsure: boolean[] = [];
    const ends = (error: Error | null) =>
      ledger
        .once('a', first, async (step) => {
          await step('text', async (isUnsure) => {
            unsure.push(isUnsure);
            if (error !== null) throw error;
            return null;
          });
          return delivered;
        })
        .catch(() => null);
    await ends(new OutcomeError({ kind: 'unavailable', reason: '504' }, { isUnsure: true }));
    await ends(new OutcomeError({ kind: 'unavailable', reason: '429' }));
    await ends(null);
    expect(unsure).to.deep.equal([false, true, true]);
  });

  it('lets one of two deliveries with a key work, the other one after it has failed or its time is over', async () => {
    const { ledger, clock } = setup();
    let end = (): void => undefined;
    const running = ledger.once(
      'a',
      first,
      () => new Promise<Outcome>((resolve) => (end = () => resolve({ kind: 'unavailable', reason: 'x' }))),
    );
    const busy = await ledger.once('a', second, async () => delivered);
    expect(busy).to.deep.equal({
      kind: 'unavailable',
      reason: 'another delivery with the same key is in progress',
      retryAfterMs: 1_000,
    });
    await clock.advance(10_000);
    expect(await ledger.once('a', second, async () => ({ kind: 'unavailable', reason: 'down' }))).to.include({
      reason: 'down',
    });
    end();
    await running;
    expect(await ledger.once('a', first, async () => delivered)).to.deep.equal(delivered);
  });

  it('keeps what the delivery has done that took over, whatever the one before it does late', async () => {
    const { ledger, clock, done } = setup();
    let end = (): void => undefined;
    const late = ledger.once('a', first, async (step) => {
      await new Promise<void>((resolve) => {
        end = resolve;
      });
      await step('late', async () => done.push('late'));
      return delivered;
    });
    await clock.advance(10_000);
    const work = (outcome: Outcome) => async (step: Step) => {
      await step('text', async () => done.push('text'));
      return outcome;
    };
    await ledger.once('a', second, work({ kind: 'unavailable', reason: 'down' }));
    end();
    const thrown = await late.catch((error: unknown) => error);
    expect(thrown).to.be.instanceOf(OutcomeError);
    expect(await ledger.once('a', second, work(delivered))).to.deep.equal(delivered);
    expect(done).to.deep.equal(['text']);
  });

  it('rejects each delivery of a key once where something may have been done, and goes on when one is replayed', async () => {
    const { ledger, done } = setup();
    const tried = ({ owner, holdMs }: typeof first, attempt: number, outcome: Outcome = delivered) =>
      ledger
        .once('a', { owner, holdMs }, async (step) => {
          await rejectOnce(step, { id: owner, attempt }, 'text', 'it may have been done');
          done.push(owner);
          return outcome;
        })
        .catch((error: unknown) => (isOutcomeError(error) ? error.outcome : error));
    const skipped = { kind: 'rejected', reason: 'it may have been done' };
    expect([await tried(first, 2), await tried(second, 1)]).to.deep.equal([skipped, skipped]);
    // The rejection was not settled: the router died.
    expect([await tried(first, 3), await tried(second, 2)]).to.deep.equal([skipped, skipped]);
    const down: Outcome = { kind: 'unavailable', reason: 'down' };
    expect([await tried(second, 1, down), await tried(second, 2)]).to.deep.equal([down, delivered]);
    expect(done).to.deep.equal(['delivery.2', 'delivery.2']);
  });
});
