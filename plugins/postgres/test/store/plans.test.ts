import type { Settled, Store } from '@switchhook/sdk';
import { expect } from 'chai';
import pg from 'pg';
import { readStatements } from '../../src/store/sql-reads.js';
import { removalStatements } from '../../src/store/sql-removals.js';
import { restoreStatements } from '../../src/store/sql-restore.js';
import { routerStatements } from '../../src/store/sql-routers.js';
import { perDay, type Statement, useIndexes } from '../../src/store/sql-schema.js';
import { sessionStatements } from '../../src/store/sql-session.js';
import { snapshotStatements } from '../../src/store/sql-snapshot.js';
import { stateStatements, writeStatements } from '../../src/store/sql-writes.js';
import { aNewDelivery, anEntry, delivered, eventId, type Fixtures, setup, startMs } from './fixtures.js';

const events = 6_000;
const schema = 'the_schema';

/** Open, delivered and dead deliveries of many subjects, on three days. */
async function fill(store: Store, { clock }: Fixtures): Promise<void> {
  for (let n = 0; n < events; n += 2_000) {
    clock.jumpTo(startMs + (n / 2_000) * 86_400_000);
    const numbers = Array.from({ length: 2_000 }, (_, index) => n + index);
    const states = (number: number) => (number % 2 === 0 ? 'running' : 'waiting');
    await store.append(
      numbers.map((number) =>
        anEntry(number, { party: `+1${number}`, receivedAtMs: clock.now() + number }, [
          aNewDelivery({ state: states(number), dueMs: clock.now() + number }),
        ]),
      ),
    );
    const ended = numbers.filter((number) => states(number) === 'running');
    await store.settle(
      ended.map((number) => ({ ...delivered({ id: `${eventId(number)}.0`, lease: 1 }), ...endOf(number) })),
    );
  }
}

function endOf(number: number): Pick<Settled, 'settlement'> {
  return { settlement: number % 100 === 0 ? { state: 'dead', reason: 'rejected' } : { state: 'delivered' } };
}

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Plans?: readonly Plan[];
}

/** Every step of a plan. */
function stepsOf(plan: Plan): readonly Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(stepsOf)];
}

/** Every statement of a part of the store, also in its parts. */
function statementsIn(part: object): readonly Statement[] {
  return Object.values(part).flatMap((value) => {
    if (typeof value !== 'object') return [];
    return typeof value.text === 'string' ? [value] : statementsIn(value);
  });
}

