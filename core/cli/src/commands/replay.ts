/** `switchhook replay`: makes deliveries again, one or many. */

import { deliveryDetails, type Replay, replay, status } from '@switchhook/core/api';
import { partsOfDeliveryId } from '@switchhook/sdk';
import { isEventId } from '@switchhook/sdk/internal';
import { checkDestination, ended, type RouterClient, type RouterOptions, withRouter } from '../api-client.js';
import { type DeliveryFilter, type DiedPeriod, type EventFilter, filterOf, type Period } from '../filters.js';
import { standing } from '../format/event.js';
import { rowsOf, standingText } from '../format/hold.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';
import { confirm, deliveries, printJson } from '../print.js';

interface ReplayOptions extends RouterOptions, EventFilter, DeliveryFilter, Period, DiedPeriod {
  readonly unrouted?: true;
  readonly reroute?: true;
  readonly dryRun?: true;
  readonly perSecond: string;
  readonly yes?: true;
}

export async function runReplay(output: Output, id: string | undefined, options: ReplayOptions): Promise<void> {
  return withRouter(options, output, async (router) => {
    if (id !== undefined && partsOfDeliveryId(id) !== null) return replayOne(router, id, options, output);
    if (id !== undefined && !isEventId(id))
      throw new CommandFailure(
        exitCodes.usage,
        `${id} is no id of a delivery or an event; for a conversation: --subject ${id}`,
      );
    await checkDestination(router, options.destination);
    const request = requestFor(id, options);
    const counted = await followed(
      router,
      await router.post('/api/replay', replay, { ...request, dryRun: true }),
      output,
    );
    if (options.dryRun || counted.state !== 'done') return report(counted, options, output);
    if (counted.matched === 0 && !options.json) return output.line('Nothing fits: 0 deliveries replayed.');
    if (counted.matched === 0) return report(counted, options, output);
    // One event by its id needs no confirmation.
    if (options.yes !== true && id === undefined) await confirm(`Replay ${deliveries(counted.matched)}?`, output);
    const started = await router.post('/api/replay', replay, request);
    const result = await followed(router, started, output);
    report(result, options, output);
    if (result.replayed > 0 && !options.json) await noteHolds(router, result.destinations, output);
  });
}

async function replayOne(router: RouterClient, id: string, options: ReplayOptions, output: Output): Promise<void> {
  const details = await router.post(`/api/deliveries/${encodeURIComponent(id)}/replay`, deliveryDetails);
  if (options.json) return printJson(output, details);
  output.line(`${details.id} for ${details.destination}: ${standing(details)}`);
  if (details.state === 'waiting') await noteHolds(router, [details.destination], output);
}

/** Replayed deliveries wait behind a pause, an open circuit breaker or a wait like all others. */
async function noteHolds(router: RouterClient, destinations: readonly string[], output: Output): Promise<void> {
  const current = await router.get('/api/status', status);
  const replayed = rowsOf(current).filter(({ kind, name }) => kind === 'destination' && destinations.includes(name));
  for (const row of replayed) {
    const standing = standingText(row, current.now);
    if (standing !== null)
      output.note(`${row.name} gets nothing yet: ${standing}. switchhook probe ${row.name} makes one attempt now.`);
  }
}

function requestFor(id: string | undefined, options: ReplayOptions) {
  const { unrouted, reroute = false, perSecond } = options;
  const filter = { ...filterOf({ ...options, ...(id !== undefined && { event: id }) }), unrouted };
  if (Object.values(filter).every((condition) => condition === undefined))
    throw new CommandFailure(
      exitCodes.usage,
      'name deliveries: by id, or by options such as --destination crm or --state dead',
    );
  return { filter, reroute, perSecond: Number(perSecond) };
}

/** The replay at its end. */
function followed(router: RouterClient, started: Replay, output: Output): Promise<Replay> {
  return ended(started, output, {
    again: (id) => router.get(`/api/replays/${id}`, replay),
    text: ({ dryRun, matched, replayed }) => (dryRun ? `${matched} found` : `${replayed} of ${matched}`),
  });
}

function report(result: Replay, options: ReplayOptions, output: Output): void {
  const { state, dryRun, matched, replayed, skipped, reason } = result;
  if (options.json) printJson(output, result);
  else if (dryRun) output.line(`${deliveries(matched)} would be ${result.reroute ? 'made' : 'replayed'}`);
  else {
    output.line(`${styled(output, 'green', deliveries(replayed))} replayed`);
    if (skipped.running > 0) output.line(`${skipped.running} skipped: running or gone`);
    if (skipped.unconfigured > 0) output.line(`${skipped.unconfigured} skipped: their destination is not configured`);
    if (skipped.withoutBody > 0)
      output.line(`${skipped.withoutBody} skipped: retention has removed the bodies of their events`);
  }
  if (state !== 'done')
    throw new CommandFailure(exitCodes.failed, `the replay ${state}${reason === null ? '' : `: ${reason}`}`);
}
