/** A network without a network: requests go to a router in this process that nobody else can reach. */
import type { JsonObject } from '../contract/json.js';
import type { Fetch } from '../contract/tools.js';
import { fetchResponse } from '../runtime/fetch.js';
import type { Router } from '../runtime/router.js';

/** Where requests that stay in this process are sent to. */
export const offlineUrl = 'http://offline.invalid';

/** Answers requests for sources of calls as the router would, without recording them. `told` gets how each came about. */
export function offlineFetch(router: Router, told: (trace: JsonObject) => void): Fetch {
  return async (url, { body = '' } = {}) => {
    const source = new URL(url).pathname.split('/')[2] ?? '';
    const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
    const { reply, trace } = await router.ring(source, JSON.parse(text) as JsonObject);
    told(trace);
    const { status, headers = {}, body: said = {} } = reply;
    return fetchResponse(status, headers, new TextEncoder().encode(JSON.stringify(said)), false);
  };
}
