/** The API of GoHighLevel, as both components call it. Paths and fields: https://marketplace.gohighlevel.com/docs, `@gohighlevel/api-client` 3.1.0. */
import {
  apiUrl,
  type Clock,
  type FetchResponse,
  type HttpClient,
  JsonApi,
  type JsonObject,
  type JsonValue,
  type Outcome,
  secret,
  z,
} from '@switchhook/sdk';

/** The options of both components. */
export const accountOptions = {
  token: secret('Token of a private integration of the sub-account.'),
  locationId: z.string().min(1).meta({ description: 'Id of the sub-account (location).' }),
  baseUrl: apiUrl('https://services.leadconnectorhq.com'),
  apiVersion: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}$/)
    .default('2023-02-21')
    .meta({ description: 'Version of the API, sent as the header `Version`.' }),
};

/** How an account is reached. */
export interface Account {
  readonly token: string;
  readonly baseUrl: string;
  readonly apiVersion: string;
}

export function apiOf(
  { token, baseUrl, apiVersion }: Account,
  services: { readonly http: HttpClient; readonly clock: Clock },
): JsonApi {
  const headers = { authorization: `Bearer ${token}`, version: apiVersion };
  return new JsonApi({ ...services, baseUrl, headers, reasonIn, correct });
}

/** `message` is a text or, of a body that is not valid, a list of texts. */
function reasonIn({ message, error }: JsonObject): string | null {
  const texts = [message ?? error ?? []].flat().filter((text) => typeof text === 'string');
  return texts.length === 0 ? null : texts.join('; ');
}

/** After too many requests the headers say whether the burst or the day is used up. */
function correct(outcome: Outcome, { status, headers }: FetchResponse): Outcome {
  if (status !== 429 || outcome.kind !== 'unavailable' || outcome.retryAfterMs !== undefined) return outcome;
  const isDay = headers['x-ratelimit-daily-remaining'] === '0';
  const waitMs = Number(headers[isDay ? 'x-ratelimit-daily-reset' : 'x-ratelimit-interval-milliseconds']);
  const reason = isDay ? `${outcome.reason}: the requests of this day are used up` : outcome.reason;
  return { ...outcome, reason, ...(waitMs > 0 && { retryAfterMs: waitMs }) };
}

/** A contact in a reply; null where there is none. */
export function contactIn(body: JsonObject): (JsonObject & { readonly id: string }) | null {
  const { contact } = body;
  if (!isObject(contact) || typeof contact.id !== 'string') return null;
  return { ...contact, id: contact.id };
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Shows that the token works and the sub-account is its own, by a search that changes nothing. */
export async function probe(api: JsonApi, locationId: string, signal: AbortSignal): Promise<void> {
  await findContact(api, locationId, '+12025550100', signal);
}

/** The contact of a number; null where there is none. */
export async function findContact(api: JsonApi, locationId: string, number: string, signal: AbortSignal) {
  const query = { locationId, number };
  const { body } = await api.request({
    method: 'GET',
    path: '/contacts/search/duplicate',
    query,
    signal,
    allow: [404],
    whole: true,
  });
  return contactIn(body);
}
