/** The numbers that ring in a scenario, and those that ring in their place. */
import { random } from '@switchhook/core/internal';
import type { Call } from '@switchhook/sdk';

/** Digits at the end of a number that become others. */
const changedDigits = 4;
/** Of one number; a router that counts every request as repeated is not asked endlessly. */
const mostReplacements = 3;

export class Callers {
  readonly #onOther: ((from: string, instead: string) => void) | undefined;
  /** The number in place of each that has been replaced, and how often it was. */
  readonly #instead = new Map<string, { readonly number: string; readonly times: number }>();
  /** Requests about each call. */
  readonly #rung = new Map<string, number>();

  /** Without a function, no number is replaced. */
  constructor(onOther?: (from: string, instead: string) => void) {
    this.#onOther = onOther;
  }

  /** The number that rings in place of this one, or itself. */
  numberOf(from: string): string {
    return this.#instead.get(from)?.number ?? from;
  }

  /** Counts a request; the function returns how many there were about the same call. */
  rung({ from, to, agent }: Pick<Call, 'from' | 'to' | 'agent'>): () => number {
    const key = JSON.stringify([from, to, agent]);
    this.#rung.set(key, (this.#rung.get(key) ?? 0) + 1);
    return () => this.#rung.get(key) ?? 0;
  }

  /** From now on another number rings in place of this one; false where there is none. */
  replace(from: string): boolean {
    const [original, { times } = { times: 0 }] = [...this.#instead].find(([, { number }]) => number === from) ?? [from];
    if (this.#onOther === undefined || !/\d{7,}$/.test(from) || times >= mostReplacements) return false;
    const all = 10 ** changedDigits;
    const digits = (Number(from.slice(-changedDigits)) + 1 + Math.floor(random() * (all - 1))) % all;
    const number = from.slice(0, -changedDigits) + String(digits).padStart(changedDigits, '0');
    this.#instead.set(original, { number, times: times + 1 });
    this.#onOther(original, number);
    return true;
  }
}
