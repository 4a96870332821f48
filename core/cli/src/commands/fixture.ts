/** A JSON file for `send` and `explain`: a body as a platform sends it, or an event as `switchhook events <id> --json` and the page return it. */
import { readFile } from 'node:fs/promises';
import { callAnswer, eventDetails } from '@switchhook/core/api';
import { type JsonObject, type JsonValue, parseJson } from '@switchhook/sdk';
import { isEventId } from '@switchhook/sdk/internal';
import { CommandFailure, exitCodes } from '../output.js';

/** What a file holds. */
export interface Fixture {
  /** As the platform sent it. */
  readonly body: JsonObject;
  /** Of an event: the source that received it; null of a body. */
  readonly source: string | null;
}

const kept = eventDetails.pick({ id: true, key: true, source: true, type: true, receivedAt: true, data: true });

/** Reads a file. Ends the command where it holds no JSON object, or an event whose data retention has removed; rejects where it cannot be read. */
export async function fixtureIn(file: string): Promise<Fixture> {
  const value = jsonIn(await readFile(file, 'utf8'));
  if (!isObject(value)) throw new CommandFailure(exitCodes.usage, `${file} is not a JSON object`);
  if (!isEventId(String(value.id)) || !kept.safeParse(value).success) return { body: value, source: null };
  const { data = null, source } = value;
  if (!isObject(data))
    throw new CommandFailure(exitCodes.usage, `${file}: retention has removed the data of the event`);
  return { body: withoutAnswer(data), source: String(source) };
}

/** The body of a recorded event as the platform sent it: the router adds the answer to that of a call. */
export function withoutAnswer(data: Readonly<Record<string, unknown>>): JsonObject {
  const { answer, ...body } = data as JsonObject;
  return callAnswer.safeParse(answer).success ? body : (data as JsonObject);
}

function jsonIn(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch {
    // Reported as what is no JSON object.
    return null;
  }
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
