import { instantOf } from '@switchhook/cli/internal';
import { expect } from 'chai';

const nowMs = Date.parse('2026-03-08T12:34:56Z');
const local = (text: string) => new Date(text).toISOString();

describe('a time on the command line', () => {
  it('is a date by the clock of this machine, or in UTC', () => {
    expect(instantOf('2026-03-01', false)).to.equal(local('2026-03-01T00:00'));
    expect(instantOf('2026-03-01T08:30', false)).to.equal(local('2026-03-01T08:30'));
    expect(instantOf('2026-03-01', true)).to.equal('2026-03-01T00:00:00.000Z');
    expect(instantOf('2026-03-01T08:30:15', true)).to.equal('2026-03-01T08:30:15.000Z');
  });

  it('is the midnight that today or yesterday began with', () => {
    expect(instantOf('today', true, nowMs)).to.equal('2026-03-08T00:00:00.000Z');
    expect(instantOf('yesterday', true, nowMs)).to.equal('2026-03-07T00:00:00.000Z');
    const midnight = new Date(nowMs);
    midnight.setHours(0, 0, 0, 0);
    expect(instantOf('today', false, nowMs)).to.equal(midnight.toISOString());
    midnight.setDate(midnight.getDate() - 1);
    expect(instantOf('yesterday', false, nowMs)).to.equal(midnight.toISOString());
  });

  it('is left to the router where it is a duration, has an offset, or is no time', () => {
    for (const text of ['2h', '2026-03-01T08:30:00Z', '2026-03-01T08:30:00+02:00', 'noon', '2026-13-45'])
      expect(instantOf(text, false, nowMs)).to.equal(text);
  });
});
