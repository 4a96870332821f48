/** Where `switchhook plan` reads past events: from a running router, page by page, or from files. */
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventList, longestPage } from '@switchhook/core/api';
import { keptDelivery, keptEvent, type PastDelivery, type PastEvent, pastEventOf } from '@switchhook/core/internal';
import { type JsonValue, parseJson } from '@switchhook/sdk';
import { errorMessage } from '@switchhook/sdk/internal';
import { eventOf, fetchedAtOnce, type Query, type RouterClient } from '../api-client.js';
import { CommandFailure, exitCodes } from '../output.js';

/** The newest events of a period, with data and deliveries. Calls `onMore` where there are older ones, `onBodyRemoved` for each whose body was removed. */
export async function* keptEvents(
  router: RouterClient,
  { limit, ...period }: Pick<Query, 'since' | 'until'> & { readonly limit: number },
  { onMore, onBodyRemoved }: { readonly onMore: () => void; readonly onBodyRemoved: () => void },
): AsyncGenerator<PastEvent> {
  let cursor: string | null | undefined;
  for (let left = limit; left > 0 && cursor !== null; ) {
    const query = { ...period, limit: String(Math.min(longestPage, left)), ...(cursor !== undefined && { cursor }) };
    const page: { readonly events: readonly { readonly id: string }[]; readonly cursor: string | null } =
      await router.get('/api/events', eventList, query);
    for (let from = 0; from < page.events.length; from += fetchedAtOnce) {
      const fetched = page.events.slice(from, from + fetchedAtOnce).map(({ id }) => eventOf(router, id));
      for (const event of await Promise.all(fetched))
        if (event?.data === null) onBodyRemoved();
        else if (event !== null) yield pastEventOf({ ...event, data: event.data }, event.deliveries);
    }
    left -= page.events.length;
    cursor = page.cursor;
  }
  if (cursor !== null) onMore();
}

/** A value of a file, and where it is: `file` or `file:line`. */
interface Entry {
  readonly place: string;
  readonly value: JsonValue;
}

/**
 * The events of a file or of all files of a folder: `.json` has one value or a list, `.ndjson` one value a line. A value is an event
 * with its data, or a delivery. Where there are deliveries, an event without one had none; an event can also have its own.
 */
export async function* fixtureEvents(path: string): AsyncGenerator<PastEvent> {
  const files = await filesIn(path);
  const deliveries = new Map<string, PastDelivery[]>();
  for (const file of files)
    for await (const { value } of entriesIn(file)) {
      const { data } = keptDelivery.safeParse(value);
      if (data === undefined) continue;
      const known = deliveries.get(data.event) ?? [];
      deliveries.set(data.event, known);
      known.push({ route: data.route, destination: data.destination });
    }
  for (const file of files)
    for await (const { place, value } of entriesIn(file)) {
      if (keptDelivery.safeParse(value).success) continue;
      const { data: event, error } = keptEvent.safeParse(value);
      if (event === undefined) {
        const [issue] = error?.issues ?? [];
        const why = issue === undefined ? '' : ` (${issue.path.join('.') || 'it'}: ${issue.message})`;
        throw unusable(`${place}: expected an event with its data, or a delivery${why}`);
      }
      const made = event.deliveries ?? (deliveries.size === 0 ? null : (deliveries.get(event.id) ?? []));
      if (event.data !== null) yield pastEventOf({ ...event, data: event.data }, made);
    }
}

async function filesIn(path: string): Promise<readonly string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = await readdir(path, { recursive: true });
    return names
      .filter((name) => /\.(json|ndjson)$/.test(name))
      .sort()
      .map((name) => join(path, name));
  } catch (error) {
    throw unusable(`--fixtures ${path} cannot be read: ${errorMessage(error)}`);
  }
}

async function* entriesIn(file: string): AsyncGenerator<Entry> {
  if (!file.endsWith('.ndjson')) {
    const value = parsed(await readFile(file, 'utf8'), file);
    for (const one of Array.isArray(value) ? (value as readonly JsonValue[]) : [value])
      yield { place: file, value: one };
    return;
  }
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    line += 1;
    const place = `${file}:${line}`;
    if (text.trim() !== '') yield { place, value: parsed(text, place) };
  }
}

function parsed(text: string, place: string): JsonValue {
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw unusable(`${place}: ${error.message}`);
  }
}

function unusable(message: string): CommandFailure {
  return new CommandFailure(exitCodes.usage, message);
}
