/** What a configuration would do with past events, as text. */
import type { AnswerReport, ComparisonReport, Example, Failure } from '@switchhook/core/internal';
import { stringifyJson } from '@switchhook/sdk';
import { type Output, styled } from '../output.js';
import { printTable, quantity } from '../print.js';
import type { Column } from '../table.js';

/** Where the events are from. */
export interface PlanOrigin {
  /** The file or folder; null where a router was asked. */
  readonly fixtures: string | null;
  readonly router: { readonly url: string; readonly since: string; readonly limit: number } | null;
  /** True where the period has older events, which were not compared. */
  readonly more: boolean;
}

/** Everything that would be different, with examples. */
export function printPlan(report: ComparisonReport, origin: PlanOrigin, file: string, output: Output): void {
  const { fixtures, router, more } = origin;
  if (report.events === 0) {
    output.note(`No event of the period (--since ${router?.since}) is kept: nothing was compared.`);
    return;
  }
  const where = fixtures ?? `${router?.url} (--since ${router?.since})`;
  output.line(`${styled(output, 'bold', file)}: compared with ${quantity(report.events, 'event')} of ${where}`);
  if (more) output.note(`Older events of the period were not compared: --limit ${router?.limit}.`);
  if (report.withoutDeliveries > 0)
    output.note(`The earlier deliveries of ${quantity(report.withoutDeliveries, 'event')} are not known.`);
  printRows(report, output);
  printDeliveries(report, output);
  printEvents('events that would have no delivery', report.unrouted, 'red', output);
  printEvents('events that had no delivery and would have one', report.newlyRouted, 'green', output);
  if (report.failures.length > 0) heading(output, 'fails on events');
  for (const failure of report.failures) printFailure(failure, output);
  printCalls(report.calls, output);
}

function printRows({ sources, destinations }: ComparisonReport, output: Output): void {
  const lines = Object.entries({ sources, destinations }).flatMap(([kind, { removed, added }]) => [
    ...(removed.length === 0 ? [] : [`${kind} removed: ${removed.join(', ')}`]),
    ...(added === null || added.length === 0 ? [] : [`${kind} added: ${added.join(', ')}`]),
  ]);
  for (const line of lines) output.line(line);
}

const columns: readonly Column[] = [
  { heading: 'route', cut: 10 },
  { heading: 'destination', cut: 10 },
  { heading: 'before' },
  { heading: 'after' },
  { heading: 'more' },
  { heading: 'fewer' },
];

function printDeliveries({ deliveries, withoutDeliveries, events }: ComparisonReport, output: Output): void {
  if (deliveries.length === 0) return;
  heading(output, 'deliveries');
  const hasKept = deliveries.some(({ keptBack }) => keptBack > 0);
  const knowsNone = withoutDeliveries === events;
  const headings = knowsNone
    ? [...columns.slice(0, 2), { heading: 'would get' }]
    : [
        ...columns,
        ...(hasKept ? [{ heading: 'kept back', drop: 2 }] : []),
        ...(withoutDeliveries > 0 ? [{ heading: 'not known', drop: 1 }] : []),
      ];
  const rows = deliveries.map(({ route, destination, before, after, more, fewer, keptBack, unknown }) => {
    const signed = (sign: string, count: number, colour: 'green' | 'red') =>
      count === 0 ? '-' : styled(output, colour, `${sign}${count}`);
    return knowsNone
      ? [route, destination, String(unknown)]
      : [
          ...[route, destination, String(before), String(after)],
          ...[signed('+', more, 'green'), signed('-', fewer, 'red')],
          ...(hasKept ? [String(keptBack)] : []),
          ...(withoutDeliveries > 0 ? [String(unknown)] : []),
        ];
  });
  printTable(output, headings, rows);
  for (const { route, destination, more, fewer, examples } of deliveries)
    for (const [count, word, shown] of [
      [fewer, 'fewer', examples.fewer],
      [more, 'more', examples.more],
    ] as const) {
      if (count > 0) output.line(`${route} → ${destination}: ${count} ${word}, e.g.`);
      for (const example of shown) printExample(example, output);
    }
}

function printEvents(
  title: string,
  { events, examples }: ComparisonReport['unrouted'],
  colour: 'red' | 'green',
  output: Output,
): void {
  if (events === 0) return;
  heading(output, `${title}: ${styled(output, colour, String(events))}`);
  for (const example of examples) printExample(example, output);
}

const failing: Readonly<Record<Failure['kind'], (failure: Failure) => string>> = {
  condition: ({ name }) => `where of route ${name}`,
  'answer-condition': ({ name }) => `where of answer ${name}`,
  transform: ({ name, text }) => `transform of route ${name}: ${text}`,
  variable: ({ name, text }) => `variable ${text} of answer ${name}`,
};

function printFailure(failure: Failure, output: Output): void {
  const { kind, position, text, events, examples } = failure;
  const place = position === null ? '' : `${styled(output, 'bold', position)}  `;
  output.line(`${place}${failing[kind](failure)}: ${quantity(events, 'event')}`);
  if (kind.endsWith('condition') && text !== null) output.line(styled(output, 'dim', `  ${text}`));
  for (const example of examples) printExample(example, output);
}

function printCalls({ compared, different, notCompared, moved, variables }: AnswerReport, output: Output): void {
  if (compared + notCompared.events === 0) return;
  const changed = styled(output, different === 0 ? 'green' : 'red', String(different));
  heading(output, `calls: ${changed} of ${compared} would get another answer`);
  for (const { before, after, events, examples } of moved) {
    output.line(`${quantity(events, 'call')}: answer ${before ?? 'none'} → ${after ?? 'none'}, e.g.`);
    for (const example of examples) printExample(example, output);
  }
  for (const { answer, variable, different: calls, unknown, resolvers, examples } of variables) {
    const name = `${answer ?? 'no answer'}: ${variable ?? 'overrideAgent'}`;
    if (calls > 0) output.line(`${name} differs in ${quantity(calls, 'call')}, e.g.`);
    for (const { before, after, ...example } of examples) {
      const shown = (value: string | null) => (value === null ? 'none' : stringifyJson(value));
      printExample({ ...example, reason: `${shown(before)} → ${shown(after)}` }, output);
    }
    if (unknown > 0)
      output.line(`${name} is unknown without the look-up in ${quantity(unknown, 'call')} (${resolvers.join(', ')})`);
  }
  if (notCompared.events > 0) output.line(`${quantity(notCompared.events, 'call')} not compared, e.g.`);
  for (const example of notCompared.examples) printExample(example, output);
}

function heading(output: Output, text: string): void {
  output.line();
  output.line(styled(output, 'bold', text));
}

function printExample({ event, type, subject, reason }: Example, output: Output): void {
  output.line(`  ${[event, type, ...(subject === null ? [] : [subject])].join('  ')}`);
  if (reason !== null) output.line(styled(output, 'dim', `    ${reason}`));
}
