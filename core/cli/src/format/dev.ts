/** What `switchhook dev` shows: an event with its routes, an attempt, a line of the log. */
import { type ChangePage, callAnswer, type Explanation } from '@switchhook/core/api';
import { systemClock } from '@switchhook/core/client';
import { durationText, type JsonObject, type JsonValue, parseJson, stringifyJson } from '@switchhook/sdk';
import { type Output, styled } from '../output.js';
import { printAnswer } from './call.js';
import { coloured, printIndented, relative } from './event.js';
import { notePlace } from './source-line.js';

type Attempt = Extract<ChangePage['changes'][number], { readonly kind: 'attempt' }>;

/** An event that was received, and what each route makes of it. `isReal`: whether a destination is delivered to. */
export function printReceived(output: Output, { event, routes }: Explanation, isReal: (name: string) => boolean): void {
  const { type, subject, source, id } = event;
  output.line(['', [styled(output, 'bold', type), subject ?? '-', `from ${source}`, `event ${id}`].join('  ')]);
  const { data: answer } = callAnswer.safeParse(event.data?.answer);
  if (answer !== undefined) printAnswer(output, answer);
  for (const { route, matches, reason, destinations } of routes) {
    if (!matches) output.line(`${styled(output, 'red', '✘')} ${route}: ${reason}`);
    for (const { destination, preview, reason: missing } of destinations) {
      const what = isReal(destination) ? 'gets' : 'would get';
      const head = `${styled(output, 'green', '✔')} ${route}: ${styled(output, 'bold', destination)}`;
      output.line(missing === null ? `${head} ${what}:` : `${head}, but what it ${what} cannot be shown: ${missing}`);
      if (missing === null) printIndented(output, preview, '    ');
      else notePlace(output, missing);
    }
  }
}

/** What came of an attempt at a delivery. */
export function printAttempt(output: Output, { delivery, attempt }: Attempt): void {
  const { destination, state, dueAt } = delivery;
  const { number, outcome, reason, response, durationMs } = attempt;
  const next =
    state === 'waiting' && dueAt !== null
      ? `, next attempt ${Date.parse(dueAt) > systemClock.now() ? relative(dueAt) : 'now'}`
      : '';
  const took = `attempt ${number} took ${Math.round(durationMs)} ms`;
  output.line(
    `${styled(output, 'bold', destination)}: ${coloured(output, state, outcome)}${reason === null ? '' : `: ${reason}`} (${state}, ${took}${next})`,
  );
  if (response !== null && outcome !== 'delivered')
    output.line(styled(output, 'dim', `    ${response.replace(/\s+/g, ' ').trim().slice(0, 300)}`));
  if (reason !== null) notePlace(output, reason);
}

/** What is shown better elsewhere. */
const shownAnyhow = /^(config\.(rejected|reloaded|warned)|delivery\.attempted|resolver\.failed)$/;

/** A line of the log: warnings, errors, and what components log. */
export function printLogLine(output: Output, text: string): void {
  const { level, time, event, error, at, ...fields } = parseJson(text) as JsonObject;
  const isNoted = level === 'warn' || level === 'error' || fields.component !== undefined;
  if (!isNoted || shownAnyhow.test(String(event))) return;
  const cause = Object(error).message ?? error;
  const message = cause === undefined ? '' : `: ${cause}${at === undefined ? '' : ` (${at})`}`;
  const tone = level === 'error' ? 'red' : level === 'warn' ? 'yellow' : 'dim';
  const facts = Object.entries(fields).map(([name, value]) => `${name}=${shortened(value)}`);
  output.line([`${styled(output, tone, `${level} ${event}`)}${message}`, ...facts].join(' '));
  notePlace(output, message);
}

function shortened(value: JsonValue | undefined): string {
  const text = typeof value === 'string' ? value : stringifyJson(value ?? null);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** `reloaded in 210 ms: destinations: changed crm; 1 unchanged`. */
export function savedText(changes: readonly string[], ms: number): string {
  return `reloaded in ${durationText(ms)}: ${changes.length === 0 ? 'nothing has changed' : changes.join(', ')}`;
}
