import { expect } from 'chai';
import { anEntry } from '../../../plugins/sqlite/test/fixtures.js';
import { aPipeline as setup, storeWith } from '../../support/pipeline.js';

describe('a store that several routers share', () => {
  it('wakes the queue of a destination for which another router has left something, until the router closes', async () => {
    const wakes = new Set<(destination: string) => void>();
    const onDue = (wake: (destination: string) => void) => {
      wakes.add(wake);
      return () => void wakes.delete(wake);
    };
    const { store, clock, delivered, pipeline } = setup({ store: (plain) => storeWith(plain, { onDue }) });
    await clock.advance(0);
    await store.append([anEntry(1)]);
    await clock.advance(0);
    expect(delivered).to.have.length(0);
    for (const wake of wakes) wake('crm');
    await clock.advance(0);
    expect(delivered.map(({ event }) => event.key)).to.deep.equal(['key-1']);
    for (const wake of wakes) wake('a destination of another configuration');
    await pipeline.close();
    expect(wakes.size).to.equal(0);
  });
});
