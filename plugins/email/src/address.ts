/** E-mail addresses, as they are written in options and filled in from events. */

/** An address of one person. `name` is empty where there is none. */
export interface Address {
  readonly name: string;
  readonly address: string;
}

/** `user@host`, without what has a meaning in a header or in a command of SMTP. Quoted local parts are not supported. */
const plain = String.raw`[^\s<>()[\]\\,;:@"\p{C}]{1,64}@[^\s<>()[\]\\,;:@"\p{C}]{1,253}`;
const withName = new RegExp(String.raw`^(?<name>[^<>]*)<\s*(?<address>${plain})\s*>$`, 'u');
const alone = new RegExp(`^${plain}$`, 'u');

/** The one address in a text: `a@b.example` or `Name <a@b.example>`; null where there is none, or more than one. */
export function addressIn(text: string): Address | null {
  const trimmed = text.trim();
  if (alone.test(trimmed)) return { name: '', address: trimmed };
  const { name, address } = withName.exec(trimmed)?.groups ?? {};
  if (name === undefined || address === undefined) return null;
  return { name: oneLine(name).replace(/^"(.*)"$/, '$1'), address };
}

/** Without line breaks and control characters, so that a header stays one header. */
export function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}
