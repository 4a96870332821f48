/** How numbers, times and states are written. */
import type { Delivery, Status, VerifiedBy } from './replies.js';

/** `1 delivery`, `1,204 deliveries`. */
export function count(number: number, one: string, many: string): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}

const units: readonly (readonly [unit: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];

/** `12 ms`, `3 s`, `2 h 5 min`: the two largest units. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${ms < 10 && ms > 0 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`;
  if (ms < 10_000) return `${Number((ms / 1_000).toFixed(1))} s`;
  const seconds = Math.round(ms / 1_000) * 1_000;
  const at = units.findIndex(([, size]) => seconds >= size);
  return units
    .slice(at, at + 2)
    .map(([unit, size], index) => {
      const rest = index === 0 ? seconds : seconds % (units[at]?.[1] ?? 1);
      return [Math.floor(rest / size), unit] as const;
    })
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(' ');
}

/** `just now`, `4 min ago`, `in 3 s`. */
export function age(iso: string, nowMs: number): string {
  const ms = nowMs - Date.parse(iso);
  if (Math.abs(ms) < 1_500) return 'just now';
  const text = duration(Math.abs(ms))
    .replace(/(\d+ (d|h)) .*/, '$1')
    .replace(/(\d+ min) .*/, '$1')
    .replace(/\.\d/, '');
  return ms > 0 ? `${text} ago` : `in ${text}`;
}

/** `2026-01-31 16:18:38.123`: in the zone of the browser. */
export function momentText(iso: string): string {
  const date = new Date(iso);
  return `${date.toLocaleString('sv', { hour12: false })}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** `2026-01-31 16:18:38.123 UTC`. */
export function utcText(iso: string): string {
  return new Date(iso).toISOString().replace('T', ' ').replace('Z', ' UTC');
}

/** `America/New_York, now UTC−05:00`. `minutes`: how far UTC is ahead, as browsers count. */
export function zoneText(zone: string, minutes: number): string {
  if (minutes === 0 && /^(Etc\/)?(UTC|GMT)$/.test(zone)) return 'UTC';
  const two = (number: number) => String(number).padStart(2, '0');
  const all = Math.abs(minutes);
  return `${zone}, now UTC${minutes > 0 ? '−' : '+'}${two(Math.floor(all / 60))}:${two(all % 60)}`;
}

/** A text with an end: a reason of the other side may have none. */
export function ends(text: string): string {
  const trimmed = text.trim();
  return /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}

/** The first line of a text, at most so many characters. */
export function excerpt(text: string, most = 160): string {
  const line = text.trim().split(/[\r\n]/, 1)[0] ?? '';
  return line.length > most || line.length < text.trim().length ? `${line.slice(0, most).trimEnd()}…` : line;
}

/** The states of deliveries, to choose from. */
export const stateChoices = (['waiting', 'running', 'delivered', 'dead', 'skipped', 'gathered'] as const).map(
  (state) => [state, state] as const,
);

/** The state of a delivery as text. */
export function stateText({ state, reason, attempts }: Pick<Delivery, 'state' | 'reason' | 'attempts'>): string {
  switch (state) {
    case 'waiting':
      return attempts === 0 ? 'waiting' : 'waiting to be tried again';
    case 'dead':
      if (reason === 'discarded') return 'discarded';
      return reason === 'exhausted' ? 'dead: all attempts failed' : 'dead: rejected';
    default:
      return state;
  }
}

/** `3`, or after a replay `3 (1 since the replay)`: all attempts, as they are numbered. */
export function attemptsText({ attempts, attemptsInAll }: Pick<Delivery, 'attempts' | 'attemptsInAll'>): string {
  const all = attemptsInAll ?? attempts;
  const number = all.toLocaleString('en');
  return all > attempts ? `${number} (${attempts.toLocaleString('en')} since the replay)` : number;
}

/** The title of the browser's tab: `3 dead – Events – Switchhook`. */
export function titleOf(view: string, status: Pick<Status, 'destinations'> | null): string {
  const dead = (status?.destinations ?? []).reduce((sum, row) => sum + (row.dead ?? 0), 0);
  return [...(dead > 0 ? [`${dead.toLocaleString('en')} dead`] : []), view, 'Switchhook'].join(' – ');
}

/** When the router started, by its own clock. */
export function startOf({ now, uptimeSeconds }: Pick<Status, 'now' | 'uptimeSeconds'>): string {
  return new Date(Date.parse(now) - uptimeSeconds * 1_000).toISOString();
}

/** Which secret has verified an event. */
export function proofText(by: VerifiedBy | null): string {
  if (by === null) return 'not known';
  const { secret: position, of } = by;
  return position === 0 ? 'none: the source needs no secret' : `secret ${position} of ${of} of the source`;
}

/** `once`, `3 times`. */
export function timesText(times: number): string {
  return times === 1 ? 'once' : `${times.toLocaleString('en')} times`;
}

/** What a delivery has gathered, or that another one has gathered it; null where its route does not wait. */
export function gatheredText({ id, state, attempts, gathered }: Delivery): string | null {
  if (gathered === null) return null;
  if (gathered.by !== id) return 'Delivered together with the first event of the conversation.';
  if (state === 'waiting' && attempts === 0) return `Waits for further events, has ${gathered.events}.`;
  return `With ${count(gathered.events, 'event', 'events')}.`;
}

/** One line of `sh` in which each word is quoted. */
export function shellLine(words: readonly string[]): string {
  return words.map((word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
}
