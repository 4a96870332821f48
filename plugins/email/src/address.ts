/** E-mail addresses, as they are written in options and filled in from events. */
import { domainToASCII, domainToUnicode } from 'node:url';

/** An address of one person. `name` is empty where there is none. */
export interface Address {
  readonly name: string;
  readonly address: string;
}

/** `user@host`, without what has a meaning in a header or in a command of SMTP. Quoted local parts are not supported. */
const plain = String.raw`[^\s<>()[\]\\,;:@"\p{C}]{1,64}@[^\s<>()[\]\\,;:@"/?#%\p{C}]{1,253}`;
const withName = new RegExp(String.raw`^(?<name>[^<>]*)<\s*(?<address>${plain})\s*>$`, 'u');
const alone = new RegExp(`^${plain}$`, 'u');

/** The one address in a text: `a@b.example` or `Name <a@b.example>`; null where there is none, or more than one. */
export function addressIn(text: string): Address | null {
  const trimmed = text.trim();
  const { name = '', address = trimmed } = withName.exec(trimmed)?.groups ?? {};
  const sent = alone.test(address) ? asSent(address) : null;
  return sent === null ? null : { name: oneLine(name).replace(/^"(.*)"$/, '$1'), address: sent };
}

/**
 * An address as nodemailer sends it, and names it where a server refuses it: the same for all spellings of its host, in ASCII unless the part
 * before it needs more. Null where the host cannot be one.
 */
function asSent(address: string): string | null {
  const [local = '', host = ''] = address.split('@');
  const ascii = domainToASCII(host);
  if (ascii === '') return null;
  const isDotted = local.split('.').every((part) => part !== '');
  return `${isDotted ? local : `"${local}"`}@${/[^\0-\x7f]/.test(local) ? domainToUnicode(ascii) : ascii}`;
}

/** Without line breaks and control characters, so that a header stays one header. */
export function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}
