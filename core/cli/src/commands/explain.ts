/** `switchhook explain`: why an event went where it went, or where a body would go. Nothing is sent. */
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import {
  type DeliveryDetails,
  type DestinationStatus,
  type Explanation,
  explanationList,
  status,
} from '@switchhook/core/api';
import { routerRow } from '@switchhook/core/internal';
import {
  isRefusal,
  type JsonObject,
  type JsonValue,
  parseJson,
  partsOfDeliveryId,
  stringifyJson,
} from '@switchhook/sdk';
import { isEventId } from '@switchhook/sdk/internal';
import type { Command } from 'commander';
import { type RouterClient, type RouterOptions, RouterRefusal, routerCommand, withRouter } from '../api-client.js';
import { printDelivery, printEvent, printIndented } from '../format/event.js';
import { configOf, unopenedRouter } from '../local-router.js';
import { CommandFailure, exitCodes, type Output, printJson, styled } from '../output.js';

type Route = Explanation['routes'][number];
type Destinations = readonly DestinationStatus[];

interface ExplainOptions extends RouterOptions {
  readonly source?: string;
}

export function explainCommand(output: Output): Command {
  return routerCommand('explain', 'Show why an event was routed as it was: every route, every delivery, every attempt.')
    .argument(
      '<what>',
      'id of an event or a delivery; the subject of events, which is the id of their conversation; a JSON file with a body; or, with --source, a sample of the source',
    )
    .option(
      '-s, --source <name>',
      'of a file or sample: the source that would receive it; needed for a sample, and where there are several',
    )
    .addHelpText(
      'after',
      `
Examples:
  switchhook explain conv_123
  switchhook explain 01890a5d-ac96-774b-bcce-b302099a8057
  switchhook explain captured.json --source agents
  switchhook explain call_ended --source agents
  switchhook explain delivery.dead --source router

A file or a sample is explained by the configuration file as it is now, without a router; with --url by the router there. The ids of its
event and deliveries are examples, as are the headers made from them, such as Idempotency-Key: real ones are made on receipt.`,
    )
    .action(async (what: string, options: ExplainOptions) => {
      if (isFile(what) || options.source !== undefined) return explainBody(what, options, output);
      await withRouter(options, output, async (router) => {
        const explanations = await explained(router, what);
        if (options.json) return printJson(output, { explanations });
        print(explanations, await destinationsOf(router, explanations), output);
      });
    });
}

/** Ids of ours are UUIDs, but a platform's may be, too: what is no event of ours may be the subject of some. */
async function explained(router: RouterClient, what: string): Promise<readonly Explanation[]> {
  const event = partsOfDeliveryId(what)?.eventId ?? what;
  const ask = async (question: JsonObject) =>
    (await router.post('/api/explain', explanationList, question)).explanations;
  if (!isEventId(event)) return ask({ subject: what });
  return ask({ event }).catch((refusal: unknown) => {
    if (refusal instanceof RouterRefusal && refusal.code === 'NOT_KEPT') return ask({ subject: what });
    throw refusal;
  });
}

async function explainBody(what: string, options: ExplainOptions, output: Output): Promise<void> {
  const body = isFile(what) ? await bodyIn(what) : await sampleOf(what, options, output);
  if (options.url === undefined) return printAll(await locally(body, options, output), options, output);
  const { source } = options;
  if (source === undefined) throw new CommandFailure(exitCodes.usage, "name the router's source: --source <name>");
  await withRouter(options, output, async (router) => {
    const { explanations } = await router.post('/api/explain', explanationList, { source, body });
    printAll(explanations, options, output);
  });
}

/** A sample of the source; those of the router's own events are its types. */
async function sampleOf(what: string, options: ExplainOptions, output: Output): Promise<JsonObject> {
  const isOfRouter = options.source === routerRow.name;
  const rows = isOfRouter ? [routerRow] : (await configOf(options, output)).sources;
  const row = rows.find(({ name }) => name === options.source);
  if (row === undefined) throw new CommandFailure(exitCodes.usage, `there is no source ${options.source}`);
  const { samples = {} } = row.component;
  const sample = samples[what];
  if (sample !== undefined) return sample;
  const names = Object.keys(samples).join(', ') || 'none';
  throw new CommandFailure(exitCodes.usage, `${what} is neither a file nor a sample of ${row.name}; samples: ${names}`);
}

