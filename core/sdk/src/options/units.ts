/** Durations, sizes and rates as people write them: parsed here and nowhere else. */
const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const sizeUnits: Readonly<Record<string, number>> = { b: 1, kb: 1_024, mb: 1_048_576, gb: 1_073_741_824 };

/** How each is written. */
export const durationPattern = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
export const sizePattern = /^(\d+(?:\.\d+)?)([kKmMgG]?[bB])$/;
export const ratePattern = /^(\d+)\/(s|m|h)$/;

/** `800ms`, `5s`, `10m`, `1.5h`, `30d` → milliseconds; null where it is no duration. */
export function durationMs(text: string): number | null {
  return amount(text, durationPattern, durationUnits);
}

/** `512b`, `64kb`, `1mb`, `2gb` (binary multiples, any case) → bytes; null where it is no size. */
export function sizeBytes(text: string): number | null {
  return amount(text.toLowerCase(), sizePattern, sizeUnits);
}

/** So many per so long. */
export interface Rate {
  readonly count: number;
  readonly perMs: number;
}

/** `10/s`, `100/m`, `1000/h` → a rate; null where it is none. */
export function rateOf(text: string): Rate | null {
  const match = ratePattern.exec(text);
  const count = Number(match?.[1]);
  const perMs = durationUnits[match?.[2] ?? ''];
  return perMs === undefined || count === 0 ? null : { count, perMs };
}

/** 65 → `1m 5s`: the two largest units that matter. For people. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  let rest = Math.round(ms / 1_000) * 1_000;
  const parts: string[] = [];
  for (const [unit, size] of Object.entries(durationUnits).reverse()) {
    const count = Math.floor(rest / size);
    if (count > 0 && parts.length < 2) parts.push(`${count}${unit}`);
    if (parts.length < 2) rest -= count * size;
  }
  return parts.join(' ');
}

function amount(text: string, pattern: RegExp, units: Readonly<Record<string, number>>): number | null {
  const match = pattern.exec(text);
  const unit = units[match?.[2] ?? ''];
  return unit === undefined ? null : Math.round(Number(match?.[1]) * unit);
}
