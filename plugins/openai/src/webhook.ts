/** OpenAI's webhooks: signed as Standard Webhooks have it, with the call and its SIP headers in the body. */
import {
  type Call,
  type EventDraft,
  eventKey,
  fingerprint,
  fitting,
  type JsonObject,
  type RawRequest,
  requireSignature,
  type SignatureScheme,
  type SignedRequest,
  secretAt,
  sentTimeMs,
  signatureHeaders,
  textAt,
  type VerifiedBy,
  valueAt,
} from '@switchhook/sdk';

/** The API that takes a call. */
export type Api = 'realtime' | 'live';

/** What announces a call to each API; of the Live API, the second name is the older one. Both may come for one call. */
export const incoming: Readonly<Record<Api, readonly string[]>> = {
  realtime: ['realtime.call.incoming'],
  live: ['live.transport.incoming', 'live.call.incoming'],
};

/** Where the id of a call is in the data of an event. */
const idPaths: Readonly<Record<Api, string>> = { realtime: 'data.call_id', live: 'data.session_id' };

function schemeOf(toleranceMs: number): SignatureScheme {
  return {
    header: 'webhook-signature',
    algorithm: 'sha256',
    encoding: 'base64',
    prefix: 'v1,',
    separator: ' ',
    timestampHeader: 'webhook-timestamp',
    toleranceMs,
    signed: '{header:webhook-id}.{timestamp}.{body}',
  };
}

/** Which of the secrets has signed a request; refuses what none of them has. */
export function verify(request: RawRequest, secrets: readonly Uint8Array[], toleranceMs: number): VerifiedBy {
  return secretAt(requireSignature(schemeOf(toleranceMs), secrets, request), secrets);
}

/** Headers that `verify` accepts. */
export function sign(body: Uint8Array, secret: Uint8Array, nowMs: number): SignedRequest {
  const headers = { 'webhook-id': `wh_${fingerprint(body)}` };
  const signature = signatureHeaders(schemeOf(0), secret, { body, method: 'POST', headers }, nowMs);
  return { headers: { ...headers, ...signature }, rest: '' };
}

/** The call of an event; its id is null where the body has none. */
export function callIn(data: JsonObject, api: Api): Call {
  const id = textAt(data, idPaths[api], 512);
  return { id, from: userIn(data, 'from'), to: userIn(data, 'to'), agent: null, data };
}

/** The event of a call: the same for all that announces it to one API. */
export function callEvent(type: string, { id, from, data }: Call): EventDraft {
  const draft = { type, subject: id, agent: null, party: fitting(from, 256) || null, occurredAtMs: timeIn(data), data };
  return { ...draft, key: fitting(eventKey('incoming', id ?? ''), 512) };
}

/** An event that nothing is to be answered to. */
export function otherEvent(type: string, data: JsonObject, body: Uint8Array): EventDraft {
  const subject = [idPaths.realtime, idPaths.live, 'data.id'].reduce<string | null>(
    (found, path) => found ?? textAt(data, path, 512),
    null,
  );
  const key = fitting(eventKey(type, textAt(data, 'id', 512) ?? fingerprint(body)), 512);
  return { key, type, subject, agent: null, party: userIn(data, 'from') || null, occurredAtMs: timeIn(data), data };
}

function timeIn(data: JsonObject): number | null {
  return sentTimeMs(valueAt(data, 'created_at'));
}

/** The user of the URI in a SIP header: the number in `"Ada" <sip:+12025550123@example.com>;tag=1`; `''` where there is none. */
function userIn(data: JsonObject, header: string): string {
  const headers = valueAt(data, 'data.sip_headers');
  const found = (Array.isArray(headers) ? headers : []).find(
    (one) => String(Object(one).name).toLowerCase() === header,
  );
  const [, user = ''] = /\b(?:sips?|tel):([^@;>?\s]{1,256})/i.exec(String(Object(found).value ?? '')) ?? [];
  return user.replace(/%2B/i, '+');
}
