import { expect } from 'chai';
import { mayBeRecorded } from '../../../core/dashboard/build/model/calls.js';
import { changeOfDelivery } from '../../../core/dashboard/build/model/deliveries.js';
import type { Delivery } from '../../../core/dashboard/build/model/replies.js';

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
  it('may still be recorded for two minutes after its ring, which its id has', () => {
    const id = '019b0000-0000-7000-8000-000000000000';
    const ringMs = 0x019b00000000;
    expect([0, 119_999, 120_000].map((ms) => mayBeRecorded(id, ringMs + ms))).to.deep.equal([true, true, false]);
    expect(['nope', '', id.replace('-7', '-4')].map((one) => mayBeRecorded(one, ringMs))).to.deep.equal([
      false,
      false,
      false,
    ]);
  });
});
