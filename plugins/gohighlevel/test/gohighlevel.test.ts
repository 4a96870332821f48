import plugin from '@switchhook/plugin-gohighlevel';
import { type Delivery, isBusy, type JsonObject, type Outcome } from '@switchhook/sdk';
import {
  aCall,
  aDelivery,
  anEvent,
  createComponent,
  cutOffResponse,
  destinationSuite,
  fakeServices,
  type Receiver,
  resolverSuite,
} from '@switchhook/testkit';
import { expect } from 'chai';
import { goHighLevel, locationId, token } from './imitation.js';

const [contactComponent, lookupComponent] = plugin.components;
const patience = (): AbortSignal => new AbortController().signal;

async function setup(options: JsonObject = {}) {
  const api = await goHighLevel();
  const services = fakeServices();
  const account = { token, locationId, baseUrl: api.far.url };
  const row = { ...account, phone: '${{ event.data.from }}', ...options };
  return {
    ...api,
    services,
    destination: createComponent('destination', contactComponent, row, services),
    resolver: (more: JsonObject = {}) =>
      createComponent('resolver', lookupComponent, { ...account, ...more }, services),
    close: async () => {
      await api.far.close();
      await services.close();
    },
  };
}

/** Ids of deliveries, each once. */
const ids = (function* () {
  for (let n = 1; ; n += 1) yield `d${n}`;
})();

/** A new delivery of a new event, unless they are given. */
function delivery(data: JsonObject = {}, subject = 'conv_1', id: string = ids.next().value): Delivery {
  return aDelivery({
    id,
    event: anEvent({ id: `e-${id}`, key: id, subject, data: { from: '+12025550143', ...data } }),
  });
}

destinationSuite('gohighlevel.contact', async () => {
  const fixture = await setup({ phone: '+12025550143', note: '${{ delivery.id }}' });
  return {
    destination: fixture.destination,
    secrets: [token],
    arrived: () => fixture.contacts.flatMap(({ notes }) => notes),
    behave: (how) => {
      if (how === 'well') fixture.answers(null);
      else if (how === 'refusing') fixture.answers(() => fixture.json({ message: 'no' }, 422));
      else if (how === 'down') fixture.answers(() => 503);
      else if (how === 'hanging') fixture.answers(() => 'hang');
      else fixture.answers(() => cutOffResponse);
    },
    close: fixture.close,
  };
}, ['cut-off', 'erase', 'emits']);

resolverSuite('gohighlevel.lookup', async () => {
  const fixture = await setup();
  const known = aCall();
  fixture.contacts.push({
    id: 'c1',
    phone: known.from,
    fields: { firstName: 'Ada' },
    tags: new Set(['vip']),
    notes: [],
    workflows: new Set(),
  });
  return {
    resolver: fixture.resolver(),
    known,
    hang: () => fixture.answers(() => 'hang'),
    down: () => fixture.far.close(),
    cutOff: () => fixture.answers(() => cutOffResponse),
    close: fixture.close,
  };
});

