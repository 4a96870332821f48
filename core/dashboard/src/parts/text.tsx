/** Small pieces of text: times, states, links to what has an id. */
import type { ComponentChildren } from 'preact';
import { present } from '../model/clock.js';
import type { Outcome } from '../model/deliveries.js';
import { linkTo } from '../model/location.js';
import type { Delivery, Level } from '../model/replies.js';
import { age, momentText, stateText, utcText } from '../model/wording.js';

/** A point in time as an age; the date is its title, here and in UTC. */
export function Time({ iso }: { readonly iso: string }) {
  return (
    <time dateTime={iso} title={`${momentText(iso)} (${utcText(iso)})`}>
      {age(iso, present.value)}
    </time>
  );
}

/** A point in time as date and time, to the millisecond; its title is in UTC. */
export function Moment({ iso }: { readonly iso: string }) {
  return (
    <time dateTime={iso} title={utcText(iso)}>
      {momentText(iso)}
    </time>
  );
}

/** A fact of a list of facts. */
export function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const levelOfState: Readonly<Record<Delivery['state'], Level | 'off'>> = {
  waiting: 'busy',
  running: 'busy',
  delivered: 'well',
  dead: 'bad',
  skipped: 'off',
  gathered: 'off',
};

/** How bad the outcome of an attempt is. */
export const levelOfOutcome = { delivered: 'well', rejected: 'bad', unavailable: 'warn', skipped: 'off' } as const;

function levelOf({ state, reason }: Pick<Delivery, 'state' | 'reason'>): Level | 'off' {
  return reason === 'discarded' ? 'off' : levelOfState[state];
}

/** The state of a delivery. */
export function State({ of }: { readonly of: Pick<Delivery, 'state' | 'reason' | 'attempts'> }) {
  return <Badge level={levelOf(of)}>{stateText(of)}</Badge>;
}

/** What became of an event. */
export function OutcomeBadge({ of }: { readonly of: Outcome | null }) {
  if (of === null) return <span class="dim">see the event</span>;
  return of.worst === null ? <span class="dim">{of.text}</span> : <Badge level={levelOf(of.worst)}>{of.text}</Badge>;
}

/** Lines of twelve by twelve. */
const marks = {
  bad: 'M2 2l8 8M10 2l-8 8',
  warn: 'M6 1v6M6 10v1',
  busy: 'M1 6h1M5.5 6h1M10 6h1',
  well: 'M1.5 6.5l3 3 6-7',
  off: 'M2 6h8',
} as const;

/** A word with a colour, and a mark for who does not see colours. */
export function Badge({ level, children }: { readonly level: Level | 'off'; readonly children: ComponentChildren }) {
  return (
    <span class={`badge ${level}`}>
      <svg class="mark" viewBox="0 0 12 12" aria-hidden="true">
        <path d={marks[level]} />
      </svg>
      {children}
    </span>
  );
}

/** Up to here a text of others is not cut inside a word: a row still fits. */
const mostWhole = 24;

/** The class of a text in a table that stays whole where it is short. */
function wholeClass(text: unknown): { readonly class?: string } {
  return typeof text === 'string' && text.length <= mostWhole ? { class: 'whole' } : {};
}

/** The link to an event. */
export function EventLink({
  id,
  row = false,
  children,
}: {
  readonly id: string;
  readonly row?: boolean;
  readonly children?: ComponentChildren;
}) {
  return (
    <a href={linkTo(['events', id])} {...wholeClass(children)} {...(row && { 'data-row': '' })}>
      {children ?? <code>{id}</code>}
    </a>
  );
}

/** The link to everything of one conversation or call. */
export function SubjectLink({ subject }: { readonly subject: string | null }) {
  if (subject === null) return <span class="dim">none</span>;
  return (
    <a href={linkTo(['conversations', subject])} {...wholeClass(subject)}>
      {subject}
    </a>
  );
}

/** An error code, with the link to what it means. */
export function ErrorCode({ code }: { readonly code: string }) {
  return (
    <a class="code" href={linkTo(['errors', code])} title="What it means">
      <code>{code}</code>
    </a>
  );
}

/** A sentence of the documentation: code in backticks, links as their text. */
export function Inline({ text }: { readonly text: string }) {
  const parts = text.replace(/\[([^\]]+)\]\([^)]*\)/g, '$1').split('`');
  return <>{parts.map((part, index) => (index % 2 === 1 ? <code key={`${index} ${part}`}>{part}</code> : part))}</>;
}
