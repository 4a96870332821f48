/** `switchhook explain`: why an event went where it went, or where a body would go. Nothing is sent. */
import { existsSync, statSync } from 'node:fs';
import { type DeliveryDetails, type Explanation, explanationList } from '@switchhook/core/api';
import { durationText, type JsonObject, partsOfDeliveryId, stringifyJson } from '@switchhook/sdk';
import { isEventId } from '@switchhook/sdk/internal';
import { type RouterClient, type RouterOptions, RouterRefusal, withRouter } from '../api-client.js';
import { printAnswer } from '../format/call.js';
import { printDelivery, printEvent, printIndented } from '../format/event.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';
import { printJson } from '../print.js';
import { quoted } from '../shell-words.js';
import { fixtureIn } from './fixture.js';

type Route = Explanation['routes'][number];

/** Of `switchhook explain`. */
export interface ExplainOptions extends RouterOptions {
  readonly source?: string;
  readonly cursor?: string;
}

export async function runExplain(output: Output, what: string, options: ExplainOptions): Promise<void> {
  const isBody = isFile(what) || options.source !== undefined;
  if (isBody && options.cursor !== undefined)
    throw new CommandFailure(exitCodes.usage, '--cursor is for a conversation: omit --source, and name its id');
  if (isBody) return explainBody(what, options, output);
  await withRouter(options, output, async (router) => {
    const { explanations, cursor } = await explained(router, what, options);
    if (options.json) return printJson(output, { explanations, cursor });
    print(explanations, output);
    if (cursor !== null)
      output.note(`There are earlier events: switchhook explain ${quoted(what)} --cursor ${quoted(cursor)}`);
  });
}

/** Ids of ours are UUIDs, but a platform's may be, too: what is no event of ours may be the subject of some. */
async function explained(router: RouterClient, what: string, { cursor }: ExplainOptions) {
  const event = partsOfDeliveryId(what)?.eventId ?? what;
  const ask = (question: JsonObject) => router.post('/api/explain', explanationList, question);
  if (cursor !== undefined) return ask({ subject: what, cursor });
  if (!isEventId(event)) return ask({ subject: what });
  return ask({ event }).catch((refusal: unknown) => {
    if (!isNotKept(refusal)) throw refusal;
    // The router says of the event how long it would be kept.
    return ask({ subject: what }).catch((other: unknown) => {
      throw isNotKept(other) ? refusal : other;
    });
  });
}

function isNotKept(thrown: unknown): thrown is RouterRefusal {
  return thrown instanceof RouterRefusal && thrown.code === 'NOT_KEPT';
}

async function explainBody(what: string, options: ExplainOptions, output: Output): Promise<void> {
  const { locally, sampleOf } = await import('./explain-locally.js');
  const { body, source: own } = isFile(what)
    ? await fixtureIn(what)
    : { body: await sampleOf(what, options, output), source: null };
  const source = options.source ?? own ?? undefined;
  const chosen = { ...options, ...(source !== undefined && { source }) };
  if (options.url === undefined) return printAll(await locally(body, chosen, output), options, output);
  if (source === undefined) throw new CommandFailure(exitCodes.usage, "name the router's source: --source <name>");
  await withRouter(options, output, async (router) => {
    const { explanations } = await router.post('/api/explain', explanationList, { source, body });
    printAll(explanations, options, output);
  });
}

function printAll(explanations: readonly Explanation[], options: ExplainOptions, output: Output): void {
  if (options.json) printJson(output, { explanations });
  else if (explanations.length === 0) output.line('The source makes no event of it.');
  else print(explanations, output);
}

function print(explanations: readonly Explanation[], output: Output): void {
  for (const [index, one] of explanations.entries()) {
    if (index > 0) output.line();
    printEvent(output, one.event, one.kept);
    if (one.call !== null) printCall(one.call, output);
    else if (one.answers.length > 0) printAnswers(one.answers, output);
    const ofNoRoute = one.deliveries.filter((made) => !one.routes.some((route) => belongs(made, route)));
    for (const route of one.routes)
      if (route.matches) printRoute(route, one, output);
      else printMismatch({ name: route.route, ...route }, output);
    if (one.event.data === null)
      output.line(
        'Retention has removed its body: the current routes cannot be evaluated, and nothing can be delivered again.',
      );
    if (ofNoRoute.length > 0) output.line('by routes as they were then');
    for (const delivery of ofNoRoute) printDelivery(output, delivery);
  }
}

