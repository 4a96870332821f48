import type { JsonObject } from '@switchhook/sdk';
import { expect } from 'chai';
import { delivery, number, patience, setup } from './setup.js';

describe('hubspot.contact, once', () => {
  const closing: (() => Promise<void>)[] = [];
  const start = async (options: JsonObject = {}) => {
    const fixture = await setup('hubspot.contact', options);
    closing.push(fixture.close);
    return fixture;
  };
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  for (let requests = 0; requests < 3; requests += 1)
    it(`doubles nothing where the connection breaks after ${requests} requests and their effect`, async () => {
      const note = 'Call ${{ event.subject }}: R&D <b>5</b>';
      const { destination, contacts, activities, cutAfter } = await start({ note });
      const one = delivery();
      cutAfter(requests);
      expect(await destination.deliver(one, patience())).to.include({ kind: 'unavailable' });
      cutAfter(Number.POSITIVE_INFINITY);
      expect(await destination.deliver(one, patience())).to.include({ kind: 'delivered' });
      expect(contacts).to.have.length(1);
      expect(activities).to.have.length(1);
    });

  it('looks for the note among all that the contact has', async () => {
    const { destination, add, activities, cutAfter, pages } = await start({ note: '${{ event.data.text }}' });
    const contactId = add({ phone: number }).id;
    const properties = { hs_timestamp: delivery().event.occurredAt, hs_note_body: 'another one' };
    for (let n = 1; n <= 250; n += 1) activities.push({ id: String(n), kind: 'notes', contactId, properties });
    pages(120);
    const one = delivery({ text: 'the last one' });
    cutAfter(1);
    expect(await destination.deliver(one, patience())).to.include({ kind: 'unavailable' });
    cutAfter(Number.POSITIVE_INFINITY);
    expect(await destination.deliver(one, patience())).to.include({ kind: 'delivered' });
    expect(activities).to.have.length(251);
  });

  it('looks a contact with an e-mail address up at once, whose creation was cut off', async () => {
    const { destination, contacts, indexes, cutAfter } = await start({ email: '${{ event.data.email }}' });
    indexes(false);
    const one = delivery({ email: 'ada@example.com' });
    cutAfter(2);
    expect(await destination.deliver(one, patience())).to.include({ kind: 'unavailable' });
    cutAfter(Number.POSITIVE_INFINITY);
    expect(await destination.deliver(one, patience())).to.deep.include({ kind: 'delivered', response: 'contact 101' });
    expect(contacts).to.have.length(1);

    const other = delivery({ email: 'other@example.com', from: '+12025550199' });
    cutAfter(2);
    await destination.deliver(other, patience());
    // It was not created after all.
    contacts.length = 0;
    cutAfter(Number.POSITIVE_INFINITY);
    expect(await destination.deliver(other, patience())).to.include({ kind: 'delivered' });
  });

  it('creates no second contact while searches do not show the first one yet', async () => {
    const { destination, row, contacts, indexes, cutAfter, services } = await start();
    indexes(false);
    await destination.deliver(delivery(), patience());
    await destination.deliver(delivery({}, 'conv_2'), patience());
    await row('hubspot.call').deliver(delivery(), patience());
    expect(contacts).to.have.length(1);

    const one = delivery({ from: '+12025550199' });
    cutAfter(1);
    await destination.deliver(one, patience());
    cutAfter(Number.POSITIVE_INFINITY);
    expect(contacts).to.have.length(2);
    const waiting = {
      kind: 'unavailable',
      reason: 'an earlier attempt may have created the contact, which is not in the searches of HubSpot yet',
      retryAfterMs: 10_000,
    };
    for (const again of [one, delivery({ from: '+12025550199' })])
      expect(await destination.deliver(again, patience())).to.deep.equal(waiting);
    for (const contact of contacts) contact.isIndexed = true;
    await services.clock.advance(10_000);
    expect(await destination.deliver(one, patience())).to.include({ response: 'contact 102' });
  });

  it('finds a contact by the number that it has just got, which searches do not show yet', async () => {
    const { destination, row, add, contacts } = await start({ email: '${{ event.data.email }}' });
    add({ email: 'ada@example.com' }).isIndexed = false;
    await destination.deliver(delivery({ email: 'ada@example.com' }), patience());
    expect(await row('hubspot.call').deliver(delivery(), patience())).to.include({
      response: 'call 901 of contact 101',
    });
    expect(contacts).to.have.length(1);
  });

  it('creates the contact after a minute if it does not show up, and at once if the creation was refused', async () => {
    const { destination, contacts, answers, cutAfter, services } = await start();
    const one = delivery();
    cutAfter(1);
    await destination.deliver(one, patience());
    // It was not created after all.
    contacts.length = 0;
    cutAfter(Number.POSITIVE_INFINITY);
    expect(await destination.deliver(one, patience())).to.include({ kind: 'unavailable' });
    await services.clock.advance(60_000);
    expect(await destination.deliver(one, patience())).to.include({ kind: 'delivered' });

    const other = delivery({ from: '+12025550199' });
    answers(({ path }) => (path.endsWith('/search') ? { status: 200, body: '{"results":[]}' } : 429));
    expect(await destination.deliver(other, patience())).to.include({ kind: 'unavailable' });
    answers(null);
    expect(await destination.deliver(other, patience())).to.include({ kind: 'delivered' });
  });

  it('creates a contact again that was deleted', async () => {
    const { destination, contacts, indexes } = await start();
    indexes(false);
    await destination.deliver(delivery(), patience());
    contacts.length = 0;
    expect(await destination.deliver(delivery(), patience())).to.include({ kind: 'delivered' });
    expect(contacts).to.have.length(1);
  });

  it('creates one contact where two events of a new person come at the same time', async () => {
    const { destination, row, contacts, indexes } = await start();
    indexes(false);
    const call = row('hubspot.call');
    const outcomes = await Promise.all([
      destination.deliver(delivery(), patience()),
      call.deliver(delivery(), patience()),
    ]);
    expect(outcomes.map(({ kind }) => kind).toSorted()).to.deep.equal(['delivered', 'unavailable']);
    await destination.deliver(delivery({}, 'conv_2'), patience());
    expect(contacts).to.have.length(1);
  });

  it('handles the two events of one call once, whichever comes first', async () => {
    const { destination, add, activities } = await start({ note: 'x', once: '${{ event.subject }}' });
    add({ phone: number });
    await destination.deliver(delivery(), patience());
    expect(await destination.deliver(delivery(), patience())).to.deep.equal({
      kind: 'delivered',
      response: 'done before, for the same key',
    });
    await destination.deliver(delivery({}, 'conv_2'), patience());
    expect(activities).to.have.length(2);
  });
});
