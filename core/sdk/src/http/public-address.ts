/** Which addresses belong to the public internet. */
import ipaddr from 'ipaddr.js';

/** All that is assigned of IPv6: https://www.iana.org/assignments/ipv6-address-space. Addresses such as `::127.0.0.1` are outside of it. */
const globalUnicast: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];

/** Whether an address belongs to the public internet: not private, loopback, link-local, multicast or reserved. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv6 && !parsed.match(globalUnicast)) return false;
  return parsed.range() === 'unicast';
}
