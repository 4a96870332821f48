/** Destinations that emit events: routed and committed like those of sources, found as duplicates by key, and never in an endless loop. */
import { Store } from '@switchhook/sdk';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { type Workplace, workplace } from '../support/workplace.js';

/** `archive` emits `recording.stored` with a key that is an expression over the event; `silent` injects Emitter, but declares nothing. */
const plugin = `import { Emitter, defineDestination, definePlugin, deliveryScope, text, z } from '@switchhook/sdk';
const kind = { description: 'For tests.', inject: { emitter: Emitter } };
const options = z.strictObject({ key: text('Key of the event.') });
const create = ({ key }, { emitter }) => ({
  async deliver(delivery) {
    const { event } = delivery;
    const draft = { type: 'recording.stored', subject: event.subject, agent: null, occurredAtMs: null, data: { of: event.id } };
    await emitter.emit([{ ...draft, key: key.render(deliveryScope(delivery)) }]);
    return { kind: 'delivered' };
  },
});
export default definePlugin({ name: 'archive', components: [
  defineDestination({ ...kind, type: 'archive', options, emits: ['recording.stored'], create }),
  defineDestination({ ...kind, type: 'archive.silent', options, create }),
] });
`;
const yaml = ({ use = 'archive', key = 'stored:${{ event.subject }}', source = 'agents', routes = '' }) => `
version: 1
server: { host: 127.0.0.1, port: 0 }
plugins: [./archive.js]
store: { use: memory }
sources: { ${source}: { use: sigmamind.events, secrets: [only-for-tests] } }
destinations:
  archive: { use: ${use}, key: '${key}', retry: { attempts: 1 } }
  console: { use: log }
routes:
${routes}
`;
const once = `  - { name: first, from: agents, to: archive }
  - { name: stored, from: archive, on: recording.stored, to: console }`;
const loop = `  - { name: loop, from: [agents, archive], to: archive }
  - { name: stored, from: archive, to: console }`;

describe('a destination that emits events', () => {
  let place: Workplace;

  beforeEach(async () => {
    place = await workplace();
    await place.link();
    await place.write('package.json', '{ "type": "module" }');
    await place.write('archive.js', plugin);
  });
  afterEach(() => place.close());

  /** All events and deliveries once nothing is open any more. */
  const afterEvents = async (config: string, conversations: readonly string[]) => {
    const { router, url } = await place.router(config);
    for (const conversationId of conversations) {
      const body = JSON.stringify({ event: 'conversation_ended', conversationId, agentId: 'a' });
      const { headers, rest } = router.signed('agents', Buffer.from(body)) ?? { headers: {}, rest: '' };
      const type = { 'content-type': 'application/json' };
      const sent = await fetch(`${url}/hooks/agents${rest}`, {
        method: 'POST',
        headers: { ...headers, ...type },
        body,
      });
      expect(sent.status).to.equal(200);
    }
    const store = router.get(Store);
    const deliveries = async () => (await store.deliveries({ limit: 100 })).items;
    await eventually(async () => (await deliveries()).every(({ settledAtMs }) => settledAtMs !== null));
    const { items: events } = await store.events({ limit: 100 });
    const attempts = (await Promise.all((await deliveries()).map(({ id }) => store.attempts(id)))).flat();
    return {
      events: events.toReversed().map(({ id, source, type, body }) => {
        return { id, source, type, data: JSON.parse(new TextDecoder().decode(body)) };
      }),
      deliveries: await deliveries(),
      reasons: attempts.flatMap(({ reason }) => reason ?? []),
    };
  };

  it('has them routed by its name, with what they were emitted because of', async () => {
    const { events, deliveries } = await afterEvents(yaml({ routes: once }), ['c1']);
    const [first, stored] = events;
    expect(stored).to.deep.include({ source: 'archive', type: 'recording.stored' });
    expect(stored?.data).to.deep.equal({ of: first?.id, emitted: { eventId: first?.id, hops: 1 } });
    expect(deliveries.map(({ route, destination, state }) => [route, destination, state])).to.have.deep.members([
      ['first', 'archive', 'delivered'],
      ['stored', 'console', 'delivered'],
    ]);
  });

  it('emits an event once for a key, however often it is delivered: a loop with stable keys ends by itself', async () => {
    const { events, deliveries } = await afterEvents(yaml({ routes: loop }), ['c1']);
    expect(events.map(({ source }) => source)).to.deep.equal(['agents', 'archive']);
    expect(deliveries.map(({ state }) => state)).to.deep.equal(['delivered', 'delivered', 'delivered']);
  });

  it('is stopped in a loop with new keys after eight events', async () => {
    const { events, reasons } = await afterEvents(yaml({ key: '${{ event.id }}', routes: loop }), ['c1']);
    expect(events.map(({ data }) => data.emitted?.hops ?? 0)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(
      reasons.filter((reason) => reason.includes('the last of 8 that were emitted because of each other')),
    ).to.have.length(1);
  });

  it('is checked: names, types, and that events have one source', async () => {
    const problems = async (given: Parameters<typeof yaml>[0]) => {
      const { stdout, stderr } = await place.command(['check', await place.write('switchhook.yaml', yaml(given))]);
      return `${stdout}${stderr}`;
    };
    expect(await problems({ routes: once })).to.match(/^ok /);
    expect(await problems({ routes: once.replace('recording.stored', 'recording.storred') })).to.contain(
      '"recording.storred" is no known type of "archive"; did you mean "recording.stored"?',
    );
    expect(await problems({ routes: once.replace('from: archive', 'from: archiv') })).to.contain(
      'did you mean "archive"?',
    );
    const other = await problems({ routes: once.replace('from: archive', 'from: console') });
    expect(other).to.contain('WRONG_KIND').and.to.contain('Destinations that emit events: archive.');
    expect(await problems({ source: 'archive', routes: once.replace('from: agents', 'from: archive') })).to.contain(
      '"archive" emits events, and a source has this name, too',
    );
    expect(await problems({ use: 'archive.silent', routes: once.replace('from: archive', 'from: agents') })).to.contain(
      'only a destination whose component declares `emits` can inject Emitter',
    );
  });
});
