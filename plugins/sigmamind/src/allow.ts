/** Addresses a request may come from. */

import { isIP } from 'node:net';
import { problem, z } from '@switchhook/sdk';
import ipaddr from 'ipaddr.js';

type Range = readonly [network: ipaddr.IPv4 | ipaddr.IPv6, bits: number];

const tooWide = 'expected a list that does not allow every address';

const range = z.string().transform((text, ctx): Range => {
  const found = rangeOf(text);
  if (found !== null && found[1] > 0) return found;
  const expected = 'an IP address or a range such as 203.0.113.7 or 203.0.113.0/24';
  ctx.addIssue(problem(found === null ? `expected ${expected}` : tooWide));
  return z.NEVER;
});

/** The `allow` option. */
export const allowOption = z
  .array(range)
  .min(1)
  .superRefine((ranges, ctx) => {
    // Also where they do so in halves.
    if (coversAll(ranges, 'ipv4') || coversAll(ranges, 'ipv6')) ctx.addIssue(problem(tooWide));
  })
  .meta({ description: 'IP addresses and ranges requests may come from.' });

/** Whether an address is in one of the ranges. */
export function allowed(ranges: readonly Range[], address: string): boolean {
  const sender = isIP(address) === 0 ? null : ipaddr.process(address);
  return ranges.some(([network, bits]) => sender?.kind() === network.kind() && sender.match(network, bits));
}

/** Whether the ranges together have all addresses of a version in them. */
function coversAll(ranges: readonly Range[], kind: 'ipv4' | 'ipv6'): boolean {
  const length = BigInt(kind === 'ipv4' ? 32 : 128);
  const parts = ranges
    .filter(([network]) => network.kind() === kind)
    .map(([network, bits]) => {
      const size = 1n << (length - BigInt(bits));
      const address = BigInt(`0x${Buffer.from(network.toByteArray()).toString('hex')}`);
      return { start: address - (address % size), size };
    })
    .sort((a, b) => (a.start < b.start ? -1 : 1));
  let end = 0n;
  for (const { start, size } of parts) if (start <= end && start + size > end) end = start + size;
  return end === 1n << length;
}

/** `10.1` and `010.0.0.1` mean something else to different readers: they are no addresses. */
function rangeOf(text: string): Range | null {
  const [address = '', bits] = text.split('/');
  if (isIP(address) === 0) return null;
  if (bits !== undefined) return ipaddr.isValidCIDR(text) ? ipaddr.parseCIDR(text) : null;
  const single = ipaddr.process(address);
  return [single, single.toByteArray().length * 8];
}