/** What a caller would get. */
function printCall(tried: NonNullable<Explanation['call']>, output: Output): void {
  const { answer, answers, reply, sentLater, numbers } = tried;
  output.line(styled(output, 'bold', 'its caller would get now'));
  if (numbers !== null) output.line(`  ${numbers}`);
  printMismatches(answers, output);
  printAnswer(output, answer);
  const what = sentLater ? 'acknowledged with' : 'replied';
  output.line(styled(output, 'dim', `  the platform would be ${what} ${reply.status}`));
  if (reply.text !== null) output.line(`    ${reply.text}`);
  if (reply.body !== null) printIndented(output, reply.body, '    ');
  if (sentLater) output.line('  The source sends the answer by a request of its own.');
}

type Answers = Explanation['answers'];

/** Of a call that is kept: which of today's answers it would get, and why not an earlier one. */
function printAnswers(answers: Answers, output: Output): void {
  output.line(styled(output, 'bold', 'answers, as they are today, for the call as it came'));
  printMismatches(answers, output);
  const first = answers.find(({ matches }) => matches);
  if (first === undefined) output.line('no answer matches: the agent gets nothing about the caller');
  else output.line(`${styled(output, 'green', '✔')} ${styled(output, 'bold', first.answer)}${whereText(first)}`);
}

/** Those behind the one that answers are not evaluated for a real call. */
function printMismatches(answers: Answers, output: Output): void {
  const first = answers.findIndex(({ matches }) => matches);
  for (const { answer: name, ...verdict } of first < 0 ? answers : answers.slice(0, first))
    printMismatch({ name, ...verdict }, output);
}

function whereText({ where }: Pick<Route, 'where'>): string {
  return where === null ? '' : `  where ${where}`;
}

function belongs({ route, destination }: DeliveryDetails, { route: name, destinations }: Route): boolean {
  return route === name && destinations.some((one) => one.destination === destination);
}

function printRoute(route: Route, { kept, deliveries }: Explanation, output: Output): void {
  output.line(`${styled(output, 'green', '✔')} ${styled(output, 'bold', route.route)}${whereText(route)}`);
  for (const { destination, preview, reason, rejected, heldBack } of route.destinations) {
    const made = deliveries.find((one) => one.route === route.route && one.destination === destination);
    if (made !== undefined) printDelivery(output, made);
    else {
      const why = kept ? '  no delivery was made: the route is newer than the event' : '';
      output.line(`  ${styled(output, 'bold', destination)}${why}`);
      if (heldBack !== null) output.line(styled(output, 'yellow', `    it would wait: ${heldBack}`));
    }
    if (route.wait !== null && (made === undefined || isGathering(made)))
      output.line(
        `    waits for ${route.wait.for.join(' or ')}, at most ${durationText(route.wait.withinSeconds * 1_000)} from the first event on`,
      );
    // The contents of a stored event are shown by `switchhook events`.
    if (made?.state !== 'delivered' && made?.state !== 'gathered')
      if (rejected) output.line(`    ${styled(output, 'red', 'it would be rejected')}: ${reason}`);
      else printPreview(preview, reason, kept, output);
  }
}

function isGathering({ state, gathered, attempts }: DeliveryDetails): boolean {
  return state === 'waiting' && gathered !== null && attempts === 0;
}

function printPreview(preview: unknown, reason: string | null, kept: boolean, output: Output): void {
  const heading = kept ? 'would get' : 'would get, with an example of the delivery id:';
  output.line(
    styled(output, 'dim', `    ${reason === null ? heading : `what it would get cannot be shown: ${reason}`}`),
  );
  if (reason === null) printIndented(output, preview, '      ');
}

/** Of a route, or an answer. */
interface Mismatch extends Pick<Route, 'where' | 'parts' | 'reason'> {
  readonly name: string;
}

function printMismatch({ name, where, parts, reason }: Mismatch, output: Output): void {
  output.line(
    `${styled(output, 'red', '✘')} ${styled(output, 'bold', name)}${parts.length > 1 ? `  where ${where}` : `  ${reason}`}`,
  );
  if (parts.length < 2) return;
  for (const { text, value, failure, decides, operands } of parts) {
    const values = operands.map(
      (operand) => `${operand.text} is ${operand.failure === null ? stringifyJson(operand.value) : 'missing'}`,
    );
    const said = failure ?? `${stringifyJson(value)}${values.length === 0 ? '' : ` (${values.join(', ')})`}`;
    output.line(`    ${decides ? styled(output, 'red', '✘') : ' '} ${text}: ${said}`);
  }
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}