describe('gohighlevel.contact', () => {
  const closing: (() => Promise<void>)[] = [];
  const start = async (options: JsonObject = {}) => {
    const fixture = await setup(options);
    closing.push(fixture.close);
    return fixture;
  };
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  const whole: JsonObject = {
    email: '${{ default(event.data.email, "") }}',
    fields: { firstName: '${{ event.data.name }}', companyName: '${{ default(event.data.company, "") }}' },
    customFields: { cf_1: '${{ event.data.score }}' },
    addTags: ['called', '${{ default(event.data.tag, "") }}'],
    removeTags: ['cold'],
    note: 'Call ${{ event.subject }}: ${{ event.data.summary }}',
    opportunity: {
      pipelineId: 'p1',
      stageId: 's${{ event.data.stage }}',
      name: 'Call of ${{ event.data.name }}',
      value: '${{ event.data.worth }}',
    },
    removeFromWorkflows: ['nurture', 'never-in'],
    addToWorkflows: ['booked'],
  };
  const data = {
    name: 'Ada',
    score: 8202522731445525542n as unknown as number,
    summary: 'wants a slot',
    stage: 2,
    worth: 120,
  };

  it('creates the contact and does all that is configured', async () => {
    const { destination, contacts, opportunities } = await start(whole);
    expect(await destination.deliver(delivery(data), patience())).to.deep.equal({
      kind: 'delivered',
      response: 'contact c1',
    });
    const [contact] = contacts;
    expect(contact?.fields).to.deep.equal({
      firstName: 'Ada',
      customFields: [{ id: 'cf_1', field_value: 8202522731445525542n }],
    });
    expect([...(contact?.tags ?? [])]).to.deep.equal(['called']);
    expect(contact?.notes).to.deep.equal(['Call conv_1: wants a slot']);
    expect([...(contact?.workflows ?? [])]).to.deep.equal(['booked']);
    expect(opportunities).to.deep.equal([
      {
        id: 'o1',
        pipelineId: 'p1',
        name: 'Call of Ada',
        pipelineStageId: 's2',
        status: 'open',
        monetaryValue: 120,
        locationId,
        contactId: 'c1',
      },
    ]);
  });

  it('moves the opportunity that is there, and updates the contact', async () => {
    const { destination, contacts, opportunities } = await start(whole);
    await destination.deliver(delivery(data), patience());
    await destination.deliver(delivery({ ...data, stage: 3, name: 'Ada L.' }, 'conv_2'), patience());
    expect(contacts).to.have.length(1);
    expect(contacts[0]?.fields).to.include({ firstName: 'Ada L.' });
    expect(opportunities).to.have.length(1);
    expect(opportunities[0]).to.include({ pipelineStageId: 's3', name: 'Call of Ada' });
  });

  const timesAdded = ({ requests }: Receiver) =>
    requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/workflow/booked')).length;

  for (let requests = 0; requests < 8; requests += 1)
    it(`doubles nothing where the connection breaks after ${requests} requests and their effect`, async () => {
      const { destination, contacts, opportunities, far, cutAfter } = await start(whole);
      const one = delivery(data);
      cutAfter(requests);
      expect(await destination.deliver(one, patience())).to.include({ kind: 'unavailable' });
      cutAfter(Number.POSITIVE_INFINITY);
      expect(await destination.deliver(one, patience())).to.include({ kind: 'delivered' });
      expect(contacts.map(({ notes }) => notes)).to.deep.equal([['Call conv_1: wants a slot']]);
      expect(opportunities).to.have.length(1);
      expect(timesAdded(far)).to.equal(1);
    });

  const loseReply = async (options: JsonObject) => {
    const fixture = await start({ ...whole, once: '${{ event.subject }}', ...options });
    const one = delivery(data);
    fixture.cutAfter(8);
    expect(await fixture.destination.deliver(one, patience())).to.include({ kind: 'unavailable' });
    fixture.cutAfter(Number.POSITIVE_INFINITY);
    expect(timesAdded(fixture.far)).to.equal(1);
    return { ...fixture, again: (other = one) => fixture.destination.deliver(other, patience()) };
  };

  it('does not add the contact again to a workflow whose reply was lost, for any hook of the call, until an operator replays one', async () => {
    const { again, far } = await loseReply({});
    const rejected: Outcome = {
      kind: 'rejected',
      reason: 'the contact may have been added to the workflow booked: not added again, because of whenUnsure',
    };
    const second = delivery(data);
    expect(await again()).to.deep.equal(rejected);
    expect(await again(second)).to.deep.equal(rejected);
    expect(timesAdded(far)).to.equal(1);
    expect(await again()).to.deep.equal({ kind: 'delivered', response: 'contact c1' });
    expect(timesAdded(far)).to.equal(2);
    expect(await again(second)).to.include({ kind: 'delivered', response: 'done before, for the same key' });
    expect(timesAdded(far)).to.equal(2);
  });

  it('adds the contact to the workflow again with whenUnsure: add', async () => {
    const { again, far } = await loseReply({ whenUnsure: 'add' });
    expect(await again()).to.deep.equal({ kind: 'delivered', response: 'contact c1' });
    expect(timesAdded(far)).to.equal(2);
  });

  it('handles the two hooks of one call once, whichever comes first', async () => {
    const { destination, contacts } = await start({ note: 'Call ${{ event.subject }}', once: '${{ event.subject }}' });
    const [first, second] = await Promise.all([
      destination.deliver(delivery(), patience()),
      destination.deliver(delivery(), patience()),
    ]);
    expect([first.kind, second.kind].toSorted()).to.deep.equal(['delivered', 'unavailable']);
    expect(await destination.deliver(delivery(), patience())).to.deep.equal({
      kind: 'delivered',
      response: 'done before, for the same key',
    });
    await destination.deliver(delivery({}, 'conv_2'), patience());
    expect(contacts[0]?.notes).to.deep.equal(['Call conv_1', 'Call conv_2']);
  });

  for (const [status, body, headers, outcome] of [
    [
      401,
      { message: 'Invalid JWT' },
      {},
      { kind: 'unavailable', needsOperator: true, reason: 'POST /contacts/upsert: HTTP 401 Unauthorized: Invalid JWT' },
    ],
    [
      403,
      { message: 'The token does not have access to this location.' },
      {},
      { kind: 'unavailable', needsOperator: true },
    ],
    [
      422,
      { message: ['phone must be a string', 'tags must be an array'] },
      {},
      {
        kind: 'rejected',
        reason: 'POST /contacts/upsert: HTTP 422 Unprocessable Entity: phone must be a string; tags must be an array',
      },
    ],
    [
      429,
      {},
      { 'x-ratelimit-interval-milliseconds': '10000', 'x-ratelimit-remaining': '0' },
      { kind: 'unavailable', retryAfterMs: 10_000 },
    ],
    [
      429,
      {},
      {
        'x-ratelimit-daily-remaining': '0',
        'x-ratelimit-daily-reset': '3600000',
        'x-ratelimit-interval-milliseconds': '10000',
      },
      {
        kind: 'unavailable',
        retryAfterMs: 3_600_000,
        reason: 'POST /contacts/upsert: HTTP 429 Too Many Requests: the requests of this day are used up',
      },
    ],
    [503, {}, {}, { kind: 'unavailable' }],
    [
      200,
      { contact: {} },
      {},
      { kind: 'unavailable', reason: 'POST /contacts/upsert: the reply has no contact with an id' },
    ],
  ] as const)
    it(`takes ${status} ${JSON.stringify(body)} for ${outcome.kind}`, async () => {
      const { destination, answers } = await start();
      answers(() => ({ status, body: JSON.stringify(body), headers }));
      expect(await destination.deliver(delivery(), patience())).to.deep.include(outcome);
    });

  it('rejects an event without a phone number or a key, before any request', async () => {
    const { destination, far } = await start({ once: '${{ default(event.data.call, "") }}' });
    expect(await destination.deliver(delivery({ from: 'anonymous', call: 'a' }), patience())).to.deep.equal({
      kind: 'rejected',
      reason: 'phone: the event has no phone number there',
    });
    expect(await destination.deliver(delivery(), patience())).to.deep.equal({
      kind: 'rejected',
      reason: 'once: it is empty once it is filled in',
    });
    expect(far.requests).to.deep.equal([]);
  });

  it('shows what it would do', async () => {
    const { destination } = await start({ note: 'Hi', addTags: ['a'] });
    expect(destination.preview?.(delivery())).to.deep.include({
      contact: { locationId, phone: '+12025550143' },
      note: 'Hi',
      addTags: ['a'],
    });
    expect(destination.preview?.(delivery())).to.not.have.property('opportunity');
  });

  it('refuses fields that have an option of their own', async () => {
    expect(await start({ fields: { phone: 'x' } }).catch(String)).to.include('phone has an option of its own');
    expect(await start({ removeFromWorkflows: ['../x'] }).catch(String)).to.include('expected an id');
  });

  it('probes with a search, and says why it cannot', async () => {
    const { destination, resolver } = await start();
    await destination.probe?.(patience());
    await resolver().probe?.(patience());
    const other = await resolver({ locationId: 'loc_2' }).probe?.(patience()).then(String, String);
    expect(other).to.include('does not have access to this location');
  });
});

