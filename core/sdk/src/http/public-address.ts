/** Which addresses belong to the public internet. */
import ipaddr from 'ipaddr.js';

/** Whether an address belongs to the public internet: not private, loopback, link-local, multicast or reserved. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv6 && ['rfc6052', '6to4', 'teredo'].includes(parsed.range())) return false;
  return parsed.range() === 'unicast';
}
