/** `switchhook restore`: fills an empty store with the content of a backup. */
import { erasuresPrefix, pausesKey, systemClock } from '@switchhook/core/internal';
import type { SnapshotCounts, StoredKey, StoredText } from '@switchhook/sdk';
import type { Counts } from '../backup/format.js';
import { isRestorable, type LeftOut, type RestorableStore, restoreInto, restoringKey } from '../backup/restorer.js';
import { keyPages, textPages } from '../backup/snapshot-pages.js';
import { type ConfiguredStore, storeOf, withOpenStores, withSnapshot } from '../backup/store.js';
import { eventsText, type Inside, printInside } from '../backup/summary.js';
import { verifyBackup } from '../backup/verify.js';
import { headerOf } from '../backup/writer.js';
import type { ConfigOptions } from '../configuration.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';
import { printJson, printTable, quantity } from '../print.js';

interface RestoreOptions extends ConfigOptions {
  readonly force?: true;
  readonly paused?: true;
}

/** What the whole backup is known to have. */
type Verified = Awaited<ReturnType<typeof verifyBackup>>;

const kinds = ['events', 'deliveries', 'attempts', 'texts', 'keys'] as const;

export async function runRestore(output: Output, file: string, options: RestoreOptions): Promise<void> {
  if (file === '-')
    throw new CommandFailure(exitCodes.usage, 'restore reads a backup twice: save it to a file, and name the file');
  const verified = await verifyBackup(file, output);
  const configured = await storeOf(options.config, output);
  const { store } = configured;
  if (!isRestorable(store))
    throw new CommandFailure(exitCodes.usage, `the store of ${options.config} cannot be restored into`);
  if (!options.json) printInside(output, file, verified);
  await withOpenStores([configured], () => restore(file, verified, { ...configured, store }, options, output));
}

async function restore(
  file: string,
  verified: Verified,
  configured: ConfiguredStore & { readonly store: RestorableStore },
  options: RestoreOptions,
  output: Output,
): Promise<void> {
  const { header, sha256, waitsFor } = verified;
  const { store, config } = configured;
  const erasures = await erasuresIn(configured);
  if ((await store.state(restoringKey)) === sha256)
    output.note('Continues a restore of this backup that was interrupted.');
  else await empty(configured, erasures, options, output);
  const destinations = [...new Set([...config.destinations.map(({ name }) => name), ...waitsFor])];
  const erased = new Set(erasures.keys.map(({ eventId }) => eventId));
  const plan = { path: file, sha256, takenAt: header.takenAt, destinations, erased, nowMs: systemClock.now() };
  let leftOut: LeftOut;
  try {
    leftOut = await restoreInto(store, {
      ...plan,
      paused: options.paused === true,
      onProgress: (events) => output.progress(`${quantity(events, 'event')} of ${header.counts.events}`),
    });
  } catch (error) {
    output.note('The store has a part of the backup, and its destinations are paused: restore it again to continue.');
    throw error;
  } finally {
    output.progress('');
  }
  const found = await withSnapshot(configured, async ({ counts }) => counts);
  report(verified, { found, ...leftOut, destinations }, options, output);
}

/** What keeps the erased from coming back, and the records of erasures. */
interface KeptErasures {
  readonly texts: readonly StoredText[];
  readonly keys: readonly StoredKey[];
}

function erasuresIn(configured: ConfiguredStore): Promise<KeptErasures> {
  return withSnapshot(configured, async (snapshot) => {
    const texts: StoredText[] = [];
    const keys: StoredKey[] = [];
    for await (const page of textPages(snapshot))
      texts.push(...page.filter(({ key }) => key.startsWith(erasuresPrefix)));
    for await (const page of keyPages(snapshot)) keys.push(...page.filter(({ untilMs }) => untilMs !== null));
    return { texts, keys };
  });
}

