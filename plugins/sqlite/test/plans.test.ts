import { expect } from 'chai';
import { openDatabase } from '../src/database.js';
import type { Database } from '../src/sql-connection.js';
import { type EventCondition, type EventWalk, eventConditions, readStatements } from '../src/sql-lists.js';
import { eventId, withStore } from './fixtures.js';

const settings = { synchronous: 'full', maxBytes: null, leasesEndMs: null, identity: null } as const;
const all = Object.keys(eventConditions) as readonly EventCondition[];
const everything = { ...{ source: 'a', type: 'a', subject: 'a', agent: 'a', party: '+1' }, state: 5, otherState: 5 };
const window = { startMs: 9e15, startOrder: 9e15, endMs: 0, endOrder: 0, limit: 51, ids: JSON.stringify([eventId(1)]) };

describe('the lists of events of sqlite', () => {
  const ways: readonly (readonly [EventWalk, readonly RegExp[]])[] = [
    ['all', [/events USING COVERING INDEX events_by_time|events USING INDEX events_by_time/]],
    ['ofParty', [/events USING INDEX events_by_party/]],
    ['ids', [/n USING (COVERING )?INDEX sqlite_autoindex_events/, /events USING INTEGER PRIMARY KEY/]],
    ['open', [/deliveries USING INDEX deliveries_open/, /events USING INTEGER PRIMARY KEY/]],
    ['dead', [/deliveries USING COVERING INDEX deliveries_dead/, /events USING INTEGER PRIMARY KEY/]],
    [
      'passedOver',
      [/SEARCH deliveries USING COVERING INDEX deliveries_by_state \(state=\?\)/, /events USING INTEGER PRIMARY KEY/],
    ],
  ];
  for (const [way, uses] of ways)
    for (const conditions of [[], ['state'], all] as const)
      for (const body of ['body', "x'' as body"] as const)
        it(
          `are read by ${way} with ${conditions.length} conditions and ${body} along an index`,
          withStore(async ({ open, path }) => {
            await (await open()).close?.();
            const { db, close } = openDatabase({ ...settings, path });
            try {
              const { texts, explaining } = listening(db);
              const rows = readStatements(explaining).events(way, conditions, body);
              const text = texts.at(-1) ?? '';
              const named = Object.entries({ ...everything, ...window }).filter(([name]) => text.includes(`:${name}`));
              expect(rows.all(Object.fromEntries(named) as never)).to.deep.equal([]);
              const plan = planOf(db, text, Object.fromEntries(named));
              for (const use of uses)
                expect(
                  plan.some((step) => use.test(step)),
                  plan.join('\n'),
                ).to.equal(true);
              if (conditions.length > 0 && way !== 'ids')
                expect(
                  plan.some((step) => /SEARCH d( EXISTS)? USING INTEGER PRIMARY KEY/.test(step)),
                  plan.join('\n'),
                ).to.equal(true);
              // Only what was passed in, and the few that are open or dead, is read as a whole.
              const whole = plan.filter((step) => step.startsWith('SCAN') && !/SCAN (j|json_each) /.test(step));
              expect(
                whole.filter((step) => !/events_by_time|deliveries_open|deliveries_dead|SUBQUERY/.test(step)),
              ).to.deep.equal([]);
            } finally {
              close();
            }
          }),
        );
});

describe('the lists of deliveries of sqlite', () => {
  it(
    'that were skipped or gathered are read along an index of each state, in its order, also where they end',
    withStore(async ({ open, path }) => {
      await (await open()).close?.();
      const { db, close } = openDatabase({ ...settings, path });
      try {
        const { texts, explaining } = listening(db);
        readStatements(explaining);
        const read = texts.filter((text) => text.includes('deliveries_by_state') && !text.includes('json_each'));
        expect(read).to.have.length(5);
        for (const text of read) {
          const plan = planOf(db, text, text.includes('?') ? [4, 1] : ofDeliveries(text)).join('\n');
          expect(plan).to.match(/ deliveries_by_state \(state=\?/);
          expect(plan).not.to.match(/TEMP B-TREE|SCAN (d|deliveries)/);
        }
      } finally {
        close();
      }
    }),
  );
});

/** The parameters of a statement about deliveries. */
function ofDeliveries(text: string): Readonly<Record<string, unknown>> {
  const { ids: _, ...page } = window;
  const none = { reason: null, destination: null, route: null, settledSinceMs: null, settledUntilMs: null, size: 9 };
  const values = Object.entries({ ...page, ...none, state: 4, otherState: 4 });
  return Object.fromEntries(values.filter(([name]) => new RegExp(`:${name}\\b`).test(text)));
}

/** A database that notes what is prepared. */
function listening(db: Database): { readonly texts: readonly string[]; readonly explaining: Database } {
  const texts: string[] = [];
  const prepare = (text: string) => {
    texts.push(text);
    return db.prepare(text);
  };
  return { texts, explaining: { ...db, prepare } as Database };
}

function planOf(db: Database, text: string, values: Readonly<Record<string, unknown>> | readonly unknown[]) {
  const statement = db.prepare<never[], { readonly detail: string }>(`explain query plan ${text}`);
  const rows = statement.all(...((Array.isArray(values) ? values : [values]) as never[]));
  return rows.map(({ detail }) => detail);
}
