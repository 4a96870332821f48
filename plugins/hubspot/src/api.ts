/**
 * The API of HubSpot, as all components call it. Paths and fields: `@hubspot/api-client` 14.0.1; what a contact and a search need: HubSpot's guides
 * (https://developers.hubspot.com/docs/api-reference).
 */
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
  stringifyJson,
  z,
} from '@switchhook/sdk';

/** The options of all components. */
export const accountOptions = {
  token: secret('Access token of a private app.'),
  phoneProperties: z
    .array(z.string().regex(/^\w+$/, 'expected the internal name of a property'))
    .min(1)
    .max(5)
    .default([
      'hs_searchable_calculated_phone_number',
      'hs_searchable_calculated_mobile_number',
      'phone',
      'mobilephone',
    ])
    .meta({
      description: 'Properties of contacts in which a phone number is searched, 5 at most: HubSpot takes no more.',
    }),
  baseUrl: apiUrl('https://api.hubapi.com'),
};

/** How an account is reached. */
export interface Account {
  readonly token: string;
  readonly baseUrl: string;
}

export function apiOf(
  { token, baseUrl }: Account,
  services: { readonly http: HttpClient; readonly clock: Clock },
): JsonApi {
  return new JsonApi({ ...services, baseUrl, headers: { authorization: `Bearer ${token}` }, reasonIn, correct });
}

/** What to do about it first, then the message and those of its details. */
function reasonIn(body: JsonObject): string | null {
  const parts = [body, ...listIn(body.errors)];
  const scopes = parts.flatMap(({ context }) =>
    isObject(context) ? Object.entries(context).flatMap(([key, value]) => (/scopes$/i.test(key) ? value : [])) : [],
  );
  const advice = `the token lacks the scope ${[...new Set(scopes)].join(' or ')}: add it to the private app in HubSpot`;
  const messages = parts.map(({ message }) => message).filter((message) => typeof message === 'string');
  const texts = [...new Set([...(scopes.length > 0 ? [advice] : []), ...messages])];
  return texts.length === 0 ? null : texts.join('; ');
}

/** How long to wait after too many requests: by `policyName`, or the message for searches, as HubSpot's own client does. */
const pausesMs: Readonly<Record<string, number>> = {
  TEN_SECONDLY_ROLLING: 10_000,
  'You have reached your secondly limit.': 1_000,
  // The day ends at midnight in the time zone of the account, which is not known here.
  DAILY: 3_600_000,
};

function correct(outcome: Outcome, { status }: FetchResponse, { policyName, message }: JsonObject): Outcome {
  if (outcome.kind !== 'unavailable') return outcome;
  const advice = 'HubSpot does not accept the token: copy the access token of the private app again';
  if (status === 401) return { ...outcome, reason: `${outcome.reason}: ${advice}` };
  if (status !== 429) return outcome;
  const reason = policyName === 'DAILY' ? `${outcome.reason}: the requests of this day are used up` : outcome.reason;
  const retryAfterMs = outcome.retryAfterMs ?? pausesMs[String(policyName)] ?? pausesMs[String(message)];
  return { ...outcome, reason, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function listIn(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The properties that have a value, as HubSpot takes them: texts, the choices of a list with semicolons between them. */
export function propertiesOf(values: Readonly<Record<string, JsonValue>>): Readonly<Record<string, string>> {
  const written = (value: JsonValue): string =>
    Array.isArray(value) ? value.map(written).join(';') : typeof value === 'string' ? value : stringifyJson(value);
  const known = Object.entries(values).filter(([, value]) => value !== null);
  const texts = known.map(([name, value]) => [name, written(value).trim()] as const);
  return Object.fromEntries(texts.filter(([, value]) => value !== ''));
}
