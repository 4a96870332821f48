import { expect } from 'chai';
import { mayBeRecorded } from '../../../core/dashboard/build/model/calls.js';
import { changeOfDelivery, outcomesOfEvents } from '../../../core/dashboard/build/model/deliveries.js';
import type { Delivery, RouterEvent } from '../../../core/dashboard/build/model/replies.js';

const delivery: Delivery = {
  ...{ id: 'e.0', event: 'e', type: 'ended', subject: 'conv_7', route: 'finished', destination: 'crm' },
  ...{ transforms: [], state: 'dead', reason: 'rejected', attempts: 1, attemptsInAll: 1, failure: 'HTTP 400' },
  ...{ dueAt: null, createdAt: '2026-01-31T12:00:00.000Z', settledAt: null, gathered: null },
};

describe('the question before one delivery is changed', () => {
  it('names the event, its conversation, the destination and the route', () => {
    expect(changeOfDelivery('discard', delivery).question).to.equal(
      'ended of conv_7, to crm by the route finished: it is not sent, until a replay brings it back.',
    );
    expect(changeOfDelivery('replay', { ...delivery, subject: null })).to.include({
      title: 'Replay a delivery',
      question: 'ended, to crm by the route finished: it is sent again, now.',
    });
  });

  it('says that a delivered one is sent a second time', () => {
    expect(changeOfDelivery('replay', { ...delivery, state: 'delivered', reason: null })).to.include({
      title: 'Send a delivery a second time',
      button: 'Send it again',
    });
    expect(changeOfDelivery('discard', { ...delivery, state: 'waiting', reason: null }).title).to.equal(
      'Discard a delivery',
    );
  });
});

describe('a call that is not kept', () => {
  it('may still be recorded for a minute after its ring, which its id has', () => {
    const id = '019b0000-0000-7000-8000-000000000000';
    const ringMs = 0x019b00000000;
    const offsets = [-60_000, -59_999, 0, 59_999, 60_000];
    expect(offsets.filter((ms) => mayBeRecorded(id, ringMs + ms))).to.deep.equal([-59_999, 0, 59_999]);
    expect(['nope', '', id.replace('-7', '-4')].map((one) => mayBeRecorded(one, ringMs))).to.deep.equal([
      false,
      false,
      false,
    ]);
  });
});

describe('what became of events of a list', () => {
  const at = (second: number) => `2026-01-31T12:00:${String(second).padStart(2, '0')}.000Z`;
  const event = (id: string, second: number) => ({ id, receivedAt: at(second) }) as RouterEvent;
  const made = (of: string, second: number, state: Delivery['state'], reason: Delivery['reason'] = null): Delivery => {
    return { ...delivery, event: of, createdAt: at(second), state, reason };
  };
  const textsOf = (events: readonly RouterEvent[], deliveries: readonly Delivery[], more: boolean) =>
    outcomesOfEvents(events, deliveries, more).map(({ outcome }) => outcome?.text ?? null);

  it('is the worst state of their deliveries, or that no route matched', () => {
    const events = ['mixed', 'open', 'done', 'given up', 'none'].map((id, index) => event(id, 50 - index));
    const deliveries = [
      ...[made('mixed', 50, 'delivered'), made('mixed', 50, 'dead', 'rejected'), made('mixed', 50, 'waiting')],
      ...[made('open', 49, 'delivered'), made('open', 49, 'running')],
      ...[made('done', 48, 'delivered'), made('done', 48, 'delivered'), made('another', 48, 'dead', 'exhausted')],
      made('given up', 47, 'dead', 'discarded'),
    ];
    const all = outcomesOfEvents(events, deliveries, false).map(({ outcome }) => outcome);
    expect(all.map((one) => one?.text)).to.deep.equal([
      '1 of 3 dead',
      '1 of 2 running',
      'delivered',
      'discarded',
      'no route matched',
    ]);
    expect(all.map((one) => one?.worst?.reason ?? null)).to.deep.equal(['rejected', null, null, 'discarded', null]);
  });

  it('is not known of events that are as old as the oldest delivery that was read, or older', () => {
    const events = [event('new', 50), event('edge', 40), event('old', 30)];
    const deliveries = [made('new', 50, 'delivered'), made('edge', 40, 'delivered')];
    expect(textsOf(events, deliveries, true)).to.deep.equal(['delivered', null, null]);
    expect(textsOf(events, deliveries, false)).to.deep.equal(['delivered', 'delivered', 'no route matched']);
    expect(textsOf(events, [], true)).to.deep.equal([null, null, null]);
  });
});
