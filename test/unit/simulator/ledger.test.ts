import { type Arrival, isKept, Ledger, nameOf, SeededRandom, type SentEvent } from '@switchhook/simulator';
import { expect } from 'chai';

const sent = (number: number): SentEvent => ({ id: `s1-${number}`, type: 'plain', subject: 's1', number });

function setup({ maxAttempts = 3, ordered = false } = {}) {
  const ledger = new Ledger(maxAttempts, () => ['crm']);
  const arrival = (number: number, attempt: number): Arrival => {
    return { deliveryId: `event-${number}.0`, destination: 'crm', key: sent(number).id, attempt };
  };
  const take = (number: number, attempt = 1): void => {
    ledger.arrive(arrival(number, attempt));
    ledger.accept(arrival(number, attempt), sent(number), ordered);
  };
  const refuse = (number: number, attempt: number): void => ledger.arrive(arrival(number, attempt));
  const verdict = (...dead: readonly number[]) => ledger.verdict(new Set(dead.map((n) => nameOf('crm', sent(n).id))));
  return { ledger, take, refuse, verdict };
}

describe('The ledger of the crash test', () => {
  it('is content where everything acknowledged was taken, or ended as dead', () => {
    const { ledger, take, verdict } = setup();
    for (const number of [1, 2, 3]) ledger.acknowledge(sent(number));
    take(1);
    take(3);
    const found = verdict(2);
    expect(found).to.include({ acknowledged: 3, expected: 3, delivered: 2, dead: 1, lost: 0, duplicated: 0 });
    expect(isKept(found)).to.equal(true);
  });

  it('calls lost what was acknowledged and neither taken nor dead', () => {
    const { ledger, refuse, verdict } = setup();
    ledger.acknowledge(sent(1));
    refuse(1, 1);
    expect(verdict()).to.include({ lost: 1, delivered: 0, dead: 0 });
    expect(isKept(verdict())).to.equal(false);
  });

  it('owes nothing for what was not acknowledged', () => {
    const { take, verdict } = setup();
    take(1);
    expect(verdict()).to.include({ acknowledged: 0, expected: 0, delivered: 0, lost: 0 });
  });

  it('counts a delivery that was taken twice as a duplicate, which is no broken promise', () => {
    const { ledger, take, verdict } = setup();
    ledger.acknowledge(sent(1));
    take(1, 1);
    take(1, 2);
    expect(verdict()).to.include({ delivered: 1, duplicated: 1, repeated: 0 });
    expect(isKept(verdict())).to.equal(true);
  });

  it('notices an attempt that is made twice, and one beyond the last', () => {
    const { refuse, verdict } = setup({ maxAttempts: 3 });
    refuse(1, 2);
    refuse(1, 2);
    refuse(2, 3);
    refuse(3, 4);
    expect(verdict()).to.include({ repeated: 1, overrun: 1 });
    expect(isKept(verdict())).to.equal(false);
  });

  it('notices what comes after a later one of its subject, where order was asked for', () => {
    const ordered = setup({ ordered: true });
    for (const number of [1, 3, 2]) ordered.take(number);
    // Once more is a duplicate, and not a question of order.
    ordered.take(1, 2);
    expect(ordered.verdict().outOfOrder).to.equal(1);
    const plain = setup();
    for (const number of [1, 3, 2]) plain.take(number);
    expect(plain.verdict().outOfOrder).to.equal(0);
  });

  it('tells as soon as so many more events are acknowledged', async () => {
    const { ledger } = setup();
    ledger.acknowledge(sent(1));
    const told: string[] = [];
    const more = ledger.more(2).then(() => told.push('told'));
    ledger.acknowledge(sent(2));
    await Promise.resolve();
    expect(told).to.deep.equal([]);
    ledger.acknowledge(sent(3));
    await more;
    expect(told).to.deep.equal(['told']);
  });

  it('notices attempts beyond a limit and calls without an answer; another answer to a repeated call is no fault', () => {
    const { ledger, verdict } = setup();
    ledger.answer(12.4);
    ledger.answer(7);
    ledger.answerAnew();
    expect(verdict()).to.include({ calls: 2, slowestCallMs: 12, answeredAnew: 1 });
    expect(isKept(verdict())).to.equal(true);
    for (const [fault, name] of [
      [() => ledger.exceed(), 'overLimit'],
      [() => ledger.leaveUnanswered(), 'unanswered'],
    ] as const) {
      const before = verdict()[name];
      fault();
      expect([before, verdict()[name], isKept(verdict())]).to.deep.equal([0, 1, false]);
    }
  });
});

describe('The ledger of the crash test, of circuit breakers', () => {
  it('keeps the slowest verdict and the most calls, and what was wrong', () => {
    const { ledger, verdict } = setup();
    ledger.noteTrial({ verdictMs: 640.4, calls: 1, fault: null });
    ledger.noteTrial({ verdictMs: 310, calls: 3, fault: null });
    const none = { breakers: 2, slowestVerdictMs: 640, callsWhileOpen: 3 };
    expect(verdict()).to.include(none);
    expect([verdict().breakerFaults, isKept(verdict())]).to.deep.equal([[], true]);
    ledger.noteTrial({ verdictMs: null, calls: 0, fault: 'not-shared' });
    expect(verdict()).to.include({ ...none, breakers: 3 });
    expect([verdict().breakerFaults, isKept(verdict())]).to.deep.equal([['not-shared'], false]);
  });
});

describe('The draws of the crash test', () => {
  it('are the same for the same seed, and others for another', () => {
    const drawn = (seed: number): readonly number[] => {
      const random = new SeededRandom(seed);
      return Array.from({ length: 20 }, () => random.next());
    };
    expect(drawn(7)).to.deep.equal(drawn(7));
    expect(drawn(7)).not.to.deep.equal(drawn(8));
    for (const number of drawn(7)) expect(number).to.be.within(0, 1);
  });

  it('take each option as often as its weight says', () => {
    const random = new SeededRandom(1);
    const taken = Array.from({ length: 10_000 }, () =>
      random.among([
        ['often', 9],
        ['seldom', 1],
      ]),
    );
    expect(taken.filter((option) => option === 'seldom').length).to.be.within(800, 1_200);
  });
});
