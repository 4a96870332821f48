/** What the reference says about expressions. Every result in it is what the expression came to when the page was made. */
import { compileExpression, type knownFields } from '@switchhook/core/internal';
import { anEvent } from '@switchhook/testkit';
import { code, table } from './option-table.js';

type Fields<V extends keyof typeof knownFields> = Readonly<Record<keyof (typeof knownFields)[V], string>>;

const event: Fields<'event'> = {
  id: 'id of the event, made by the router; the same in all its deliveries',
  key: 'key that identifies the event: two events with the same key are duplicates',
  source: 'name of the source',
  type: 'type of the event, e.g. `conversation_ended`',
  subject: 'conversation or call id; null if the sender sends none',
  agent: "the agent's id; null if the sender sends none",
  occurredAt: "time of the event by the sender's clock, ISO 8601 in UTC",
  receivedAt: "time of arrival by the router's clock, ISO 8601 in UTC",
  data: 'the body as it was sent, with all its fields',
};

const call: Fields<'call'> = {
  id: "the platform's id of the call; null if it sends none",
  from: "the caller's number; empty if it is withheld",
  to: 'the called number',
  agent: 'the agent of the called number; null if the platform sends none',
  data: 'the body as it was sent',
};

const delivery: Fields<'delivery'> = {
  id: 'id of the delivery, the same in all attempts: the idempotency key',
  route: 'name of the route',
  destination: 'name of the destination',
  attempt: 'number of the attempt, from 1',
};

/** The variables, and what is in them. */
export function variableTable(): string {
  const fields = Object.entries({ event, call, delivery }).flatMap(([variable, meanings]) =>
    Object.entries(meanings).map(([field, meaning]) => [code(`${variable}.${field}`), meaning]),
  );
  const known = [
    code('known'),
    "facts of the resolvers in `after`, by the names of the resolvers; in answers, each resolver's facts are also available by its name",
  ];
  const events = [
    code('events'),
    'in options of destinations: all events that a route with `wait` has gathered, oldest first, each as `event`; otherwise a list with `event` alone',
  ];
  const now = [code('now'), 'in answers: the time of the call; functions return its hour or day in a time zone'];
  return table(['variable', ''], [...fields, events, known, now]);
}

const scope = {
  event: anEvent({
    type: 'conversation_ended',
    subject: 'conv_1',
    agent: 'agent_sales',
    data: {
      duration: 73,
      from: '+12345678912',
      summary: 'Asked about the invoice of May, wants to be called back',
      tags: ['billing', 'vip'],
      score: null,
    },
  }),
  call: { id: null, from: '+12345678912', to: '+12345678913', agent: 'agent_sales', data: {} },
  now: new Date('2026-01-05T08:30:00Z'),
};

/** The event that the examples are about, as JSON. */
export const exampleData = JSON.stringify(scope.event.data);

/** Functions of ours, beside CEL's. */
export function functionTable(): string {
  return examples(
    ['function', ''],
    [
      ['`default(x, y)`', 'x, or y if x is missing or null', 'default(event.data.tier, "standard")'],
      [
        '`truncate(text, n)`',
        'at most n characters; a truncated text ends with `…`',
        'truncate(event.data.summary, 24)',
      ],
      ['`mask(text)`', 'a number or address with most characters masked', 'mask(event.data.from)'],
      ['`phone(text)`', 'an E.164 number in groups', 'phone(event.data.from)'],
      ['`duration(seconds)`', 'a number of seconds as a readable text', 'duration(event.data.duration)'],
      ['`json(x)`', 'JSON', 'json(event.data.tags)'],
    ],
  );
}

/** What CEL brings itself. */
export function languageTable(): string {
  return examples(
    ['operation', ''],
    [
      ['compare', '`==` `!=` `<` `<=` `>` `>=`', 'event.data.duration > 30'],
      ['combine', '`&&` `||` `!`', 'event.agent == "agent_sales" && event.data.duration > 30'],
      ['one of several', '`in`', 'event.type in ["conversation_ended", "conversation_analysed"]'],
      ['exists', '`has()`', 'has(event.data.recording)'],
      [
        'choose',
        '`? :`; in YAML, `: ` needs the whole value in quotes: `\'${{ … ? "a" : "b" }}\'`',
        'event.data.duration > 60 ? "long" : "short"',
      ],
      ['calculate', '`+` `-` `*` `/` `%`', 'event.data.duration / 60.0'],
      [
        'join texts',
        '`+`, with `string()` for other values',
        '"Call " + event.subject + ", " + string(event.data.duration) + " s"',
      ],
      ['search texts', '`startsWith` `endsWith` `contains`', 'call.from.startsWith("+1")'],
      [
        'search by pattern',
        '`matches`, a regular expression of RE2 (no look-around, no back references) that is found anywhere in the text',
        'event.data.summary.matches("(?i)INVOICE|refund")',
      ],
      ['search lists', '`[0]` `exists` `all` `filter` `map` `size()`', 'event.data.tags.exists(tag, tag == "vip")'],
      [
        'time of day',
        '`getHours` `getMinutes` `getDayOfWeek` (0 = Sunday) `getDate` `getMonth` (from 0), each with a time zone',
        'now.getHours("Europe/Berlin") < 12',
      ],
      ['read optional fields', '`.?` `orValue()`', 'event.data.?tier.orValue("standard")'],
    ],
  );
}

function examples(headings: readonly string[], rows: readonly (readonly [string, string, string])[]): string {
  return table(
    [...headings, 'example', 'is'],
    rows.map(([name, meaning, text]) => [name, meaning, code(text), code(resultOf(text))]),
  );
}

function resultOf(text: string): string {
  return JSON.stringify(compileExpression(text, Object.keys(scope)).evaluate(scope));
}
