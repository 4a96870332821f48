/** `switchhook store copy`: copies everything from the store of one configuration to that of another, and compares both. */
import { createHash } from 'node:crypto';
import { ComponentFailure } from '@switchhook/core';
import { pausesKey } from '@switchhook/core/internal';
import { Store, type StoredEvent } from '@switchhook/sdk';
import { errorMessage } from '@switchhook/sdk/internal';
import { configOf, unopenedRouter } from '../local-router.js';
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

const dayMs = 86_400_000;
/** Events that are read and written in one step. */
const stepSize = 200;
/** Most deliveries of one event, as the contract allows. */
const mostDeliveries = 1_000;

export async function copyStore(output: Output, options: CopyOptions): Promise<void> {
  const [from, to] = [await storeOf(options.from, output), await storeOf(options.to, output)];
  if (to.restore === undefined)
    throw new CommandFailure(exitCodes.usage, `the store of ${options.to} cannot be copied into`);
  const opened: Store[] = [];
  try {
    for (const [store, file] of [
      [from, options.from],
      [to, options.to],
    ] as const) {
      await openStore(store, file);
      opened.push(store);
    }
    await copy(from, to, output);
    await copyPauses(from, to, options, output);
    await compare(from, to, options, output);
  } finally {
    output.progress('');
    for (const store of opened) await store.close?.();
  }
}

async function storeOf(config: string, output: Output): Promise<Store> {
  return unopenedRouter(await configOf({ config }, output)).get(Store);
}

async function openStore(store: Store, file: string): Promise<void> {
  try {
    await store.open?.();
  } catch (error) {
    if (error instanceof ComponentFailure) throw error;
    throw new CommandFailure(exitCodes.failed, `the store of ${file} could not be opened: ${errorMessage(error)}`);
  }
}

async function copy(from: Store, to: Store, output: Output): Promise<void> {
  let [read, written] = [0, 0];
  for await (const step of stepsOf(from)) {
    const kept = await Promise.all(step.map(({ event }) => storedAs(to, event.id)));
    const changed = step.filter((one, index) => textOf(one) !== textOf(kept[index] ?? null));
    if (changed.length > 0) await to.restore?.(changed);
    read += step.length;
    written += changed.length;
    const day = dayOf(step.at(-1));
    output.progress(`${day}: ${read} events read, ${written} written`);
  }
  output.progress('');
  output.note(`${read} events read, ${written} written, ${read - written} the same already`);
}

/** Without its pauses, a router would deliver from the copy what an operator has stopped. */
async function copyPauses(from: Store, to: Store, options: CopyOptions, output: Output): Promise<void> {
  const [pauses = null, kept = null] = [await from.state?.(pausesKey), await to.state?.(pausesKey)];
  if (pauses === kept || (await to.setState?.(pausesKey, pauses, kept)) === true) return;
  output.note(`the store of ${options.to} cannot keep pauses: what is paused goes on there`);
}

async function compare(from: Store, to: Store, { json }: CopyOptions, output: Output): Promise<void> {
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
    printTable(output, ['day', 'events', 'deliveries', 'checksum', 'copy'], rows);
    if (isSame) output.line(`${styled(output, 'green', 'ok')} both stores keep the same`);
  }
  if (!isSame)
    throw new CommandFailure(exitCodes.failed, json ? '' : 'The stores differ. Copy again, while no router uses them.');
}

const nothing: DayContent = { events: 0, deliveries: 0, checksum: '' };

/** Counts and checksums of each day. */
async function contentOf(store: Store, output: Output): Promise<ReadonlyMap<string, DayContent>> {
  const days = new Map<string, { events: number; deliveries: number; hash: ReturnType<typeof createHash> }>();
  for await (const step of stepsOf(store))
    for (const one of step) {
      const day = dayOf(one);
      const content = days.get(day) ?? { events: 0, deliveries: 0, hash: createHash('sha256') };
      content.events += 1;
      content.deliveries += one.deliveries.length;
      content.hash.update(textOf(one));
      days.set(day, content);
      output.progress(`comparing ${day}`);
    }
  output.progress('');
  return new Map(
    [...days].map(([day, { hash, ...counts }]) => [day, { ...counts, checksum: hash.digest('hex').slice(0, 16) }]),
  );
}

/** All events with their deliveries, oldest first, in steps. Lists are newest first, so each stretch of time is read as a whole. */
async function* stepsOf(store: Store): AsyncGenerator<readonly StoredEvent[]> {
  const newest = (await store.events({ limit: 1 })).items[0]?.receivedAtMs;
  if (newest === undefined) return;
  let startMs = await oldestOf(store, newest);
  for (let lengthMs = dayMs; startMs <= newest; ) {
    const stretch = { sinceMs: startMs, untilMs: startMs + lengthMs };
    const { items, cursor } = await store.events({ ...stretch, limit: stepSize });
    if (cursor !== null && lengthMs > 1) {
      lengthMs = Math.max(1, Math.floor(lengthMs / 4));
      continue;
    }
    const all = [...items];
    for (let next = cursor; next !== null; ) {
      const page = await store.events({ ...stretch, limit: stepSize, cursor: next });
      all.push(...page.items);
      next = page.cursor;
    }
    if (all.length > 0)
      yield await Promise.all(
        all.toReversed().map(async (event) => (await storedAs(store, event.id)) ?? { event, deliveries: [] }),
      );
    startMs += lengthMs;
    lengthMs = Math.min(dayMs, lengthMs * 2);
  }
}

/** When the oldest event was received: narrows the time down by halves. */
async function oldestOf(store: Store, newest: number): Promise<number> {
  let [beforeAll, withSome] = [-1, newest];
  while (withSome - beforeAll > 1) {
    const middle = Math.floor((beforeAll + withSome) / 2);
    if ((await store.events({ untilMs: middle + 1, limit: 1 })).items.length > 0) withSome = middle;
    else beforeAll = middle;
  }
  return withSome;
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
