/** Posts as a bot, through Slack's Web API, with the messages of one thread key in one thread. */
import {
  excerptLimits,
  type FetchResponse,
  fingerprint,
  type HttpClient,
  type JsonObject,
  type Outcome,
  outcomeOf,
  type State,
  stringifyJson,
} from '@switchhook/sdk';

/** What the bot needs. */
export interface Bot {
  readonly http: HttpClient;
  readonly state: State;
  /** URL of the Web API, without a slash at its end. */
  readonly baseUrl: string;
  readonly token: string;
}

/** For how long the thread of a conversation is known after its last message. */
const threadMs = 30 * 86_400_000;
/** For how long other messages of a thread wait for its first one: longer than an attempt may usually take. */
const startMs = 30_000;
const retryMs = 1_000;

/** Codes that pass without anyone acting. https://docs.slack.dev/reference/methods/chat.postMessage */
const passing = new Set([
  'ratelimited',
  'rate_limited',
  'message_limit_exceeded',
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
  'team_added_to_org',
]);

/** Codes about the message itself, which never will be accepted. */
const lasting =
  /^(?:invalid_(?:blocks|arg|arguments|charset|form_data|metadata|json|post|array)|no_text|msg_too_long|too_many_|msg_blocks_too_long|markdown_text_conflict|cannot_reply|slack_connect_file_link|duplicate_)/;

/**
 * Posts a message; with `thread`, into the thread of that key in this channel, which the first message with the key begins. `nowMs` is
 * for `Retry-After`.
 */
export async function post(
  bot: Bot,
  message: JsonObject & { readonly channel: string },
  thread: string | null,
  nowMs: number,
  signal: AbortSignal,
): Promise<Outcome> {
  if (thread === null) return outcomeFrom(await call(bot, 'chat.postMessage', message, signal), nowMs);
  const key = `thread:${fingerprint(JSON.stringify([message.channel, thread]))}`;
  const known = await bot.state.get(key);
  const ts = timeOf(known?.value);
  if (known !== null && ts === null)
    return { kind: 'unavailable', reason: 'the first message of the thread is being posted', retryAfterMs: retryMs };
  // Of several first messages at the same time, one begins the thread.
  if (known === null && !(await bot.state.set(key, { begun: true }, { ifVersion: null, expiresInMs: startMs })))
    return { kind: 'unavailable', reason: 'the first message of the thread is being posted', retryAfterMs: retryMs };
  let begun = ts;
  try {
    const body = ts === null ? message : { ...message, thread_ts: ts };
    const response = await call(bot, 'chat.postMessage', body, signal);
    const outcome = outcomeFrom(response, nowMs);
    if (outcome.kind === 'delivered') begun ??= timeOf(answerIn(response));
    return outcome;
  } finally {
    // The message is posted or not, whatever becomes of this: without it, the next message begins another thread.
    await bot.state.set(key, begun === null ? null : { ts: begun }, { expiresInMs: threadMs }).catch(() => false);
  }
}

/** Who the token belongs to. Throws where it cannot be used, with Slack's reason. */
export async function whoAmI(bot: Bot, nowMs: number, signal: AbortSignal): Promise<string> {
  const response = await call(bot, 'auth.test', {}, signal);
  const outcome = outcomeFrom(response, nowMs);
  if (outcome.kind !== 'delivered') throw new Error(outcome.reason);
  const { user, team } = answerIn(response);
  return `posts as ${String(user)} in ${String(team)}`;
}

function call({ http, baseUrl, token }: Bot, method: string, body: JsonObject, signal: AbortSignal) {
  return http.fetch(`${baseUrl}/${method}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json; charset=utf-8' },
    body: stringifyJson(body),
    ...excerptLimits,
    signal,
  });
}

/** Slack answers 200 with `ok: false` where it refuses. */
function outcomeFrom(response: FetchResponse, nowMs: number): Outcome {
  const outcome = outcomeOf(response, nowMs);
  const answer = answerIn(response);
  const code = typeof answer.error === 'string' ? answer.error : null;
  if (answer.ok === true || code === null) return outcome;
  const { needed, response_metadata: metadata } = answer;
  const details = Object(metadata).messages;
  const reason = [
    `Slack refused: ${code}`,
    ...(typeof needed === 'string' ? [`; the bot needs the scope ${needed}`] : []),
    ...(Array.isArray(details) ? [`: ${details.join('; ')}`] : []),
  ].join('');
  const kept = 'response' in outcome && outcome.response !== undefined ? { response: outcome.response } : {};
  if (lasting.test(code)) return { kind: 'rejected', reason, ...kept };
  const wish = 'retryAfterMs' in outcome ? { retryAfterMs: outcome.retryAfterMs } : {};
  return { kind: 'unavailable', reason, ...wish, ...(passing.has(code) ? {} : { needsOperator: true }), ...kept };
}

/** The answer as far as it can be read: what cannot is no refusal, since the status has decided. */
function answerIn(response: FetchResponse): JsonObject {
  try {
    return Object(response.json());
  } catch {
    return {};
  }
}

function timeOf(value: unknown): string | null {
  const { ts } = Object(value);
  return typeof ts === 'string' ? ts : null;
}
