import { type JsonValue, parseJson, sentTimeMs } from '@switchhook/sdk';
import { expect } from 'chai';

describe('the time a sender writes', () => {
  const second = '2026-01-02T03:04:05.000Z';
  const read: readonly (readonly [JsonValue, string])[] = [
    ['2026-01-02T03:04:05Z', second],
    ['2026-01-02t03:04:05z', second],
    ['20260102T030405Z', second],
    ['2026-01-02T04:04:05+01', second],
    ['2026-01-02T04:04:05+0100', second],
    ['2026-01-01T21:34:05-05:30', second],
    ['2026-01-02T03:04:05', second],
    ['2026-01-02 03:04:05', second],
    ['2026-01-02 03:04:05 UTC', second],
    ['2026-01-02 03:04:05 +0000', second],
    [' 2026-01-02 03:04:05 GMT\n', second],
    ['2026-01-02T03:04:05.678901Z', '2026-01-02T03:04:05.678Z'],
    ['2026-01-02T03:04:05.678901234+00:00', '2026-01-02T03:04:05.678Z'],
    ['2026-01-02T03:04:05,6Z', '2026-01-02T03:04:05.600Z'],
    ['2026-01-02T03:04', '2026-01-02T03:04:00.000Z'],
    ['2026-01-02', '2026-01-02T00:00:00.000Z'],
    ['20260102', '2026-01-02T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['2026-12-31T23:59:60Z', '2027-01-01T00:00:00.000Z'],
    ['Fri, 02 Jan 2026 03:04:05 GMT', second],
    ['2 jan 2026 04:04:05 +0100', second],
    ['Fri, 02-Jan-2026 03:04:05 UTC', second],
    ...['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'].map(
      (month, index) =>
        [`02 ${month} 2026 03:04 GMT`, `2026-${String(index + 1).padStart(2, '0')}-02T03:04:00.000Z`] as const,
    ),
    [1_767_323_045, second],
    ['1767323045', second],
    [1_767_323_045_000, second],
    ['1767323045000', second],
    [1_767_323_045.6789, '2026-01-02T03:04:05.679Z'],
    ['1767323045.678', '2026-01-02T03:04:05.678Z'],
    [1_767_323_045_678_901, '2026-01-02T03:04:05.679Z'],
    [parseJson('1767323045678901234'), '2026-01-02T03:04:05.679Z'],
  ];
  for (const [value, time] of read)
    it(`is read: ${JSON.stringify(String(value))}`, () => {
      const ms = sentTimeMs(value);
      expect(ms === null ? null : new Date(ms).toISOString()).to.equal(time);
    });

  const none: readonly (JsonValue | undefined)[] = [
    undefined,
    null,
    true,
    '',
    'soon',
    0,
    -1,
    1e30,
    '1999-12-31',
    '2100-01-01',
    '2026-02-30',
    '2026-13-01',
    '2026-00-10',
    '2026-01-00',
    '2026-01-02T24:30:00Z',
    '2026-01-02T03:60:00Z',
    '2026-01-02T03:04:05 EST',
    '2026-01-02T03:04:05Z or later',
    'Fri, 32 Jan 2026 03:04:05 GMT',
    'Fri, 02 Foo 2026 03:04:05 GMT',
    '01/02/2026',
    [1_767_323_045],
    { seconds: 1_767_323_045 },
  ];
  for (const value of none)
    it(`is none: ${JSON.stringify(value)}`, () => {
      expect(sentTimeMs(value)).to.equal(null);
    });
});
