/** Puts values from outside into HTML so that they stay text. */

/** Schemes that an address in a mail may have. */
const harmless = /^(?:https?:\/\/|mailto:|tel:)/i;

/**
 * A value as text of HTML, or of an attribute, quoted or not. `before` is what stands in front of it: an attribute that is an address
 * becomes `#` where the value is no web, mail or phone address.
 */
export function inHtml(value: string, before: string): string {
  const tag = before.lastIndexOf('<');
  if (tag <= before.lastIndexOf('>')) return value.replace(/[&<>"']/g, entity).replace(/\r\n?|\n/g, '<br>');
  // Values in the text before the tag can be anything, and as long as an event: to look through them would take long.
  const isAddress = /\b(?:href|src|action|background)\s*=\s*["']?\s*$/i.test(before.slice(tag));
  if (isAddress && !harmless.test(value)) return '#';
  return value.replace(/[^\p{L}\p{N}]/gu, entity);
}

function entity(character: string): string {
  return `&#${character.codePointAt(0)};`;
}