describe('gohighlevel.lookup', () => {
  it('gives fields, tags and named custom fields of the contact, and asks nothing about a withheld number', async () => {
    const { resolver, contacts, far, close } = await setup();
    try {
      const call = aCall();
      const custom = [
        { id: 'cf_1', value: 'gold' },
        { id: 'cf_2', value: null },
      ];
      contacts.push({
        id: 'c1',
        phone: call.from,
        fields: { firstName: 'Ada', email: null, secretField: 'x', customFields: custom },
        tags: new Set(['vip']),
        notes: [],
        workflows: new Set(),
      });
      const facts = await resolver({ customFields: { tier: 'cf_1', score: 'cf_2' } }).resolve(
        call,
        {},
        patience(),
        3_000,
      );
      expect(facts).to.deep.equal({ id: 'c1', firstName: 'Ada', phone: call.from, tags: ['vip'], tier: 'gold' });
      const before = far.requests.length;
      expect(await resolver().resolve(aCall({ from: '' }), {}, patience(), 3_000)).to.deep.equal({});
      expect(far.requests).to.have.length(before);
    } finally {
      await close();
    }
  });

  it('is busy while GoHighLevel refuses requests, sends none until the time that it names, and then looks again', async () => {
    const { resolver, services, contacts, far, answers, close } = await setup();
    try {
      const call = aCall();
      contacts.push({ id: 'c1', phone: call.from, fields: {}, tags: new Set(), notes: [], workflows: new Set() });
      const own = resolver();
      const look = () => own.resolve(call, {}, patience(), 3_000);
      const whyBusy = () =>
        look().then(
          () => 'found',
          (error) => (isBusy(error) ? error.message : `no: ${error}`),
        );
      const headers = { 'x-ratelimit-interval-milliseconds': '10000', 'x-ratelimit-remaining': '0' };
      answers(() => ({ status: 429, body: '{}', headers }));
      expect(await whyBusy()).to.match(/^GET .+: HTTP 429/);
      expect(far.requests).to.have.length(1);
      await services.clock.advance(9_000);
      answers(null);
      expect(await whyBusy()).to.match(/^no request for another 1 s: GET .+: HTTP 429/);
      expect(far.requests).to.have.length(1);
      await services.clock.advance(1_000);
      expect(await look()).to.deep.include({ id: 'c1' });
      expect(far.requests).to.have.length(2);
      // Without a time, it is a failure, which the circuit breaker counts.
      answers(() => 500);
      expect(await whyBusy()).to.include('no: OutcomeError');
      expect(far.requests).to.have.length(3);
    } finally {
      await close();
    }
  });
});
