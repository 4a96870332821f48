/** The resolver `business-hours` for Switchhook: whether the business is open, until when, and when it opens next. */
import { Clock, definePlugin, defineResolver, timeZone, z } from '@switchhook/sdk';
import { type Hours, periodsAround, type Week } from './schedule.js';
import { ZonedClock } from './zoned-clock.js';

const time = '(?:[01]?\\d|2[0-3]):[0-5]\\d';
const hoursPattern = new RegExp(`^(${time}) ?[-–] ?(${time}|24:00)$`);

const hours = z.string().transform((written, ctx): Hours => {
  const [, opens, closes] = hoursPattern.exec(written.trim()) ?? [];
  const [from, to] = [minutesOf(opens), minutesOf(closes)];
  if (from !== null && to !== null && from !== to) return { from, to: to < from ? to + 1_440 : to };
  const message =
    from === null || to === null ? 'expected hours such as 09:00-17:00' : 'expected two times; all day is 00:00-24:00';
  ctx.addIssue({ code: 'custom', message, params: { problem: 'INVALID_VALUE' } });
  return z.NEVER;
});

function minutesOf(text: string | undefined): number | null {
  const [hour, minute] = text?.split(':').map(Number) ?? [];
  return hour === undefined || minute === undefined ? null : hour * 60 + minute;
}

const hoursOf = (day: string) =>
  z
    .union([hours.transform((one) => [one]), z.array(hours)])
    .optional()
    .meta({ description: `Hours of ${day}, one or a list; \`[]\` = closed.` });

const names = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;

const holiday = z.string().refine(isDate, {
  error: 'expected a date such as 2026-12-24, or 12-25 for every year',
  params: { problem: 'INVALID_VALUE' },
});

function isDate(text: string): boolean {
  // A leap year: 02-29 is a date of some years.
  const date = /^\d\d-\d\d$/.test(text) ? `2024-${text}` : text;
  if (!/^\d{4}-\d\d-\d\d$/.test(date)) return false;
  const read = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(read.getTime()) && read.toISOString().startsWith(date);
}

const hoursOptions = z
  .strictObject({
    weekdays: hoursOf('Monday to Friday, for days that are not named'),
    weekend: hoursOf('Saturday and Sunday, for days that are not named'),
    monday: hoursOf('Monday'),
    tuesday: hoursOf('Tuesday'),
    wednesday: hoursOf('Wednesday'),
    thursday: hoursOf('Thursday'),
    friday: hoursOf('Friday'),
    saturday: hoursOf('Saturday'),
    sunday: hoursOf('Sunday'),
  })
  .refine((week) => Object.values(week).some((day) => day !== undefined && day.length > 0), {
    error: 'expected hours of at least one day',
  });

const businessHours = defineResolver({
  type: 'business-hours',
  description: 'Whether the business is open, until when, and when it opens next.',
  options: z.strictObject({
    zone: timeZone('Time zone of the hours, by its IANA name.'),
    hours: hoursOptions.meta({ description: 'Weekly hours. Days without hours are closed.' }),
    holidays: z
      .array(holiday)
      .default([])
      .meta({ description: 'Days that are closed: dates such as 2026-12-24, and 12-25 for every year.' }),
  }),
  inject: { clock: Clock },
  create: ({ zone, hours, holidays }, { clock }) => {
    const zoned = new ZonedClock(zone);
    const week: Week = {
      days: names.map((name) => hours[name] ?? usualHours(name, hours)),
      holidays: new Set(holidays),
    };
    return {
      async resolve() {
        const { current, next } = periodsAround(clock.now(), week, zoned);
        return {
          open: current !== null,
          ...(current !== null && Number.isFinite(current.end) && { closes_at: zoned.textOf(current.end) }),
          ...(next !== null && { next_open: zoned.textOf(next.start) }),
        };
      },
    };
  },
});

function usualHours(name: (typeof names)[number], { weekdays = [], weekend = [] }: z.output<typeof hoursOptions>) {
  return name === 'saturday' || name === 'sunday' ? weekend : weekdays;
}

export default definePlugin({ name: '@switchhook/plugin-business-hours', components: [businessHours] });
