/** Escapes values so that Slack does not read them as markup: `<!channel>` in a transcript notifies no one. */

/** Where a text stands: Slack parses `mrkdwn` and decodes entities in it, reads `markdown` as Markdown, and shows `literal` as it is. */
export type Place = 'mrkdwn' | 'markdown' | 'literal';

/** What Slack or Markdown may read as markup. */
const characters = '&<>@\\`*_~[]()!|#-+=.:';
/** Of those, each where it may be markup: `_` not within a word, `-` and `1.` only where a list begins, `:` only before `//`. */
const markup =
  /[&<>@\\`*~[\]()!|#]|_(?<![^\W_]_(?=[^\W_]))|:(?=\/\/)|\.(?<=www\.|^[ \t]*\d{1,9}\.(?=\s|$))|[-+=](?<=^[ \t]*.)(?=[ \t]|[-+= \t]*$)/gim;

/**
 * Whether a value ends up in mrkdwn, in Markdown, in a plain text or in a URL is known only when the blocks are whole. Until then
 * these characters are marks, from the code points Unicode reserves for a program's own use.
 */
const firstMark = 0xfdd0;
const marks = /[\uFDD0-\uFDE4]/g;
/** Blocks link names by default; an invisible joiner makes it another word. */
const mention = /\uFDD3(?=channel|here|everyone|group)/gi;

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Addresses that the operator wrote, with the values in them, and the characters of a value that would end one. */
const addresses = {
  mrkdwn: { pattern: /<[^\s>|]*/g, ends: '<>|' },
  markdown: { pattern: /(?:\]\( *<?|<|https?:\/\/)[^\s)>]*/gi, ends: '\\`*[]()<>|' },
} as const;

/** Marks what may be markup in a value from outside. */
export function marked(value: string): string {
  return value.replace(markup, (found) => String.fromCharCode(firstMark + characters.indexOf(found)));
}

/** Gives marks the form that belongs to the place. */
export function unmarked(text: string, place: Place): string {
  if (place === 'literal') return restored(text, (character) => character);
  const { pattern, ends } = addresses[place];
  const entity = (character: string): string => entities[character] ?? character;
  const whole = text.replace(mention, '$&\u2060').replace(pattern, (address) =>
    restored(address, (character) => {
      if (ends.includes(character)) return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
      return place === 'mrkdwn' ? entity(character) : character;
    }),
  );
  return restored(whole, (character) =>
    place === 'mrkdwn' ? entity(character) : (entities[character] ?? `\\${character}`),
  );
}

function restored(text: string, form: (character: string) => string): string {
  return text.replace(marks, (mark) => form(characters[mark.charCodeAt(0) - firstMark] ?? mark));
}

/** Cuts a text to so many characters, the last an ellipsis: never within a character, an entity or an escape. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  // UTF-16 units are counted: whichever way Slack counts, it comes to no more.
  const head = text.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '');
  return `${head.replace(/&(?:amp?|a|[lg]t?)?$|\\$/, '')}…`;
}
