/** `switchhook call`: rings as the platform would, at a running router or at a configuration alone, and shows what is answered. */

import type { Config } from '@switchhook/core';
import { callAnswer, eventDetails } from '@switchhook/core/api';
import { systemClock } from '@switchhook/core/client';
import { openNetwork } from '@switchhook/core/internal';
import { type Call, isRefusal, type JsonObject } from '@switchhook/sdk';
import { pause, type SourceRow } from '@switchhook/simulator';
import type { z } from 'zod';
import { RouterClient, type RouterOptions } from '../api-client.js';
import { localUrl } from '../configuration.js';
import { printAnswer } from '../format/call.js';
import { configOf, unopenedRouter, withComponents } from '../local-router.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';
import { platformFor } from '../platform.js';
import { msText, printJson } from '../print.js';
import { callRepeatedly } from './call-many.js';

interface CallOptions extends RouterOptions {
  readonly from: string;
  readonly to: string;
  readonly agent?: string;
  readonly source?: string;
  readonly offline?: true;
  readonly repeat: number;
  readonly concurrency: number;
}

const askedAgain = `Repeated request: the router treats calls between the same numbers within a short time (40 s with SigmaMind) as one
call. This is the answer to its first request.`;

export async function runCall(output: Output, options: CallOptions): Promise<void> {
  const config = await configOf(options, output);
  const source = callSource(config, options.source);
  if (options.repeat > 1) return callRepeatedly(config, source.name, options, output);
  const outcome = options.offline
    ? await calledOffline(config, source, options, output)
    : await called(config, source, options);
  if (options.json) printJson(output, { ...outcome, ms: Math.round(outcome.ms * 10) / 10 });
  else print(outcome, output);
  if (outcome.status >= 300) throw new CommandFailure(exitCodes.failed);
}

/** A call and what came of it. */
interface Called extends Pick<RecordedAnswer, 'answer' | 'reason'> {
  readonly source: string;
  readonly status: number;
  readonly ms: number;
  readonly reply: unknown;
  /** Id of its event; null where there is none. */
  readonly event: string | null;
  /** Which request about the same call this was: 1 for the first. */
  readonly requests: number;
}

async function called(config: Config, source: SourceRow, options: CallOptions): Promise<Called> {
  const network = openNetwork();
  try {
    const url = options.url ?? localUrl(config);
    const platform = platformFor(config, url, network);
    const post = platform.signed(source, bodyOf(source, options));
    if (post === null) throw new CommandFailure(exitCodes.failed, `source ${source.name} cannot sign a request itself`);
    const reply = await platform.post(post);
    if (reply.kind === 'none')
      throw new CommandFailure(
        exitCodes.failed,
        `ROUTER_UNREACHABLE: ${reply.reason}. Is the router running? (switchhook start)`,
      );
    const api = new RouterClient(network, url, options.token ?? config.server.adminToken);
    const { status, ms, body, eventId: event, requests } = reply;
    const { answerBy, deadlineMs = 0 } = source.component;
    // The call is recorded when its answer has been sent.
    const waitMs = recordingMs + (answerBy === 'call' ? deadlineMs : 0);
    const recorded = await recordedAnswer(api, event, waitMs);
    return { source: source.name, status, ms, reply: body, event, requests, ...recorded };
  } finally {
    await network.close();
  }
}

async function calledOffline(config: Config, source: SourceRow, options: CallOptions, output: Output): Promise<Called> {
  const router = unopenedRouter(config);
  try {
    return await withComponents(router, output, async () => {
      const startedAtMs = systemClock.elapsed();
      const { reply, trace } = await router.ring(source.name, bodyOf(source, options));
      const ms = systemClock.elapsed() - startedAtMs;
      const answer = callAnswer.parse(trace);
      const { status, body } = reply;
      return { source: source.name, status, ms, reply: body, event: null, requests: 1, answer, reason: null };
    });
  } catch (error) {
    if (isRefusal(error)) throw new CommandFailure(exitCodes.failed, `${error.code}: ${error.message}`);
    throw error;
  }
}

function print(called: Called, output: Output): void {
  const { status, ms, reply, answer, event, requests, reason } = called;
  output.line(`${styled(output, status < 300 ? 'green' : 'red', String(status))} in ${msText(ms)}`);
  if (answer === null || status >= 300) printJson(output, reply);
  if (answer !== null) printAnswer(output, answer);
  if (event !== null) output.line(styled(output, 'dim', `event ${event}`));
  if (requests > 1) output.note(askedAgain);
  if (reason !== null) output.note(`How it came about is not known: ${reason}`);
}

function bodyOf({ name, component }: SourceRow, { from, to, agent }: CallOptions): JsonObject {
  const call: Pick<Call, 'from' | 'to' | 'agent'> = { from, to, agent: agent ?? null };
  const body = component.callBody?.(call);
  if (body !== undefined) return body;
  throw new CommandFailure(exitCodes.failed, `source ${name} cannot make a call by itself`);
}

function callSource(config: Config, wanted: string | undefined): SourceRow {
  const sources = config.sources.filter(({ component }) => component.calls === true);
  const [only, ...others] = wanted === undefined ? sources : sources.filter(({ name }) => name === wanted);
  const names = sources.map(({ name }) => name).join('|');
  if (only === undefined)
    throw new CommandFailure(
      exitCodes.usage,
      `the configuration has no such source of calls; it has: ${names || 'none'}`,
    );
  if (others.length > 0) throw new CommandFailure(exitCodes.usage, `name the source: --source ${names}`);
  return only;
}

/** How a call was answered, or why that is not known. */
export type RecordedAnswer =
  | { readonly answer: z.output<typeof callAnswer>; readonly reason: null }
  | { readonly answer: null; readonly reason: string };

/** The store may be slow; the reply was not. */
const recordingMs = 2_000;
const againMs = 50;

/** Polls the API until the call is recorded or the time is up. */
export async function recordedAnswer(
  api: RouterClient,
  eventId: string | null,
  waitMs = recordingMs,
): Promise<RecordedAnswer> {
  if (eventId === null) return { answer: null, reason: 'the reply names no event' };
  const untilMs = systemClock.elapsed() + waitMs;
  for (;;)
    try {
      const { data } = await api.get(`/api/events/${encodeURIComponent(eventId)}`, eventDetails);
      const { data: answer } = callAnswer.safeParse(data?.answer);
      return answer === undefined ? { answer: null, reason: 'its event holds no answer' } : { answer, reason: null };
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error;
      const isEarly = error.message.startsWith('NOT_KEPT') && systemClock.elapsed() < untilMs;
      if (!isEarly) return { answer: null, reason: error.message.split('\n')[0] ?? '' };
      await pause(againMs, systemClock, new AbortController().signal);
    }
}
