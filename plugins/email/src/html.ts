/** Puts values from outside into HTML so that they stay text. */

/** Schemes that an address in a mail may have. */
const harmless = /^(?:https?:\/\/|mailto:|tel:)/i;

/**
 * A value as text of HTML, or of an attribute, quoted or not. `before` is what stands in front of it: an attribute that is an address
 * becomes `#` where the value is no web, mail or phone address.
 */
export function inHtml(value: string, before: string): string {
  const isInTag = before.lastIndexOf('<') > before.lastIndexOf('>');
  if (!isInTag) return value.replace(/[&<>"']/g, entity).replace(/\r\n?|\n/g, '<br>');
  const isAddress = /\b(?:href|src|action|background)\s*=\s*["']?\s*$/i.test(before);
  if (isAddress && !harmless.test(value)) return '#';
  return value.replace(/[^\p{L}\p{N}]/gu, entity);
}

function entity(character: string): string {
  return `&#${character.codePointAt(0)};`;
}