/** By the configuration file, without a router. */
async function locally(body: JsonObject, options: ExplainOptions, output: Output): Promise<readonly Explanation[]> {
  const config = await configOf(options, output);
  const names = config.sources.map(({ name }) => name);
  const [only, ...others] = options.source === undefined ? names : [options.source];
  if (only === undefined || others.length > 0)
    throw new CommandFailure(exitCodes.usage, `name the source: --source ${names.join('|')}`);
  try {
    return await unopenedRouter(config).explain(only, body);
  } catch (error) {
    if (isRefusal(error)) throw new CommandFailure(exitCodes.failed, error.message);
    throw error;
  }
}

function printAll(explanations: readonly Explanation[], options: ExplainOptions, output: Output): void {
  if (options.json) printJson(output, { explanations });
  else if (explanations.length === 0) output.line('The source makes no event of it.');
  else print(explanations, [], output);
}

/** The destinations, if one of them may show why a delivery still waits. */
async function destinationsOf(router: RouterClient, explanations: readonly Explanation[]): Promise<Destinations> {
  const waits = explanations.some(({ deliveries }) => deliveries.some(({ state }) => state === 'waiting'));
  return waits ? (await router.get('/api/status', status)).destinations : [];
}

function print(explanations: readonly Explanation[], destinations: Destinations, output: Output): void {
  for (const [index, one] of explanations.entries()) {
    if (index > 0) output.line();
    printEvent(output, one.event, one.kept);
    const ofNoRoute = one.deliveries.filter((made) => !one.routes.some((route) => belongs(made, route)));
    for (const route of one.routes)
      if (route.matches) printRoute(route, one, destinations, output);
      else printMismatch(route, output);
    if (ofNoRoute.length > 0) output.line('by routes as they were then');
    for (const delivery of ofNoRoute) printDelivery_(delivery, destinations, output);
  }
}

function belongs({ route, destination }: DeliveryDetails, { route: name, destinations }: Route): boolean {
  return route === name && destinations.some((one) => one.destination === destination);
}

function printRoute(route: Route, { kept, deliveries }: Explanation, destinations: Destinations, output: Output): void {
  output.line(
    `${styled(output, 'green', '✔')} ${styled(output, 'bold', route.route)}${route.where === null ? '' : `  where ${route.where}`}`,
  );
  for (const { destination, preview, reason } of route.destinations) {
    const made = deliveries.find((one) => one.route === route.route && one.destination === destination);
    if (made !== undefined) printDelivery_(made, destinations, output);
    else
      output.line(
        `  ${styled(output, 'bold', destination)}${kept ? '  no delivery was made: the route is newer than the event' : ''}`,
      );
    // The contents of a stored event are shown by `switchhook events`.
    if (made?.state !== 'delivered') printPreview(preview, reason, kept, output);
  }
}

function printPreview(preview: unknown, reason: string | null, kept: boolean, output: Output): void {
  const heading = kept ? 'would get' : 'would get, with an example of the delivery id:';
  output.line(
    styled(output, 'dim', `    ${reason === null ? heading : `what it would get cannot be shown: ${reason}`}`),
  );
  if (reason === null) printIndented(output, preview, '      ');
}

function printDelivery_(delivery: DeliveryDetails, destinations: Destinations, output: Output): void {
  printDelivery(output, delivery);
  const destination = destinations.find(({ destination }) => destination === delivery.destination);
  if (delivery.state !== 'waiting' || destination === undefined) return;
  if (!destination.configured) output.line('    its destination is not configured any more');
  else if (destination.breaker === 'open' || destination.breaker === 'half-open')
    output.line(`    circuit breaker of ${destination.destination}: ${destination.breaker}, after repeated failures`);
}

function printMismatch({ route, where, parts, reason }: Route, output: Output): void {
  output.line(
    `${styled(output, 'red', '✘')} ${styled(output, 'bold', route)}${parts.length > 1 ? `  where ${where}` : `  ${reason}`}`,
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

async function bodyIn(file: string): Promise<JsonObject> {
  let value: JsonValue = null;
  try {
    value = parseJson(await readFile(file, 'utf8'));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new CommandFailure(exitCodes.usage, `${file} is not a JSON object`);
}
