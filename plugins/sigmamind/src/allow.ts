/** Addresses a request may come from. */

import { isIP } from 'node:net';
import { problem, z } from '@switchhook/sdk';
import ipaddr from 'ipaddr.js';

type Range = readonly [network: ipaddr.IPv4 | ipaddr.IPv6, bits: number];

const range = z.string().transform((text, ctx): Range => {
  const found = rangeOf(text);
  if (found !== null && found[1] > 0) return found;
  const expected = 'an IP address or a range such as 203.0.113.7 or 203.0.113.0/24';
  ctx.addIssue(problem(found === null ? `expected ${expected}` : 'expected a list that does not allow every address'));
  return z.NEVER;
});

/** The `allow` option. */
export const allowOption = z
  .array(range)
  .min(1)
  .meta({ description: 'IP addresses and ranges requests may come from.' });

/** Whether an address is in one of the ranges. */
export function allowed(ranges: readonly Range[], address: string): boolean {
  const sender = isIP(address) === 0 ? null : ipaddr.process(address);
  return ranges.some(([network, bits]) => sender?.kind() === network.kind() && sender.match(network, bits));
}

/** `10.1` and `010.0.0.1` mean something else to different readers: they are no addresses. */
function rangeOf(text: string): Range | null {
  const [address = '', bits] = text.split('/');
  if (isIP(address) === 0) return null;
  if (bits !== undefined) return ipaddr.isValidCIDR(text) ? ipaddr.parseCIDR(text) : null;
  const single = ipaddr.process(address);
  return [single, single.toByteArray().length * 8];
}
