/** Sends the answer to a call by a request of its source: again after failures, until the platform has stopped waiting. */
import type { Answer, Call, Clock, Log, Outcome, Source } from '@switchhook/sdk';
import { backoffMs, Sleep } from '@switchhook/sdk/internal';
import type { SentAnswer } from '../calls/answer.js';
import { calledWithin, checkedOutcome, longestReason, maskedOutcome } from '../delivery/outcome.js';
import type { Mask } from '../system/mask.js';
import { excerptOf, located } from '../system/thrown.js';
import { OpenSpan } from '../system/tracing.js';

/** An answer that the platform waits for. Times are those of the clock's `elapsed`. */
export interface UnsentAnswer {
  readonly source: string;
  readonly call: Call;
  /** Null where none matched. */
  readonly answer: Answer | null;
  readonly startedAtMs: number;
  /** The platform's deadline. */
  readonly endMs: number;
}

/** What sending works with. */
export interface SenderParts {
  readonly source: Source;
  readonly clock: Clock;
  readonly log: Log;
  readonly mask: Mask;
}

/** An attempt that hangs leaves time for another one. */
const shareOfAttempt = 1 / 2;
const shortestAttemptMs = 1_000;

/** Never rejects, and resolves at `endMs` at the latest. */
export async function sendAnswer(unsent: UnsentAnswer, parts: SenderParts): Promise<SentAnswer> {
  const { startedAtMs, endMs } = unsent;
  const { clock, log } = parts;
  let reason = 'the time of the call was over before the answer was there';
  for (let attempts = 0; ; attempts += 1) {
    const leftMs = endMs - clock.elapsed();
    const ended = (outcome: SentAnswer['outcome']): SentAnswer => {
      return { outcome, attempts, ms: clock.elapsed() - startedAtMs, reason: outcome === 'sent' ? null : reason };
    };
    if (leftMs <= 0) return ended('failed');
    const span = new OpenSpan(`answer ${unsent.source}`, {
      kind: 'CLIENT',
      attributes: { 'switchhook.source': unsent.source, 'switchhook.attempt': attempts + 1 },
    });
    const attemptMs = Math.min(leftMs, Math.max(shortestAttemptMs, leftMs * shareOfAttempt));
    const outcome = await span.run(() => attempt(unsent, attemptMs, parts));
    span.end({ 'switchhook.outcome': outcome.kind }, 'reason' in outcome ? outcome.reason : null);
    if (outcome.kind === 'delivered') return { ...ended('sent'), attempts: attempts + 1 };
    reason = excerptOf(outcome.reason, longestReason);
    log.warn('call.send-failed', { source: unsent.source, attempt: attempts + 1, reason });
    const waitMs = outcome.kind === 'unavailable' && !outcome.needsOperator ? waitAfter(outcome, attempts + 1) : null;
    if (waitMs === null || waitMs >= endMs - clock.elapsed()) return { ...ended('failed'), attempts: attempts + 1 };
    await new Sleep(clock).for(waitMs);
  }
}

function waitAfter({ retryAfterMs = 0 }: { readonly retryAfterMs?: number }, failures: number): number {
  return Math.max(retryAfterMs, backoffMs(failures));
}

async function attempt(
  { call, answer }: UnsentAnswer,
  ms: number,
  { source, clock, mask }: SenderParts,
): Promise<Outcome> {
  try {
    const returned: unknown = await calledWithin(clock, ms, async (signal) => source.answer?.(call, answer, signal));
    return maskedOutcome(checkedOutcome(returned, 'answer', source), mask);
  } catch (error) {
    return { kind: 'unavailable', reason: located(error, mask) };
  }
}
