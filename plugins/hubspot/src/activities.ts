/** Notes and calls on the timeline of a contact, each logged once. */
import type { JsonApi, JsonObject, Step } from '@switchhook/sdk';
import { listIn } from './api.js';

/** What is logged on the timeline of which contact. */
export interface Activity {
  readonly kind: keyof typeof kinds;
  readonly contactId: string;
  /** With `hs_timestamp` in ISO 8601. */
  readonly properties: Readonly<Record<string, string>>;
}

/** The type of its association with a contact (`noteToContact`, `callToContact`), and the texts that distinguish it from others of the same time. */
const kinds = {
  notes: { associationTypeId: 202, texts: ['hs_note_body'] },
  calls: { associationTypeId: 194, texts: ['hs_call_title', 'hs_call_body'] },
} as const;

/** Ids for each request: the most that HubSpot takes and gives. */
const mostRead = 100;
const mostListed = 500;

/** Escapes what an event says: HubSpot shows notes and calls as HTML. */
export function asHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** HubSpot's limit for a note; the same is assumed for a call. */
const longestBody = 65_536;

/** A text that was filled in, with its line breaks; a longer one is cut. */
export function bodyOf(text: string): string {
  const html = text.trim().replace(/\r?\n/g, '<br>');
  return html.length <= longestBody ? html : `${html.slice(0, longestBody - 1).replace(/<\w*$|&\w*$/, '')}…`;
}

/** Logs it, and returns its id. Where an earlier attempt may have done it, looks for it first. */
export function logOnce(api: JsonApi, activity: Activity, step: Step, signal: AbortSignal): Promise<string> {
  const { kind, contactId, properties } = activity;
  const { associationTypeId } = kinds[kind];
  return step(kind, async (isUnsure) => {
    const logged = isUnsure ? await find(api, activity, signal) : null;
    if (logged !== null) return logged;
    const types = [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId }];
    const body = { properties, associations: [{ to: { id: contactId }, types }] };
    const reply = await api.request({ method: 'POST', path: `/crm/v3/objects/${kind}`, body, signal });
    return String(reply.body.id);
  });
}

/** Reads what the contact has, which is complete at once: searches show what is new after some moments only. */
async function find(api: JsonApi, activity: Activity, signal: AbortSignal): Promise<string | null> {
  const { kind, properties } = activity;
  const { texts } = kinds[kind];
  const ids = await idsOf(api, activity, signal);
  for (let start = 0; start < ids.length; start += mostRead) {
    const inputs = ids.slice(start, start + mostRead).map((id) => ({ id }));
    const body = { inputs, properties: ['hs_timestamp', ...texts], propertiesWithHistory: [] };
    const reply = await api.request({ method: 'POST', path: `/crm/v3/objects/${kind}/batch/read`, body, signal });
    const same = listIn(reply.body.results).find(({ properties: own }) => isSame(Object(own), properties, texts));
    if (same !== undefined) return String(same.id);
  }
  return null;
}

async function idsOf(api: JsonApi, { kind, contactId }: Activity, signal: AbortSignal): Promise<readonly string[]> {
  const path = `/crm/v4/objects/contacts/${encodeURIComponent(contactId)}/associations/${kind}`;
  const ids: string[] = [];
  for (let after: string | null = ''; after !== null; ) {
    const query: Record<string, string> = { limit: String(mostListed), ...(after !== '' && { after }) };
    const { body } = await api.request({ method: 'GET', path, query, signal });
    ids.push(...listIn(body.results).map(({ toObjectId }) => String(toObjectId)));
    const next = Object(Object(body.paging).next).after;
    after = typeof next === 'string' && next !== '' ? next : null;
  }
  return ids;
}

function isSame(own: JsonObject, properties: Activity['properties'], texts: readonly string[]): boolean {
  const timeOf = (value: unknown) => Date.parse(String(value));
  const isSameTime = timeOf(own.hs_timestamp) === timeOf(properties.hs_timestamp);
  return isSameTime && texts.every((name) => letters(own[name]) === letters(properties[name]));
}

/** HubSpot may keep a text with other tags, entities and spaces than it was given. */
function letters(text: unknown): string {
  return String(text ?? '')
    .replace(/<[^>]*>|&#?\w+;/g, '')
    .replace(/[^\p{L}\p{N}]/gu, '');
}
