/** `http.poll`: fetches a list on a schedule, and makes an event of each of its items. */
import {
  Clock,
  ComponentInfo,
  defineSource,
  type EventDraft,
  type Expression,
  expression,
  type FetchResponse,
  followSchedule,
  HttpClient,
  isExpressionError,
  type JsonObject,
  type JsonValue,
  Log,
  outcomeOf,
  retryAfterMs,
  State,
  schedule,
  sentTimeMs,
  size,
  z,
} from '@switchhook/sdk';
import { headers } from './headers.js';
import { reachHost, send } from './request.js';
import { allowPrivate, reportForbidden, url } from './url.js';

/** What `emit` takes at once. */
const mostDrafts = 1_000;
const longest = { key: 512, type: 128, subject: 512 } as const;
/** Without it, a service that never answers would keep its schedule from going on. */
const requestMs = 30_000;

const ofItem = (description: string) => expression(description, ['item']);

const options = z
  .strictObject({
    url: url('URL of the list. May contain `${{ since }}`.', ['since']),
    headers: headers('Headers to add or replace; values may contain `${{ since }}`.', ['since']),
    schedule: schedule('When to fetch: an interval, or a cron expression with a time zone.'),
    items: expression('The list in the reply. Default: the reply itself.', ['reply']).optional(),
    key: ofItem('What makes an item the same event when it is fetched again.'),
    type: ofItem('Type of the event.'),
    subject: ofItem('Subject of the event. Default: none.').optional(),
    occurredAt: ofItem('When it happened, in any common form of a time. Default: when it was fetched.').optional(),
    since: expression(
      'What `since` is in the next request, of the reply and its list. Kept over restarts. Default: it stays the first one.',
      ['reply', 'items'],
    ).optional(),
    first: z.string().default('').meta({ description: 'What `since` is in the first request of all.' }),
    maxBytes: size('Longest reply.').prefault('1mb'),
    allowPrivate,
  })
  .superRefine(reportForbidden);

export const poll = defineSource({
  type: 'http.poll',
  description: 'Fetches a list over HTTP on a schedule; each item is an event.',
  options,
  inject: { http: HttpClient, clock: Clock, log: Log, state: State, info: ComponentInfo },
  create: (own, { http, clock, log, state, info }) => {
    const target = { ...own, method: 'GET' };
    const stateKey = `poll:${info.name}`;
    return {
      start: (emit, signal) =>
        followSchedule(own.schedule, { clock, signal }, async () => {
          const since = (await state.get(stateKey))?.value ?? own.first;
          const response = await limited(clock, signal, (limit) =>
            send(
              http,
              target,
              { since },
              {
                limits: { signal: limit, maxBytes: own.maxBytes },
                defaults: { accept: 'application/json' },
              },
            ),
          );
          if (signal.aborted || response.status === 304 || response.status === 204) return;
          const waitMs = retryAfterMs(response.headers['retry-after'], clock.now());
          if (response.status === 429 || (response.status === 503 && waitMs !== undefined)) {
            log.warn('poll.postponed', { status: response.status, waitMs: waitMs ?? null });
            return waitMs;
          }
          const reply = replyIn(response);
          const items = itemsIn(reply, own.items);
          const drafts = items.flatMap((item, index) => {
            try {
              return [draftOf(item, own)];
            } catch (error) {
              log.warn('poll.item-skipped', { index, reason: error instanceof Error ? error.message : String(error) });
              return [];
            }
          });
          const value = own.since?.evaluate({ reply, items }) ?? null;
          for (let at = 0; at < drafts.length || at === 0; at += mostDrafts) {
            const isLast = at + mostDrafts >= drafts.length;
            const checkpoint = isLast && value !== null ? { checkpoint: { key: stateKey, value } } : {};
            await emit(drafts.slice(at, at + mostDrafts), checkpoint);
          }
        }),
      probe: (signal) => reachHost(http, target, signal),
    };
  },
});

/** Does something with a signal that is aborted with another one, or after the time of a request. */
async function limited<T>(clock: Clock, signal: AbortSignal, work: (limit: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const abort = (): void => controller.abort(signal.reason);
  const cancel = clock.after(requestMs, () => controller.abort(new Error(`no reply within ${requestMs / 1_000} s`)));
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await work(controller.signal);
  } finally {
    cancel();
    signal.removeEventListener('abort', abort);
  }
}

function replyIn(response: FetchResponse): JsonValue {
  const outcome = outcomeOf(response, 0);
  if (outcome.kind !== 'delivered') throw new Error(outcome.reason);
  if (response.truncated) throw new Error('the reply is longer than maxBytes, or broke off');
  try {
    return response.json();
  } catch {
    // The parser's own words quote the reply.
    throw new Error('the reply is not JSON');
  }
}

function itemsIn(reply: JsonValue, items: Expression | undefined): readonly JsonValue[] {
  const found = items === undefined ? reply : items.evaluate({ reply });
  if (!Array.isArray(found)) throw new Error(`${items?.text ?? 'the reply'} is no list`);
  return found;
}

type Fields = Pick<z.output<typeof options>, 'key' | 'type' | 'subject' | 'occurredAt'>;

function draftOf(item: JsonValue, { key, type, subject, occurredAt }: Fields): EventDraft {
  if (!isObject(item)) throw new Error('the item is no object');
  const about = optional(subject, item);
  return {
    key: textOf(evaluated(key, item, 'key'), 'key'),
    type: textOf(evaluated(type, item, 'type'), 'type'),
    subject: about === null ? null : textOf(about, 'subject'),
    agent: null,
    occurredAtMs: sentTimeMs(optional(occurredAt, item)),
    data: item,
  };
}

function textOf(value: JsonValue, name: keyof typeof longest): string {
  const text = typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' ? String(value) : '';
  if (text === '' || text.length > longest[name])
    throw new Error(`${name} is no text of 1 to ${longest[name]} characters, and no number`);
  return text;
}

function evaluated(field: Expression, item: JsonObject, name: string): JsonValue {
  try {
    return field.evaluate({ item });
  } catch (error) {
    throw isExpressionError(error) ? new Error(`${name}: ${error.message}`) : error;
  }
}

/** Null where the item does not have what the expression reads. */
function optional(field: Expression | undefined, item: JsonObject): JsonValue {
  try {
    return field?.evaluate({ item }) ?? null;
  } catch (error) {
    if (isExpressionError(error)) return null;
    throw error;
  }
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
