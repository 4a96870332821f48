import plugin from '@switchhook/plugin-business-hours';
import type { JsonObject } from '@switchhook/sdk';
import { aCall, createComponent, fakeServices, resolverSuite } from '@switchhook/testkit';
import { expect } from 'chai';
import fc from 'fast-check';
import { fuzzing } from '../../../test/support/fuzzing.js';

const [component] = plugin.components;
const services = fakeServices();
const signal = (): AbortSignal => new AbortController().signal;
const office = { zone: 'Europe/Berlin', hours: { weekdays: '09:00-17:00' } };

/** What is known at a moment, by options. */
function at(options: JsonObject): (moment: string | number) => Promise<JsonObject> {
  const resolver = createComponent('resolver', component, options, services);
  return (moment) => {
    services.clock.jumpTo(typeof moment === 'number' ? moment : Date.parse(moment));
    return resolver.resolve(aCall(), {}, signal(), 3_000);
  };
}

resolverSuite(
  'business-hours',
  async () => ({
    resolver: createComponent('resolver', component, office, services),
    known: aCall(),
    close: async () => {},
  }),
  { knowsEverybody: true, never: ['hang', 'down', 'cutOff'] },
);

describe('business-hours', () => {
  it('is open from the first minute to the last, and knows when that changes', async () => {
    const known = at(office);
    const monday = { open: true, closes_at: '2026-01-05T17:00:00+01:00', next_open: '2026-01-06T09:00:00+01:00' };
    expect(await known('2026-01-05T08:59:59.999+01:00')).to.deep.equal({
      open: false,
      next_open: '2026-01-05T09:00:00+01:00',
    });
    expect(await known('2026-01-05T09:00:00+01:00')).to.deep.equal(monday);
    expect(await known('2026-01-05T16:59:59.999+01:00')).to.deep.equal(monday);
    expect(await known('2026-01-05T17:00:00+01:00')).to.deep.equal({
      open: false,
      next_open: '2026-01-06T09:00:00+01:00',
    });
    expect(await known('2026-01-09T18:00:00+01:00')).to.deep.equal({
      open: false,
      next_open: '2026-01-12T09:00:00+01:00',
    });
  });

  it('has several hours a day, other ones for a named day, and days that are closed', async () => {
    const hours = { weekdays: ['14:00-18:00', '9:00 – 12:00'], wednesday: [], weekend: '10:00-12:00', sunday: [] };
    const known = at({ zone: 'Europe/Berlin', hours });
    expect(await known('2026-01-06T12:30:00+01:00')).to.deep.equal({
      open: false,
      next_open: '2026-01-06T14:00:00+01:00',
    });
    expect((await known('2026-01-06T18:00:00+01:00')).next_open).to.equal('2026-01-08T09:00:00+01:00');
    expect((await known('2026-01-09T18:00:00+01:00')).next_open).to.equal('2026-01-10T10:00:00+01:00');
    expect((await known('2026-01-10T12:00:00+01:00')).next_open).to.equal('2026-01-12T09:00:00+01:00');
  });

  it('is open overnight, past midnight and into a day that is closed', async () => {
    const known = at({ zone: 'America/New_York', hours: { friday: '20:00-02:00', saturday: '20:00-24:00' } });
    const night = { open: true, closes_at: '2026-01-10T02:00:00-05:00', next_open: '2026-01-10T20:00:00-05:00' };
    expect(await known('2026-01-09T23:00:00-05:00')).to.deep.equal(night);
    expect(await known('2026-01-10T01:59:59-05:00')).to.deep.equal(night);
    expect((await known('2026-01-10T02:00:00-05:00')).open).to.equal(false);
    expect((await known('2026-01-10T20:00:00-05:00')).closes_at).to.equal('2026-01-11T00:00:00-05:00');
  });

  it('joins hours that touch or overlap, and has no end where it never closes', async () => {
    const joined = at({ zone: 'UTC', hours: { monday: ['08:00-24:00', '20:00-22:00'], tuesday: '00:00-06:00' } });
    expect((await joined('2026-01-05T09:00:00Z')).closes_at).to.equal('2026-01-06T06:00:00+00:00');
    const always = { weekdays: '00:00-24:00', weekend: '00:00-24:00' };
    expect(await at({ zone: 'Europe/Berlin', hours: always })('2026-01-05T09:00:00Z')).to.deep.equal({ open: true });
    expect(await at({ zone: 'UTC', hours: always, holidays: ['12-25'] })('2026-01-05T09:00:00Z')).to.deep.equal({
      open: true,
      closes_at: '2026-12-25T00:00:00+00:00',
      next_open: '2026-12-26T00:00:00+00:00',
    });
  });

  it('is closed on holidays, those of one year and those of every year; a night that has begun before goes on', async () => {
    const holidays = ['12-25', '12-26', '2026-12-24', '02-29'];
    const known = at({ zone: 'Europe/Berlin', hours: { weekdays: '20:00-02:00', weekend: '20:00-02:00' }, holidays });
    expect((await known('2026-12-24T01:00:00+01:00')).open).to.equal(true);
    expect(await known('2026-12-24T20:00:00+01:00')).to.deep.equal({
      open: false,
      next_open: '2026-12-27T20:00:00+01:00',
    });
    expect((await known('2027-12-24T20:00:00+01:00')).open).to.equal(true);
    expect((await known('2027-12-25T20:00:00+01:00')).open).to.equal(false);
    expect((await known('2028-02-29T21:00:00+01:00')).open).to.equal(false);
  });

  it('finds no opening where every day that has hours is a holiday', async () => {
    const holidays = Array.from({ length: 500 }, (_, day) =>
      new Date(Date.UTC(2026, 0, day)).toISOString().slice(0, 10),
    );
    expect(await at({ ...office, holidays })('2026-01-05T09:00:00Z')).to.deep.equal({ open: false });
  });

  it('keeps to the local clock when that is put forward or back', async () => {
    const known = at({
      zone: 'Europe/Berlin',
      hours: { weekend: ['01:30-02:30', '09:00-17:00'], weekdays: '09:00-17:00' },
    });
    expect((await known('2026-03-27T18:00:00+01:00')).next_open).to.equal('2026-03-28T01:30:00+01:00');
    expect((await known('2026-03-28T18:00:00+01:00')).next_open).to.equal('2026-03-29T01:30:00+01:00');
    // 02:30 does not come: an hour after 01:30 it is 03:30.
    expect((await known('2026-03-29T01:30:00+01:00')).closes_at).to.equal('2026-03-29T03:30:00+02:00');
    expect((await known('2026-03-29T03:30:00+02:00')).next_open).to.equal('2026-03-29T09:00:00+02:00');
    // 02:30 comes twice: it closes at the second.
    expect((await known('2026-10-25T01:30:00+02:00')).closes_at).to.equal('2026-10-25T02:30:00+01:00');
    expect((await known('2026-10-25T08:00:00+01:00')).next_open).to.equal('2026-10-25T09:00:00+01:00');
  });

  it('is refused with options that cannot work, each at its place', () => {
    const problems = (options: JsonObject): readonly string[] => {
      const checked = component?.options.safeParse({ ...office, ...options });
      return checked?.error?.issues.flatMap(({ path, message }) => [`${path.join('.')} ${message}`]) ?? [];
    };
    expect(problems({})).to.deep.equal([]);
    expect(problems({ zone: 'Europe/Berlim' })).to.deep.equal([
      'zone there is no time zone "Europe/Berlim"; did you mean "Europe/Berlin"?',
    ]);
    for (const wrong of ['9-17', '09:00', '09:00-25:00', '24:00-09:00', '09:60-10:00', '09:00-09:00', 7])
      expect(problems({ hours: { monday: [wrong] } }), String(wrong)).to.have.length(1);
    expect(problems({ hours: {} })).to.deep.equal(['hours expected hours of at least one day']);
    expect(problems({ hours: { monday: [] } })).to.deep.equal(['hours expected hours of at least one day']);
    for (const wrong of ['2026-02-29', '13-01', '24.12.', '2026-1-1', ''])
      expect(problems({ holidays: [wrong] }), wrong).to.deep.equal([
        'holidays.0 expected a date such as 2026-12-24, or 12-25 for every year',
      ]);
  });
});

