/** Requests of a crash test to its routers, signed as its plugin expects. */
import type { Network } from '@switchhook/core/internal';
import { type Clock, signatureHeaders } from '@switchhook/sdk';
import { TimeoutError, withTimeout } from '@switchhook/sdk/internal';
import { signing } from './plugin.js';

/** What requests are made with. */
export interface PostParts {
  readonly secret: string;
  readonly network: Network;
  readonly clock: Clock;
}

/** What came back. `none`: the connection failed, as at a router that was killed. `late`: nothing came in time. */
export type Posted =
  | { readonly kind: 'reply'; readonly status: number; readonly text: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'late' };

/** Posts a body to a hook, and waits for so long for the whole reply. */
export async function signedPost(
  { secret, network, clock }: PostParts,
  hook: string,
  body: string,
  withinMs: number,
): Promise<Posted> {
  const signed = { body: Buffer.from(body), method: 'POST', url: '' };
  const headers = { 'content-type': 'application/json', ...signatureHeaders(signing, secret, signed, clock.now()) };
  try {
    return await withTimeout(clock, withinMs, async (signal) => {
      const response = await network.fetch(hook, { method: 'POST', headers, body, signal });
      return { kind: 'reply', status: response.status, text: await response.text() };
    });
  } catch (error) {
    if (error instanceof Error) return { kind: error instanceof TimeoutError ? 'late' : 'none' };
    throw error;
  }
}
