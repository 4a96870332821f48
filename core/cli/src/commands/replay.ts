/** `switchhook replay`: makes deliveries again, one or many. */

import { deliveryDetails, type Replay, replay, replayList, status } from '@switchhook/core/api';
import { systemClock } from '@switchhook/core/client';
import { partsOfDeliveryId } from '@switchhook/sdk';
import { isEventId } from '@switchhook/sdk/internal';
import { checkDestination, type RouterClient, untilInterrupted, withRouter } from '../api-client.js';
import { standing } from '../format/event.js';
import { rowsOf, standingText } from '../format/hold.js';
import { CommandFailure, exitCodes, type Output } from '../output.js';
import { printJson } from '../print.js';
import { type BulkKind, type BulkOptions, changeMany, conditionsOf, listOrCancel } from './bulk-changes.js';

interface ReplayOptions extends BulkOptions {
  readonly unrouted?: true;
  readonly reroute?: true;
}

const kind: BulkKind<Replay> = {
  ...{ verb: 'replay', past: 'replayed', one: replay, all: replayList.transform(({ replays }) => replays) },
  changed: ({ replayed }) => replayed,
  became: outcomesText,
  would: ({ reroute }) => (reroute ? 'made' : 'replayed'),
  heldBack: ({ heldBack }) => heldBack,
  skipped: ({ skipped: { running, unconfigured, withoutBody } }) => [
    ...(running > 0 ? [`${running} skipped: running or gone`] : []),
    ...(unconfigured > 0 ? [`${unconfigured} skipped: their destination is not configured`] : []),
    ...(withoutBody > 0 ? [`${withoutBody} skipped: retention has removed the bodies of their events`] : []),
  ],
};

export async function runReplay(output: Output, id: string | undefined, options: ReplayOptions): Promise<void> {
  return withRouter(options, output, async (router) => {
    if (options.list || options.cancel) return listOrCancel(router, kind, options, output);
    if (id !== undefined && partsOfDeliveryId(id) !== null) return replayOne(router, id, options, output);
    if (id !== undefined && !isEventId(id))
      throw new CommandFailure(
        exitCodes.usage,
        `${id} is no id of a delivery or an event; for a conversation: --subject ${id}`,
      );
    await checkDestination(router, options.destination);
    const { unrouted, reroute = false, perSecond } = options;
    const filter = conditionsOf({ ...options, ...(id !== undefined && { event: id }) }, { unrouted });
    const request = { filter, reroute, perSecond: Number(perSecond) };
    // One event by its id needs no confirmation.
    const result = await changeMany(router, kind, request, { ...options, asks: id === undefined }, output);
    if (result === null || result.replayed === 0 || options.json) return;
    await noteOutcomes(router, result, output);
    await noteHolds(router, result.destinations, output);
  });
}

/** How long a command waits for what becomes of them: an attempt takes less than a second, but many are paced, and some are tried again later. */
const [longestMs, soonMs] = [5_000, 250];

/** Says what became of them, as far as it is known soon. */
async function noteOutcomes(router: RouterClient, started: Replay, output: Output): Promise<void> {
  const untilMs = systemClock.elapsed() + longestMs;
  let current = started;
  await untilInterrupted(soonMs, async () => {
    current = await router.get(`/api/replays/${current.id}`, replay);
    return (current.outcomes?.open ?? 0) > 0 && systemClock.elapsed() < untilMs;
  });
  const text = outcomesText(current);
  if (text === '') return;
  output.note(`of these: ${text}`);
  const { dead = 0, open = 0 } = current.outcomes ?? {};
  if (dead > 0) output.note(`switchhook dead --died-since ${current.startedAt} lists those that are dead again`);
  if (open > 0) output.note('switchhook replay --list shows what becomes of the others');
}

/** `1 delivered, 2 dead again`; empty where it is not known. */
function outcomesText({ outcomes }: Replay): string {
  if (outcomes === null) return '';
  const { delivered, dead, skipped, again, open, unknown } = outcomes;
  const texts = {
    ...{ delivered, 'dead again': dead, skipped, 'replayed again': again },
    ...{ 'not ended yet': open, 'not followed': unknown },
  };
  return Object.entries(texts)
    .filter(([, number]) => number > 0)
    .map(([text, number]) => `${number} ${text}`)
    .join(', ');
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
