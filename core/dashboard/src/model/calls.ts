/** Figures about answered calls. */
import type { Call, Step } from './replies.js';

/** In the order in which an answer gets worse. */
export const steps: readonly Step[] = ['fresh', 'cached', 'stale', 'default', 'none', 'minimum', 'unanswered'];

/** How long callers waited, and what answered them. */
export interface Figures {
  readonly number: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  /** Of each step that occurs: how many calls, and which share of all. */
  readonly shares: readonly { readonly step: Step; readonly number: number; readonly share: number }[];
}

/** Null where there is no call. */
export function figuresOf(calls: readonly Call[]): Figures | null {
  if (calls.length === 0) return null;
  const sorted = calls.map(({ answer }) => answer.ms).sort((a, b) => a - b);
  const quantile = (q: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? 0;
  const shares = steps
    .map((step) => ({ step, number: calls.filter(({ answer }) => answer.step === step).length }))
    .filter(({ number }) => number > 0)
    .map(({ step, number }) => ({ step, number, share: number / calls.length }));
  return { number: calls.length, p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99), shares };
}

/** What a step is, as a sentence. */
export const stepTexts: Readonly<Record<Step, string>> = {
  fresh: 'looked up during the call',
  cached: 'from facts that were kept and are still valid',
  stale: 'from facts that were kept and are past their time',
  default: 'from the defaults of the answer',
  none: 'a variable is missing',
  minimum: 'the router could only send its minimum answer',
  unanswered: 'no answer of the configuration matched',
};
