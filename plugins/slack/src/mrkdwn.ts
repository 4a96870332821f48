/** Escapes values so that Slack does not read them as control characters: `<!channel>` in a transcript notifies no one. */

/** Where a text stands: `mrkdwn` is parsed by Slack and entities in it are decoded, `literal` is shown as it is. */
export type Place = 'mrkdwn' | 'literal';

interface Control {
  readonly character: string;
  readonly mark: string;
  readonly escaped: string;
}

/**
 * Whether a value ends up in mrkdwn or in a plain text or URL is known only when the blocks are whole. Until then its
 * control characters are marks, from the code points Unicode reserves for a program's own use.
 */
const controls: readonly Control[] = [
  { character: '&', mark: '\uFDD0', escaped: '&amp;' },
  { character: '<', mark: '\uFDD1', escaped: '&lt;' },
  { character: '>', mark: '\uFDD2', escaped: '&gt;' },
  // Blocks link names by default; an invisible joiner makes it another word.
  { character: '@', mark: '\uFDD3', escaped: '@\u2060' },
];
const byCharacter = new Map(controls.map((control) => [control.character, control]));
const byMark = new Map(controls.map((control) => [control.mark, control]));

/** Marks the control characters of a value from outside. */
export function marked(value: string): string {
  return value.replace(
    /[&<>]|@(?=(?:channel|here|everyone|group))/gi,
    (found) => byCharacter.get(found)?.mark ?? found,
  );
}

/** Gives marks the form that belongs to the place. */
export function unmarked(text: string, place: Place): string {
  return text.replace(/[\uFDD0-\uFDD3]/g, (mark) => {
    const control = byMark.get(mark);
    return (place === 'mrkdwn' ? control?.escaped : control?.character) ?? mark;
  });
}

/** Escapes a value from outside that is put into mrkdwn. */
export function escaped(value: string): string {
  return unmarked(marked(value), 'mrkdwn');
}

/** Cuts a text to so many characters, the last an ellipsis: never within a character or an entity. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  // UTF-16 units are counted: whichever way Slack counts, it comes to no more.
  const head = text.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '');
  return `${head.replace(/&(?:amp?|a|[lg]t?)?$/, '')}…`;
}
