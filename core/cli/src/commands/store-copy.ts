/** `switchhook store copy`: copies everything from the store of one configuration to that of another, and compares both. */
import { createHash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { pausesKey } from '@switchhook/core/internal';
import type { Store, StoredEvent } from '@switchhook/sdk';
import { isRestorable, type RestorableStore } from '../backup/restorer.js';
import { eventPages, keyPages, textPages } from '../backup/snapshot-pages.js';
import { type ConfiguredStore, storeOf, withOpenStores, withSnapshot } from '../backup/store.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';
import { printJson, printTable } from '../print.js';

interface CopyOptions {
  readonly from: string;
  readonly to: string;
  readonly json?: true;
}

/** What a store keeps of one day. */
interface DayContent {
  readonly events: number;
  readonly deliveries: number;
  readonly checksum: string;
}

/** Most deliveries of one event, as the contract allows. */
const mostDeliveries = 1_000;

export async function copyStore(output: Output, options: CopyOptions): Promise<void> {
  const [from, to] = [await storeOf(options.from, output), await storeOf(options.to, output)];
  const target = to.store;
  const isItself = `${options.from} and ${options.to} name the same store. Nothing was copied`;
  if (isDeepStrictEqual(placeOf(from), placeOf(to))) throw new CommandFailure(exitCodes.usage, isItself);
  if (!isRestorable(target))
    throw new CommandFailure(exitCodes.usage, `the store of ${options.to} cannot be copied into`);
  await withOpenStores([from, to], async () => {
    if (await keepsWhatIsIn(from.store, target)) throw new CommandFailure(exitCodes.usage, isItself);
    await copy(from, target, output);
    await compare(from, to, options, output);
  }).finally(() => output.progress(''));
}

/** What a store is, and where: paths are relative to the file. */
function placeOf({ config: { store }, file }: ConfiguredStore) {
  const { path } = store.options;
  const where = typeof path === 'string' ? resolve(dirname(file), path) : null;
  return { type: store.component.type, ...store.options, path: where };
}

/** Whether it is the same store under another name, e.g. with more connections: then what is written to one is found in the other. */
async function keepsWhatIsIn(one: Store, other: RestorableStore): Promise<boolean> {
  const [key, mark] = ['switchhook.store-copy', String(process.pid)];
  const before = await other.state(key);
  await other.setState(key, mark, before);
  try {
    return (await one.state?.(key)) === mark;
  } finally {
    await other.setState(key, null, mark);
  }
}

async function copy(from: ConfiguredStore, to: RestorableStore, output: Output): Promise<void> {
  let [read, written, texts] = [0, 0, 0];
  await withSnapshot(from, async (snapshot) => {
    // Without its pauses, a router would deliver from the copy what an operator has stopped.
    if ((await from.store.state?.(pausesKey)) == null) await to.setState(pausesKey, null, await to.state(pausesKey));
    for await (const page of textPages(snapshot)) {
      await to.restore([], { texts: page });
      texts += page.length;
    }
    for await (const keys of keyPages(snapshot)) {
      const erased = keys.flatMap(({ eventId, untilMs }) => (untilMs === null ? [] : [{ eventId, untilMs }]));
      // Events that an earlier copy has brought.
      if (erased.length > 0)
        await to.erase?.({
          eventIds: erased.map(({ eventId }) => eventId),
          keysUntilMs: Math.max(...erased.map(({ untilMs }) => untilMs)),
        });
      await to.restore([], { keys });
    }
    for await (const page of eventPages(snapshot)) {
      const kept = await Promise.all(page.map(({ event }) => storedAs(to, event.id)));
      const changed = page.filter((one, index) => textOf(one) !== textOf(kept[index] ?? null));
      if (changed.length > 0) await to.restore(changed);
      read += page.length;
      written += changed.length;
      output.progress(`${dayOf(page.at(-1))}: ${read} events read, ${written} written`);
    }
  });
  output.progress('');
  output.note(`${read} events read, ${written} written, ${read - written} the same already`);
  output.note(`${texts === 1 ? '1 text' : `${texts} texts`} copied (pauses, state of plugins, history)`);
}

async function compare(
  from: ConfiguredStore,
  to: ConfiguredStore,
  { json }: CopyOptions,
  output: Output,
): Promise<void> {
  const [source, target] = [await contentOf(from, output), await contentOf(to, output)];
  const days = [...new Set([...source.keys(), ...target.keys()])].sort().map((day) => {
    const [expected, found] = [source.get(day) ?? nothing, target.get(day) ?? nothing];
    return { day, ...expected, isSame: JSON.stringify(expected) === JSON.stringify(found), found };
  });
  const isSame = days.every((day) => day.isSame);
  if (json) printJson(output, { isSame, days });
  else {
    const rows = days.map(({ day, events, deliveries, checksum, isSame: same, found }) => {
      const note = same ? 'same' : `differs: ${found.events} events, ${found.deliveries} deliveries, ${found.checksum}`;
      return [day, String(events), String(deliveries), checksum, note];
    });
    printTable(output, [{ heading: 'day' }, 'events', 'deliveries', { heading: 'checksum', drop: 1 }, 'copy'], rows);
    if (isSame) output.line(`${styled(output, 'green', 'ok')} both stores keep the same`);
  }
  if (!isSame)
    throw new CommandFailure(exitCodes.failed, json ? '' : 'The stores differ. Copy again, while no router uses them.');
}

const nothing: DayContent = { events: 0, deliveries: 0, checksum: '' };

/** Counts and checksums of each day. The checksum is a sum: the stores may have the events of a day in different orders. */
async function contentOf(configured: ConfiguredStore, output: Output): Promise<ReadonlyMap<string, DayContent>> {
  const days = new Map<string, { events: number; deliveries: number; sum: bigint }>();
  await withSnapshot(configured, async (snapshot) => {
    for await (const page of eventPages(snapshot))
      for (const one of page) {
        const day = dayOf(one);
        const content = days.get(day) ?? { events: 0, deliveries: 0, sum: 0n };
        content.events += 1;
        content.deliveries += one.deliveries.length;
        content.sum += createHash('sha256').update(textOf(one)).digest().readBigUInt64BE();
        days.set(day, content);
        output.progress(`comparing ${day}`);
      }
  });
  output.progress('');
  return new Map(
    [...days].map(([day, { sum, ...counts }]) => [
      day,
      { ...counts, checksum: BigInt.asUintN(64, sum).toString(16).padStart(16, '0') },
    ]),
  );
}

/** What a store keeps of an event; null where it keeps none. */
async function storedAs(store: Store, eventId: string): Promise<StoredEvent | null> {
  const event = await store.event(eventId);
  if (event === null) return null;
  const { items } = await store.deliveries({ eventId, limit: mostDeliveries });
  const deliveries = items.map(async (record) => ({ record, attempts: await store.attempts(record.id) }));
  const all = await Promise.all(deliveries);
  return { event, deliveries: all.sort((a, b) => indexOf(a.record.id) - indexOf(b.record.id)) };
}

function indexOf(deliveryId: string): number {
  return Number(deliveryId.slice(deliveryId.lastIndexOf('.') + 1));
}

/** What two stores keep in the same way. Leases begin anew when a store is opened; U+0000 and halves of characters cannot be kept by all. */
function textOf(stored: StoredEvent | null): string {
  if (stored === null) return '';
  const { event, deliveries } = stored;
  const facts = {
    event: { ...event, body: Buffer.from(event.body).toString('base64') },
    deliveries: deliveries.map(({ record, attempts }) => {
      const kept = Object.entries(record.state === 'running' ? { ...record, dueMs: null } : record);
      return [kept.sort(([a], [b]) => (a < b ? -1 : 1)), attempts.map((one) => Object.entries(one).sort())];
    }),
  };
  const ordered = Object.entries(facts.event).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([ordered, facts.deliveries]).replace(/\\u(?:0000|d[89a-f][0-9a-f]{2})/g, '\uFFFD');
}

function dayOf(stored: StoredEvent | undefined): string {
  return stored === undefined ? '' : new Date(stored.event.receivedAtMs).toISOString().slice(0, 10);
}
