import { expect } from 'chai';
import { withStore } from './fixtures.js';

const hourMs = 3_600_000;

describe('what routers exchange in a database, where their clocks differ', () => {
  it(
    'makes no router wait because the clock of another one is ahead',
    withStore(async ({ open, clock }) => {
      const { coordination } = await open();
      const take = () => coordination?.take({ key: 'crm', tokens: 1, tokenMs: 10, capacity: 10 });
      clock.jumpTo(clock.now() + hourMs);
      expect(await take()).to.equal(0);
      clock.jumpTo(clock.now() - hourMs);
      expect(await take()).to.equal(0);
    }),
  );

  it(
    'is kept for as long as the router that keeps it has said, by the clock of the database',
    withStore(async ({ open, clock, database }) => {
      const { coordination } = await open();
      const texts = async () => [...((await coordination?.texts(['a']))?.values() ?? [])];
      await coordination?.keepTexts([{ key: 'a', text: 'x', untilMs: clock.now() + hourMs }]);
      clock.jumpTo(clock.now() + 2 * hourMs);
      expect(await texts()).to.deep.equal(['x']);
      await coordination?.keepTexts([{ key: 'a', text: 'y', untilMs: clock.now() + hourMs }]);
      await database.query('update texts set until = until - $1', [hourMs]);
      expect(await texts()).to.deep.equal([]);
    }),
  );
});