/** A parameter as text. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `'{${value.map((one) => one ?? 'null').join(',')}}'`;
  return typeof value === 'string' ? `'${value}'` : String(value);
}

describe('the statements of the store postgres', () => {
  let fixtures: Fixtures;
  before(async () => {
    fixtures = await setup();
    await fill(await fixtures.open(), fixtures);
    for (const table of ['events', 'settled', 'attempts', 'deliveries', 'seen'])
      await fixtures.database.query(`analyze ${table}`);
  });
  after(() => fixtures.close());

  const steps = async ({ text }: Statement, values: readonly unknown[], mode: string): Promise<readonly Plan[]> => {
    const inSchema = text.replaceAll(`"${schema}"`, `"${fixtures.schema}"`);
    const parameters = values.length === 0 ? '' : `(${values.map(literal).join(', ')})`;
    const client = new pg.Client({ connectionString: fixtures.database.url });
    await client.connect();
    try {
      await client.query(`${useIndexes}; set plan_cache_mode = ${mode}; prepare explained as ${inSchema}`);
      const { rows } = await client.query(`explain (format json) execute explained${parameters}`);
      return stepsOf(rows[0]['QUERY PLAN'][0].Plan);
    } finally {
      await client.end();
    }
  };

  const nowMs = startMs + 2 * 86_400_000;
  const today = (startMs / 86_400_000 + 2) * perDay;
  const ids = [1, 2, 3].map((n) => eventId(n));
  const page = [nowMs + 1, -1, 0];
  const ofEvents = [page[0], page[1], 0, null, null, null, null, false, 51];
  const numbers = [[today, today + 1]];
  const ofDeliveries = [...page, 0, null, null, null, 51];
  const ofSettled = [...ofDeliveries, startMs, null];
  const anyScope = [null, null, null, null];
  const claim = ['crm', nowMs, nowMs + 1, 64, 10, 1];
  const writes = writeStatements(schema);
  const removals = removalStatements(schema);
  const reads = readStatements(schema);
  const routers = routerStatements(schema);
  const session = sessionStatements(schema);
  const state = stateStatements(schema);
  const snapshot = snapshotStatements(schema);
  const restore = restoreStatements(schema);
  const settled = [ids, [0, 0, 0], [1, 1, 1], [3, 3, 0], [null, null, null], [null, null, 1], [0, 0, 0]];
  const attempts = [
    [1, 1, 1],
    [1, 1, 1],
    ['delivered', 'delivered', 'unavailable'],
    [null, null, null],
    [null, null, null],
  ];
  /** Of the digests of gatherings, none is known: any uuid is one. */
  const gathered = [ids, [0, 0, 0], ids, [false, false, true]];
  const three = <T>(value: T): readonly T[] => [value, value, value];
  const restored = [
    ids,
    [0, 0, 0],
    three('crm'),
    three('all'),
    three(null),
    three(null),
    three(0),
    three(1),
    three(1),
    three(nowMs),
  ];
  const seqs = [today, today + 50];
  const cases: readonly (readonly [Statement, readonly unknown[], readonly RegExp[]])[] = [
    [writes.known, [ids], [/^seen_pkey$/]],
    [writes.claim, [...claim, nowMs - 1_000], [/^deliveries_due$/, /^events_\d+_pkey$/]],
    [writes.leases.returnClaim, ['crm', nowMs, 1, nowMs], [/^deliveries_due$/]],
    [writes.leases.returnAppended, [ids, nowMs, 1], [/^deliveries_pkey$/, /^seen_id_key$/]],
    [
      writes.leases.endOf,
      [nowMs, 2_000, 120_000, ['a'], [1]],
      [/^deliveries_due$/, /^routers_pkey$/, /^attempts_\d+_pkey$/],
    ],
    [writes.nextDue, ['crm', nowMs - 1_000, nowMs], [/^deliveries_due$/]],
    [writes.claimHeads, [...claim, nowMs - 1_000], [/^deliveries_due$/, /^deliveries_in_line$/, /^deliveries_pkey$/]],
    [writes.claimHeadsBySubject, claim, [/^deliveries_in_line$/, /^deliveries_pkey$/]],
    [writes.nextHead, ['crm', nowMs - 1_000, nowMs], [/^deliveries_due$/, /^deliveries_in_line$/]],
    [writes.nextHeadBySubject, ['crm'], [/^deliveries_in_line$/]],
    [writes.settle, [...settled, ...attempts, nowMs], [/^seen_id_key$/, /^deliveries_pkey$/]],
    [
      writes.replay,
      [ids, [0, 0, 0], nowMs],
      [/^seen_id_key$/, /^events_\d+_pkey$/, /^deliveries_pkey$/, /^settled_\d+_pkey$/],
    ],
    [writes.discard, [ids, [0, 0, 0], nowMs], [/^seen_id_key$/, /^deliveries_pkey$/]],
    [writes.lockEvent, [eventId(1)], [/^seen_id_key$/, /^events_\d+_pkey$/]],
    [writes.nextIndex, [today], [/^deliveries_pkey$/, /^settled_\d+_pkey$/]],
    [
      writes.gatherings.addOthers,
      [ids, [0, 0, 0], ids, [false, false, true], [null, null, null], nowMs],
      [/^seen_id_key$/, /^deliveries_pkey$/, /^events_\d+_pkey$/, /^gathered_/],
    ],
    [writes.gatherings.hurryLarge, [ids, nowMs], [/^gathered_/, /^deliveries_pkey$/]],
    [writes.markRouted, [today], [/^events_\d+_pkey$/]],
    [
      removals.removeEvents,
      [startMs, today, 200, true, 0, ...anyScope],
      [/^events_\d+_received_at_seq_idx$/, /^attempts_\d+_pkey$/, /^seen_by_seq$/],
    ],
    [removals.lockBodies, [startMs, 200, 0, ...anyScope], [/^events_\d+_received_at_seq_idx$/, /^deliveries_pkey$/]],
    [removals.dropBodies, [[today, today + 1]], [/^events_\d+_pkey$/, /^deliveries_pkey$/]],
    [removals.dropKeys, [1], [/^seen_by_seq$/]],
    [removals.dropErasedKeys, [nowMs, 200], [/^seen_by_end$/]],
    [removals.lockEvents, [ids], [/^seen_id_key$/, /^events_\d+_pkey$/]],
    [removals.eraseOpen, [[today, today + 1]], [/^deliveries_pkey$/]],
    [
      removals.eraseEvents,
      [[today, today + 1], nowMs],
      [/^events_\d+_pkey$/, /^attempts_\d+_pkey$/, /^settled_\d+_pkey$/, /^seen_by_seq$/],
    ],
    [reads.event, [eventId(1)], [/^seen_id_key$/, /^events_\d+_pkey$/]],
    [reads.number, [eventId(1)], [/^seen_id_key$/]],
    [reads.events('all', true, null), [...ofEvents, null, null, null], [/^events_\d+_received_at_seq_idx$/]],
    [
      reads.events('party', false, null),
      [...ofEvents, '+15', null, null],
      [/^events_\d+_hashtextextended_received_at_seq_idx$/],
    ],
    [reads.events('numbered', true, null), [...ofEvents, null, ...numbers, null], [/^events_\d+_pkey$/]],
    [
      reads.events('all', false, 'settled'),
      [...ofEvents, null, null, 4],
      [/^events_\d+_received_at_seq_idx$/, /^settled_\d+_pkey$/],
    ],
    [
      reads.events('all', true, 'deliveries'),
      [...ofEvents, null, null, 0],
      [/^events_\d+_received_at_seq_idx$/, /^deliveries_pkey$/],
    ],
    [
      reads.events('party', true, 'settled'),
      [...ofEvents, '+15', null, 5],
      [/^events_\d+_hashtextextended_received_at_seq_idx$/, /^settled_\d+_pkey$/],
    ],
    [
      reads.events('numbered', false, 'settled'),
      [...ofEvents, null, ...numbers, 5],
      [/^events_\d+_pkey$/, /^settled_\d+_pkey$/],
    ],
    [reads.numbers, [ids], [/^seen_id_key$/]],
    [reads.newestOpen, [0, 20_001], [/^deliveries_by_time$/]],
    [reads.newestDead, [0, 20_001], [/^settled_\d+_created_at_seq_idx_destination_reason_idx$/]],
    [reads.newestPassedOver, [0, 20_001, 4], [/^settled_\d+_state_created_at_seq_idx_idx$/]],
    [
      reads.passedOverDeliveries,
      [...ofSettled.with(4, 6)],
      [/^settled_\d+_state_created_at_seq_idx_idx$/, /^events_\d+_pkey$/],
    ],
    [reads.openDeliveries, ofDeliveries, [/^deliveries_by_time$/, /^events_\d+_pkey$/]],
    [reads.openOfEvent, [...ofDeliveries, today], [/^deliveries_pkey$/]],
    [reads.settledDeliveries, ofSettled, [/^settled_\d+_created_at_seq_idx_idx$/]],
    [reads.settledOfEvent, [...ofSettled, today, null], [/^settled_\d+_pkey$/]],
    [reads.deadDeliveries, [...ofSettled, null], [/^settled_\d+_created_at_seq_idx_destination_reason_idx$/]],
    [
      reads.deadGroups,
      [...page, 0, null, null, startMs, null, null, 20_000],
      [/^settled_\d+_created_at_seq_idx_destination_reason_idx$/, /^attempts_\d+_pkey$/, /^events_\d+_pkey$/],
    ],
    [reads.delivery, [eventId(1), 0], [/^seen_id_key$/, /^deliveries_pkey$/, /^settled_\d+_pkey$/]],
    [reads.attempts, [eventId(1), 0], [/^seen_id_key$/, /^attempts_\d+_pkey$/]],
    [reads.eventsAfter, ['1', 0, 51], [/^events_\d+_xid_seq_idx$/]],
    [reads.countedEvents, ['1', 0, 10_000], [/^events_\d+_xid_seq_idx$/]],
    [reads.countedAttempts, ['1', 0, 0, 0, 10_000], [/^attempts_\d+_xid_seq_idx_number_idx$/]],
    [
      reads.attemptsAfter,
      ['1', 0, 0, 0, 51],
      [/^attempts_\d+_xid_seq_idx_number_idx$/, /^events_\d+_pkey$/, /^deliveries_pkey$/, /^settled_\d+_pkey$/],
    ],
    [reads.dead, [], [/^settled_\d+_created_at_seq_idx_destination_reason_idx$/]],
    [writes.gatherings.addFirst, gathered, [/^seen_id_key$/]],
    [writes.gatherings.lockFirst, [ids], [/^gathered_by_gathering$|^gathered_first$/, /^deliveries_pkey$/]],
    [writes.gatherings.events, [ids], [/^gathered_by_gathering$/, /^events_\d+_pkey$/]],
    [writes.gatherings.restore, [...gathered, three(false)], [/^seen_id_key$/]],
    [writes.extend, [today, eventId(1), nowMs, [1], ['crm'], ['all'], [null], [0], [nowMs], 1], []],
    [state.state, ['a', nowMs], [/^state_pkey$/]],
    [state.stateKeys, ['a', nowMs, 9], [/^state_/]],
    [state.addState, ['a', 'value', nowMs, nowMs], []],
    [state.changeState, ['a', 'value', nowMs, nowMs, 'before'], [/^state_pkey$/]],
    [state.dropState, ['a', nowMs, 'before'], [/^state_pkey$/]],
    [state.dropEndedState, [nowMs, 9], [/^state_/]],
    [snapshot.events, [today, 100, 10_000], [/^events_\d+_pkey$/]],
    [snapshot.open, seqs, [/^deliveries_pkey$/]],
    [snapshot.settled, seqs, [/^settled_\d+_pkey$/]],
    [snapshot.attempts, seqs, [/^attempts_\d+_pkey$/]],
    [snapshot.texts, ['a', nowMs, 9], [/^state_/]],
    [snapshot.keys, [today, 100], [/^seen_by_seq$/, /^events_\d+_pkey$/]],
    [restore.erased, [ids], [/^seen_id_key$/]],
    [restore.known, [ids], [/^seen_pkey$/]],
    [restore.lastOf, seqs, [/^events_\d+_pkey$/]],
    [restore.removedKeys, [ids, ids, [1, 1, 1], ...seqs], [/^seen_by_seq$/]],
    [
      restore.clear,
      [ids, ids],
      [/^seen_id_key$/, /^attempts_\d+_pkey$/, /^deliveries_pkey$/, /^settled_\d+_pkey$/, /^events_\d+_pkey$/],
    ],
    [restore.dropBodies, [ids], [/^seen_id_key$/, /^events_\d+_pkey$/]],
    [restore.open, [...restored, three(nowMs)], [/^seen_id_key$/]],
    [restore.settled, [...restored, three(nowMs), three(null)], [/^seen_id_key$/]],
    [
      restore.attempts,
      [ids, [0, 0, 0], ...three([1, 1, 1]), ['a', 'a', 'a'], three(null), three(null)],
      [/^seen_id_key$/],
    ],
    [session.due, [nowMs], [/^deliveries_due$/]],
    [session.beating, [30_000], []],
    [routers.beat, ['a', 1, 'report', 1, true], []],
    [routers.take, ['crm', 2, 3], []],
    [routers.texts, [['a', 'b']], [/^texts_pkey$/]],
    [routers.keepTexts, [['a'], ['text'], [1]], [/^texts_pkey$/, /^texts_by_end$/]],
    [routers.textKeys, ['a', 9], [/^texts_pkey$/]],
    [routers.dropTexts, [['a']], [/^texts_pkey$/]],
    [routers.removeRouters, [['a'], [1]], [/^routers_pkey$/]],
  ];
  /** They count, or read the first row only. */
  const walksWhole = ['dead', 'due', 'end_leases_of'];
  /** Why a plan says nothing about these. */
  const exempt: Readonly<Record<string, string>> = {
    append_claimed: 'writes rows only, as the plans of its parts in restore do',
    prove: 'reads no table',
    prove_space: 'reads no table',
    changes_end: 'reads no table',
    open: 'counts a whole table, which is its purpose, and says how',
    size: 'reads the catalog',
    clear_routers: 'removes all rows of a tiny table',
    restore_numbers: 'reads no table',
    restore_keys: 'writes rows only',
    restore_texts: 'writes rows only',
    restore_remove_all: 'empties tables',
    restore_events: 'writes rows only',
    end_leases: 'looks at all open deliveries, once, where no other router is there',
    snapshot_content: 'counts whole tables, which is its purpose',
  };
  /** Transactions, locks and connections. */
  const noTable = /^(snapshot_(begin|export|end|tables)|process_id|listen|notify|(un)?lock_(alone|shared))$/;
  /** A row for each router: all of them are read. */
  const tiny = ['event_numbers', 'routers'];
  for (const [statement, values, indexes] of cases)
    for (const mode of ['force_custom_plan', 'force_generic_plan'])
      it(`${statement.name} uses its indexes and reads no table as a whole (${mode})`, async () => {
        const found = await steps(statement, values, mode);
        const used = found.flatMap((step) => step['Index Name'] ?? []);
        for (const index of indexes)
          expect(
            used.some((name) => index.test(name)),
            `${index} in ${used}`,
          ).to.equal(true);
        const read = found
          .filter((step) => step['Node Type'] === 'Seq Scan')
          .flatMap((step) => step['Relation Name'] ?? []);
        const walked = found
          .filter((step) => /^Index/.test(step['Node Type']) && step['Index Cond'] === undefined)
          .flatMap((step) => step['Index Name'] ?? []);
        const large = [...read, ...(walksWhole.includes(statement.name) ? [] : walked)];
        // The tables of tomorrow are empty.
        expect(large.filter((name) => !name.includes('_20260104') && !tiny.includes(name))).to.deep.equal([]);
      });

  it('are all in this list, or have a reason not to be', () => {
    const all = [writes, removals, reads, routers, session, state, snapshot, restore].flatMap(statementsIn);
    const known = new Set([...cases.map(([{ name }]) => name), ...Object.keys(exempt)]);
    const names = all.map(({ name }) => name).filter((name) => !noTable.test(name));
    expect(names.filter((name) => !known.has(name))).to.deep.equal([]);
    expect(Object.keys(exempt).filter((name) => !names.includes(name))).to.deep.equal([]);
  });

  it('settle, replay and discard find deliveries by their key also where the table was empty when it was analyzed', async () => {
    // An old transaction keeps removed rows in all indexes: a search by later columns of another one would read all of them.
    await fixtures.database.query('delete from deliveries');
    await fixtures.database.query('vacuum analyze deliveries');
    const statements: readonly (readonly [Statement, readonly unknown[]])[] = [
      [writes.settle, [...settled, ...attempts, nowMs]],
      [writes.replay, [ids, [0, 0, 0], nowMs]],
      [writes.discard, [ids, [0, 0, 0], nowMs]],
    ];
    for (const [statement, values] of statements)
      for (const mode of ['force_custom_plan', 'force_generic_plan']) {
        const used = (await steps(statement, values, mode)).flatMap((step) => step['Index Name'] ?? []);
        expect(used, `${statement.name}, ${mode}`).to.include('deliveries_pkey');
        expect(used, `${statement.name}, ${mode}`).not.to.include.any.members(['deliveries_due', 'deliveries_by_time']);
      }
  });
});
