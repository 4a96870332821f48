/** Figures of the last two days: rates, shares and sums of their steps. */
import type { DestinationHistory, History } from './history-replies.js';
import type { Step } from './replies.js';

/** Periods that can be chosen, each with the steps in which it is read. */
export const periods = { '1h': '1m', '6h': '5m', '24h': '15m', '48h': '30m' } as const;
export type Period = keyof typeof periods;

/** In the order in which an answer gets worse. */
const steps: readonly Step[] = ['fresh', 'cached', 'stale', 'default', 'none', 'minimum', 'unanswered'];

/** Minutes that count as the last ones. */
const lastMinutes = 10;

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0);
}

/** Of a history by the minute: the share of the last attempts that failed; null where there were none. */
export function failingShare({ delivered, failed }: DestinationHistory): number | null {
  const [good, bad] = [sum(delivered.slice(-lastMinutes)), sum(failed.slice(-lastMinutes))];
  return good + bad === 0 ? null : bad / (good + bad);
}

/** `3.2/s`, `4/min`, `0.3/min`: the rate of the last five minutes and of the part of the present one that is over. */
export function rateText(perMinute: readonly number[], { times, until }: Pick<History, 'times' | 'until'>): string {
  const presentMs = Date.parse(until) - Date.parse(times.at(-1) ?? until);
  const rate = sum(perMinute.slice(-6)) / (5 + presentMs / 60_000);
  return rate >= 30 ? `${Number((rate / 60).toPrecision(2))}/s` : `${Number(rate.toPrecision(2))}/min`;
}

/** Of each step that occurs: how many calls, and which share of all. */
export function sharesOf({ answered, steps: found }: History['calls']) {
  return steps.flatMap((step) => {
    const number = found[step] ?? 0;
    return number === 0 ? [] : [{ step, number, share: number / Math.max(1, sum(answered)) }];
  });
}

/** `85 %`; a share that is not zero is not shown as zero. */
export function percent(share: number): string {
  return share > 0 && share < 0.01 ? '< 1 %' : `${Math.round(share * 100)} %`;
}

/** `12 MB`: three digits. */
export function bytesText(bytes: number): string {
  const units = ['kB', 'MB', 'GB', 'TB'];
  const at = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3) - 1));
  return `${Number((bytes / 1_000 ** (at + 1)).toPrecision(3))} ${units[at]}`;
}

/**
 * The line of a series in a box, as a path of SVG, `top` being at its upper end. Where nothing was measured it has a gap; a number
 * between two gaps is a point.
 */
export function pathOf(
  numbers: readonly (number | null)[],
  { width, height, top }: { readonly width: number; readonly height: number; readonly top: number },
): string {
  const x = (index: number) => Number(((index / Math.max(1, numbers.length - 1)) * width).toFixed(1));
  const y = (number: number) => Number((height - (number / Math.max(top, Number.MIN_VALUE)) * height).toFixed(1));
  return numbers
    .map((number, index) => {
      if (number === null) return '';
      const isFirst = (numbers[index - 1] ?? null) === null;
      return `${isFirst ? 'M' : 'L'}${x(index)} ${y(number)}${isFirst ? 'h0' : ''}`;
    })
    .join('');
}
