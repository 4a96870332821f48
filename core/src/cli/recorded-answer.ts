/** How the router says that it has answered a call: what it has recorded beside its reply. */
import type { z } from 'zod';
import { callAnswer } from '../api/call.js';
import { eventStory } from '../api/reply.js';
import { systemClock } from '../runtime/clock.js';
import { pause } from '../simulation/pace.js';
import type { RouterClient } from './api-client.js';
import { CommandFailure } from './failure.js';

/** How a call was answered, or why that is not known. */
export type RecordedAnswer =
  | { readonly answer: z.output<typeof callAnswer>; readonly reason: null }
  | { readonly answer: null; readonly reason: string };

/** The store may be slow; the reply was not. */
const recordingMs = 2_000;
const againMs = 50;

/** Asks the API until the call is recorded, or the time is up. */
export async function recordedAnswer(api: RouterClient, eventId: string | null): Promise<RecordedAnswer> {
  if (eventId === null) return { answer: null, reason: 'the reply names no event' };
  const untilMs = systemClock.elapsed() + recordingMs;
  for (;;)
    try {
      const { data } = await api.get(`/api/events/${encodeURIComponent(eventId)}`, eventStory);
      const { data: answer } = callAnswer.safeParse(data.answer);
      return answer === undefined ? { answer: null, reason: 'its event holds no answer' } : { answer, reason: null };
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error;
      const isEarly = error.message.startsWith('NOT_KEPT') && systemClock.elapsed() < untilMs;
      if (!isEarly) return { answer: null, reason: error.message.split('\n')[0] ?? '' };
      await pause(againMs, systemClock, new AbortController().signal);
    }
}
