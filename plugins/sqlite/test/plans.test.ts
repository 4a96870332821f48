import { expect } from 'chai';
import { openDatabase } from '../src/database.js';
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
              const texts: string[] = [];
              const explaining = {
                ...db,
                prepare: (text: string) => {
                  texts.push(text);
                  return db.prepare(text);
                },
              } as typeof db;
              const rows = readStatements(explaining).events(way, conditions, body);
              const text = texts.at(-1) ?? '';
              const named = Object.entries({ ...everything, ...window }).filter(([name]) => text.includes(`:${name}`));
              expect(rows.all(Object.fromEntries(named) as never)).to.deep.equal([]);
              const plan = db
                .prepare<[never], { readonly detail: string }>(`explain query plan ${text}`)
                .all(Object.fromEntries(named) as never)
                .map(({ detail }) => detail);
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