describe('business-hours keeps its laws', () => {
  const zones = [
    'Europe/Berlin',
    'America/New_York',
    'America/Havana',
    'America/Sao_Paulo',
    'Australia/Lord_Howe',
    'Africa/Casablanca',
    'Asia/Kathmandu',
    'Asia/Beirut',
    'Pacific/Apia',
    'Pacific/Kiritimati',
    'UTC',
  ];
  const days = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
  const pad = (number: number): string => String(number).padStart(2, '0');
  const time = fc.integer({ min: 0, max: 95 }).map((quarter) => quarter * 15);
  const interval = fc.tuple(time, time).filter(([from, to]) => from !== to);
  const written = (minutes: number) => `${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
  const week = fc
    .array(fc.array(interval, { maxLength: 2 }), { minLength: 7, maxLength: 7 })
    .filter((all) => all.flat().length > 0);
  const holidays = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 28 })).map(([m, d]) => `${pad(m)}-${pad(d)}`),
    { maxLength: 5 },
  );
  const moment = fc.integer({ min: Date.UTC(2005, 0), max: Date.UTC(2030, 0) });
  const scenario = fc.record({
    zone: fc.constantFrom(...zones),
    week,
    holidays,
    moment,
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  const knownIn = ({ zone, week, holidays }: { zone: string; week: [number, number][][]; holidays: string[] }) => {
    const hours = Object.fromEntries(
      week.map((all, day) => [days[day], all.map(([from, to]) => `${written(from)}-${written(to)}`)]),
    );
    return at({ zone, hours, holidays });
  };

  it('next_open is open, and it is closed before that; closes_at is closed, and it is open before that', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ moment, share, ...options }) => {
        const known = knownIn(options);
        const { open, closes_at, next_open } = await known(moment);
        const change = open === true ? closes_at : next_open;
        if (typeof change === 'string') {
          const changeMs = Date.parse(change);
          expect(changeMs).to.be.above(moment);
          for (const before of [changeMs - 1, Math.floor(moment + (changeMs - 1 - moment) * share)])
            expect((await known(before)).open).to.equal(open);
          expect((await known(changeMs)).open).to.equal(!open);
        }
        if (typeof next_open === 'string') {
          expect((await known(Date.parse(next_open))).open).to.equal(true);
          expect((await known(Date.parse(next_open) - 1)).open).to.equal(false);
        }
      }),
      fuzzing(300),
    );
  });

  it('is open where the local clock is within the hours, on days when the clock is not changed', async () => {
    const localOf = (zone: string, ms: number) => {
      const text = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' }).format(
        ms,
      );
      return Date.parse(`${text.replace(' ', 'T')}Z`);
    };
    await fc.assert(
      fc.asyncProperty(scenario, async ({ moment, ...options }) => {
        const { zone, week, holidays } = options;
        const now = moment - (moment % 1_000);
        const [before, after] = [now - 3 * 86_400_000, now + 3 * 86_400_000];
        fc.pre(localOf(zone, before) - before === localOf(zone, after) - after);
        const local = localOf(zone, now);
        const opensOn = (day: number): boolean => {
          const date = new Date(day * 86_400_000);
          const minutes = (local - day * 86_400_000) / 60_000;
          if (holidays.includes(date.toISOString().slice(5, 10))) return false;
          return (week[date.getUTCDay()] ?? []).some(
            ([from, to]) => from <= minutes && minutes < (to < from ? to + 1_440 : to),
          );
        };
        const today = Math.floor(local / 86_400_000);
        expect((await knownIn(options)(now)).open).to.equal(opensOn(today) || opensOn(today - 1));
      }),
      fuzzing(500),
    );
  });
});
