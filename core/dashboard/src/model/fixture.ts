/** An event as a file, for `switchhook send`, `explain` and `plan --fixtures`, and for tests of plugins. */
import { answerOf } from './conversation.js';
import type { EventDetails } from './replies.js';
import { shellLine } from './wording.js';

/** A value as the text of a file. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** The body as the platform sent it: the router adds the answer to that of a call. */
export function sentBody(data: EventDetails['data']): EventDetails['data'] {
  if (data === null || answerOf(data) === null) return data;
  const { answer: _, ...body } = data;
  return body;
}

/**
 * A command for a shell that has the router send the event to its source once more, signed, as another event with new ids. The body is its
 * input: an argument has a length. `raw`: the data as they are kept, which the command has where their JSON is written in another way, e.g. with
 * `1.0`; not of a call, to which the router has added its answer.
 */
export function sendingCommand(
  { source, data }: Pick<EventDetails, 'source' | 'data'>,
  raw: string,
  url: string,
): string {
  const headers = ['Authorization: Bearer TOKEN', 'Content-Type: application/json'].flatMap((header) => ['-H', header]);
  const line = shellLine(['curl', '-X', 'POST', ...headers, '--data-binary', '@-', url]);
  const body = sentBody(data);
  const isWrittenAlike = body !== data || JSON.stringify(data) === raw;
  const question = { source, newIds: true, ...(isWrittenAlike ? { body } : { text: raw }) };
  return `${line} <<'END'\n${JSON.stringify(question)}\nEND\n`;
}

/** The event with its data, and with the routes and destinations of its deliveries. Headers of its request are not kept. */
export function fixtureOf(event: EventDetails): string {
  const { id, key, source, type, subject, agent, occurredAt, receivedAt, data } = event;
  const deliveries = event.deliveries.map(({ route, destination }) => ({ route, destination }));
  return jsonText({ id, key, source, type, subject, agent, occurredAt, receivedAt, data, deliveries });
}