/** Ends the command where the store keeps something beside erasures, unless it may be removed. Erasures stay. */
async function empty(
  configured: ConfiguredStore & { readonly store: RestorableStore },
  erasures: KeptErasures,
  { force }: RestoreOptions,
  output: Output,
): Promise<void> {
  const { store, file, config } = configured;
  const lost = await withSnapshot(configured, async (snapshot) => {
    const { counts } = snapshot;
    const kept: string[] = [];
    for await (const texts of textPages(snapshot)) kept.push(...texts.map(({ key }) => key).filter(isOfOperator));
    if (counts.events + counts.keys - erasures.keys.length + kept.length === 0) return null;
    const origin = { router: '', store: config.store.component.type, takenAtMs: systemClock.now() };
    const backlog = await store.backlog();
    const [open, dead] = [
      backlog.reduce((sum, { waiting, running }) => sum + waiting + running, 0),
      backlog.reduce((sum, one) => sum + one.dead, 0),
    ];
    const deliveries = quantity(counts.deliveries, 'delivery', 'deliveries');
    return `${eventsText(headerOf(snapshot, origin))}, ${deliveries} (${open} open, ${dead} dead), and ${quantity(kept.length, 'text')} of plugins and pauses`;
  });
  if (lost !== null && !force)
    throw new CommandFailure(
      exitCodes.failed,
      `The store of ${file} is not empty. It keeps ${lost}. Nothing was changed: name a configuration with an empty store, or pass --force to remove all of this.`,
    );
  if (lost !== null) output.note(`Removing from the store of ${file}: ${lost}.`);
  // Also what a router that has received nothing keeps, such as its history.
  await store.clear(erasures);
}

/** Whether a text is of a plugin or an operator. A router that is started makes others of its own. */
function isOfOperator(key: string): boolean {
  return key === pausesKey || !key.startsWith('switchhook.');
}

interface Result extends LeftOut {
  readonly found: SnapshotCounts;
  readonly destinations: readonly string[];
}

function report({ header, sha256, states }: Inside, result: Result, options: RestoreOptions, output: Output): void {
  const { found, ended, passedOver, cancelled, leftBehind, destinations } = result;
  const { counts } = header;
  const expected: Counts = {
    events: counts.events - passedOver.events,
    deliveries: counts.deliveries - passedOver.deliveries,
    attempts: counts.attempts - passedOver.attempts,
    texts: counts.texts - ended,
    keys: counts.keys,
  };
  const { keys: _, ...compared } = expected;
  const missing = Object.entries(compared).filter(([kind, count]) => found[kind as keyof typeof compared] < count);
  const paused = options.paused ? destinations : [];
  if (options.json) {
    printJson(output, {
      backup: { ...header, sha256, states },
      store: found,
      ended,
      passedOver,
      leftBehind,
      paused,
      isComplete: missing.length === 0,
    });
  } else {
    printTable(
      output,
      ['', 'in the backup', 'in the store'],
      kinds.map((kind) => [kind, String(header.counts[kind]), String(found[kind])]),
    );
    if (ended > 0)
      output.note(`${quantity(ended, 'text')} had ended since the backup, as texts of the history do after two days.`);
    if (passedOver.events > 0) {
      const [were, they] = passedOver.events === 1 ? ['was', 'it was'] : ['were', 'they were'];
      output.note(
        `${quantity(passedOver.events, 'event')} of the backup ${were} passed over: ${they} erased in this store.`,
      );
    }
    if (leftBehind > 0)
      output.note(
        `${quantity(leftBehind, 'delivery is skipped, which was', 'deliveries are skipped, which were')} to be made together with an event that was erased: switchhook deliveries --state skipped lists them, and switchhook replay <delivery> makes one alone.`,
      );
    if (found.keys < expected.keys)
      output.note('Keys of removed events are left out: this store keeps a key as long as its event.');
    const open = (states.waiting ?? 0) + (states.running ?? 0) - cancelled;
    if (open > 0)
      output.note(
        `${quantity(open, 'delivery is', 'deliveries are')} made after the start. Those that were delivered after ${header.takenAt} are made again, with the same delivery id.`,
      );
    if (paused.length > 0)
      output.note(`Paused: ${paused.join(', ')}. Start the router, look, then: switchhook resume ${paused[0]}`);
  }
  if (missing.length > 0)
    throw new CommandFailure(exitCodes.failed, 'The store has less than the backup: restore it again.');
  if (!options.json) output.line(`${styled(output, 'green', 'ok')} restored`);
}
