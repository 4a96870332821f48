/** Makes blocks fit into Slack's limits by cutting: one block too long would lose the whole message. */
import { type JsonObject, type JsonValue, stringifyJson } from '@switchhook/sdk';
import { cut, marked, type Place, unmarked } from './mrkdwn.js';

/** https://docs.slack.dev/reference/block-kit/blocks */
const maxBlocks = 50;
/** Of all markdown blocks of a message together. */
const maxMarkdown = 12_000;
/** The limit of a text object without a limit of its container. */
const maxText = 3_000;

interface Limit {
  readonly characters?: number;
  readonly items?: number;
}

/** Limits of the fields of an object, by its `type`; of those without one by the field they stand in. */
const limits: ReadonlyMap<string, Readonly<Record<string, Limit>>> = new Map(
  Object.entries({
    section: { fields: { items: 10, characters: 2_000 } },
    header: { text: { characters: 150 } },
    context: { elements: { items: 10 } },
    actions: { elements: { items: 25 } },
    image: { title: { characters: 2_000 }, alt_text: { characters: 2_000 } },
    markdown: { text: { characters: maxMarkdown } },
    button: { text: { characters: 75 }, value: { characters: 2_000 }, accessibility_label: { characters: 75 } },
    overflow: { options: { items: 5 } },
    checkboxes: { options: { items: 10 } },
    radio_buttons: { options: { items: 10 } },
    static_select: { options: { items: 100 }, placeholder: { characters: 150 } },
    options: { text: { characters: 75 }, description: { characters: 75 }, value: { characters: 150 } },
    confirm: {
      title: { characters: 100 },
      text: { characters: 300 },
      confirm: { characters: 30 },
      deny: { characters: 30 },
    },
  }),
);

/** Types whose `text` is the text itself, and how Slack reads it: with which markup in it, or as it is. */
const textTypes: ReadonlyMap<string, Place> = new Map([
  ['mrkdwn', 'mrkdwn'],
  ['markdown', 'markdown'],
  ['plain_text', 'literal'],
  ['raw_text', 'literal'],
  ['text', 'literal'],
  ['link', 'literal'],
]);

/** Blocks as Slack takes them. Those that are null (for example because of a condition) are left out. */
export function fittedBlocks(blocks: readonly JsonValue[]): readonly JsonValue[] {
  let markdownLeft = maxMarkdown;
  return blocks
    .filter((block) => block !== null)
    .slice(0, maxBlocks)
    .map((block) => {
      const fitted = fittedIn(block, 'blocks', {});
      if (!isObject(fitted) || fitted.type !== 'markdown' || typeof fitted.text !== 'string') return fitted;
      const text = cut(fitted.text, Math.max(1, markdownLeft));
      markdownLeft -= text.length;
      return { ...fitted, text };
    });
}

function fittedIn(value: JsonValue, field: string, limit: Limit): JsonValue {
  if (isList(value)) return value.slice(0, limit.items).map((inner) => fittedIn(inner, field, limit));
  if (isObject(value)) return fittedObject(value, field, limit);
  if (typeof value === 'string') return fittedText(value, 'literal', limit.characters);
  // Where Slack has a limit of characters it wants a text, also of what is a number in the event.
  return value === null || limit.characters === undefined ? value : String(value);
}

function fittedObject(object: JsonObject, field: string, limit: Limit): JsonObject {
  const type = typeof object.type === 'string' ? unmarked(object.type, 'literal') : field;
  const ofFields = limits.get(type) ?? {};
  // What is not known yet is taken to have markup in it: an entity too many is better than a channel that rings.
  const place = textTypes.get(type) ?? (typeof object.text === 'string' ? 'mrkdwn' : undefined);
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => {
      if (key !== 'text' || place === undefined) return [key, fittedIn(value, key, ofFields[key] ?? {})];
      const characters = ofFields.text?.characters ?? limit.characters ?? maxText;
      // Slack refuses a message with an empty text in it.
      return [key, fittedText(asText(value), place, characters) || '–'];
    }),
  );
}

function fittedText(text: string, place: Place, characters = Number.POSITIVE_INFINITY): string {
  return cut(unmarked(text, place), characters);
}

/** The value of a text that is exactly one expression: it keeps its type. */
function asText(value: JsonValue): string {
  if (typeof value === 'string') return value;
  // Names of fields are not marked yet.
  return value === null ? '' : marked(stringifyJson(value));
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !isList(value);
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
