import { expect } from 'chai';
import { throttle } from '../gate.js';
import { aClaim, aNewDelivery, anEntry, delivered, eventId, startMs, withStore } from './fixtures.js';

/** Names of prepared statements, and texts of all statements, in what a client has sent. The first message has no type. */
function statementsIn(sent: Buffer): readonly { readonly name: string; readonly text: string }[] {
  const found: { name: string; text: string }[] = [];
  for (let at = sent.readInt32BE(0); at < sent.length; at += 1 + sent.readInt32BE(at + 1)) {
    const body = sent.toString('latin1', at + 5, at + 1 + sent.readInt32BE(at + 1));
    const [first = '', second = ''] = body.split('\0');
    if (sent[at] === 0x50) found.push({ name: first, text: second });
    if (sent[at] === 0x51) found.push({ name: '', text: first });
  }
  return found;
}

describe('postgres, behind a pooler in transaction mode', () => {
  it(
    'uses nothing of a connection that outlives a transaction, with prepare and listen off',
    withStore(async ({ open, clock, database }) => {
      const sent = new Map<number, Buffer>();
      const observe = (bytes: Buffer, connection: number): void =>
        void sent.set(connection, Buffer.concat([sent.get(connection) ?? Buffer.alloc(0), bytes]));
      const gate = await throttle(database.url, { observe });
      const store = await open({ url: gate.url, prepare: false, listen: false });
      const stop = store.onDue?.(() => {});
      const waiting = [aNewDelivery(), aNewDelivery({ dueMs: startMs + 1 })];
      await store.append([1, 2].map((n) => anEntry(n, {}, waiting)));
      await store.append([anEntry(3, { key: 'key-1' })]);
      await store.append([]);
      for (const ordered of [false, true]) {
        const { deliveries } = await store.claim(aClaim({ ordered, limit: 1 }));
        await store.settle(deliveries.map((one) => delivered(one)));
      }
      const id = `${eventId(1)}.0`;
      await store.replay([id], startMs);
      await store.discard([id]);
      await store.extend(eventId(1), [aNewDelivery()]);
      await Promise.all([
        store.events({ limit: 1 }),
        store.deliveries({ limit: 1 }),
        store.attempts(id),
        store.backlog(),
      ]);
      await store.users?.();
      await clock.advance(1_000);
      clock.jumpTo(startMs + 5 * 86_400_000);
      for (const days of [0, 4]) await store.prune({ beforeMs: clock.now() - days * 86_400_000, limit: 10 });
      stop?.();
      await store.close?.();
      await gate.close();
      const statements = [...sent.values()].flatMap(statementsIn);
      expect(statements).to.have.length.above(30);
      expect(statements.filter(({ name }) => name !== '')).to.deep.equal([]);
      const lasting =
        /^\s*(set (?!local)|listen|prepare|declare)|pg_(try_)?advisory_(?!xact)|temp(orary)? table|set_config/im;
      expect(statements.map(({ text }) => text).filter((text) => lasting.test(text))).to.deep.equal([]);
    }),
  );
});
