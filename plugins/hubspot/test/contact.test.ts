import type { JsonObject } from '@switchhook/sdk';
import { cutOffResponse, destinationSuite } from '@switchhook/testkit';
import { expect } from 'chai';
import { token } from './imitation.js';
import { delivery, number, patience, setup } from './setup.js';

destinationSuite('hubspot.contact', async () => {
  const fixture = await setup('hubspot.contact', { phone: number, note: '${{ delivery.id }}' });
  fixture.add({ phone: number });
  return {
    destination: fixture.destination,
    secrets: [token],
    arrived: () => fixture.activities.map(({ properties }) => (properties.hs_note_body ?? '').replace(/<\/?p>/g, '')),
    behave: (how) => {
      if (how === 'well') fixture.answers(null);
      else if (how === 'refusing') fixture.answers(() => fixture.json({ message: 'no' }, 400));
      else if (how === 'down') fixture.answers(() => 503);
      else if (how === 'hanging') fixture.answers(() => 'hang');
      else fixture.answers(() => cutOffResponse);
    },
    close: fixture.close,
  };
}, ['cut-off', 'erase', 'emits']);

describe('hubspot.contact', () => {
  const closing: (() => Promise<void>)[] = [];
  const start = async (options: JsonObject = {}) => {
    const fixture = await setup('hubspot.contact', options);
    closing.push(fixture.close);
    return fixture;
  };
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  const whole: JsonObject = {
    email: '${{ default(event.data.email, "") }}',
    properties: {
      company: '${{ default(event.data.company, "") }}',
      lead_score: '${{ event.data.score }}',
      interests: '${{ event.data.interests }}',
    },
    initial: { firstname: '${{ default(event.data.name, "Caller") }}', lifecyclestage: 'lead' },
    note: 'Call ${{ event.subject }}:\n${{ event.data.summary }}',
  };
  const data = {
    score: 8202522731445525542n as unknown as number,
    interests: ['a', 'b'],
    summary: 'wants <b>5 & 6</b>',
  };

  it('creates the contact with its properties and logs the note', async () => {
    const { destination, contacts, activities } = await start(whole);
    const one = delivery(data);
    expect(await destination.deliver(one, patience())).to.deep.equal({ kind: 'delivered', response: 'contact 101' });
    expect(contacts.map(({ properties }) => properties)).to.deep.equal([
      {
        phone: number,
        firstname: 'Caller',
        lifecyclestage: 'lead',
        lead_score: '8202522731445525542',
        interests: 'a;b',
      },
    ]);
    expect(activities.map(({ kind, contactId, properties }) => ({ kind, contactId, properties }))).to.deep.equal([
      {
        kind: 'notes',
        contactId: '101',
        properties: {
          hs_timestamp: one.event.occurredAt,
          hs_note_body: '<p>Call conv_1:<br>wants &lt;b&gt;5 &amp; 6&lt;/b&gt;</p>',
        },
      },
    ]);
  });

  for (const typed of ['(202) 555-0143', '202.555.0143', '+1 202-555-0143', '12025550143'])
    it(`updates the contact whose number was typed as ${typed}`, async () => {
      const { destination, contacts, add } = await start(whole);
      add({ mobilephone: typed, firstname: 'Ada', lifecyclestage: 'customer', email: 'ada@example.com' });
      await destination.deliver(delivery({ ...data, email: 'other@example.com', company: 'Acme' }), patience());
      expect(contacts).to.have.length(1);
      expect(contacts[0]?.properties).to.deep.include({
        mobilephone: typed,
        firstname: 'Ada',
        lifecyclestage: 'customer',
        email: 'ada@example.com',
        company: 'Acme',
      });
      expect(contacts[0]?.properties).to.not.have.property('phone');
    });

  it('leaves alone a contact whose number ends in the same digits, and takes the oldest of several', async () => {
    const { destination, contacts, add } = await start();
    add({ phone: '+44 2025550143', firstname: 'Other' });
    const [oldest] = [add({ phone: number }), add({ phone: number })];
    expect(await destination.deliver(delivery(), patience())).to.include({ response: `contact ${oldest.id}` });
    expect(contacts).to.have.length(3);
  });

  it('finds a contact by its e-mail address first, and adds a number where it has none', async () => {
    const { destination, contacts, add } = await start({ email: '${{ event.data.email }}' });
    add({ phone: number });
    add({ email: 'ada@example.com' });
    const email = ' Ada@Example.com ';
    expect(await destination.deliver(delivery({ email, from: '+12025550199' }), patience())).to.include({
      response: 'contact 102',
    });
    expect(contacts[1]?.properties).to.deep.equal({ email: 'ada@example.com', phone: '+12025550199' });
    await destination.deliver(delivery({ email, from: number }, 'conv_2'), patience());
    expect(contacts[1]?.properties.phone).to.equal('+12025550199');
    expect(contacts[0]?.properties).to.deep.equal({ phone: number });
  });

  it('adds an e-mail address where the contact has none, and ignores what is none', async () => {
    const { destination, contacts, add } = await start({ email: '${{ event.data.email }}' });
    add({ phone: number });
    for (const email of ['ada at example dot com', `${'a'.repeat(243)}@example.com`, `ada@${'.'.repeat(300_000)} x`])
      await destination.deliver(delivery({ email }), patience());
    expect(contacts[0]?.properties).to.deep.equal({ phone: number });
    await destination.deliver(delivery({ email: 'ada@example.com' }), patience());
    expect(contacts[0]?.properties).to.deep.equal({ phone: number, email: 'ada@example.com' });
  });

  const missingScopes = {
    category: 'MISSING_SCOPES',
    message: "This app hasn't been granted all required scopes to make this call.",
    errors: [
      {
        message: 'One or more of the following scopes are required.',
        context: { requiredGranularScopes: ['crm.objects.contacts.read', 'crm.objects.contacts.write'] },
      },
    ],
  };
  const search = 'POST /crm/v3/objects/contacts/search: HTTP';
  for (const [status, body, headers, outcome] of [
    [
      401,
      { message: 'Authentication credentials not found.' },
      {},
      {
        kind: 'unavailable',
        needsOperator: true,
        reason: `${search} 401 Unauthorized: HubSpot does not accept the token: copy the access token of the private app again: Authentication credentials not found.`,
      },
    ],
    [
      403,
      missingScopes,
      {},
      {
        kind: 'unavailable',
        needsOperator: true,
        reason: `${search} 403 Forbidden: the token lacks the scope crm.objects.contacts.read or crm.objects.contacts.write: add it to the private app in HubSpot; This app hasn't been granted all required scopes to make this call.; One or more of the following scopes are required.`,
      },
    ],
    [
      400,
      { message: 'Property values were not valid', errors: [{ message: 'Property "tier" does not exist' }] },
      {},
      {
        kind: 'rejected',
        reason: `${search} 400 Bad Request: Property values were not valid; Property "tier" does not exist`,
      },
    ],
    [429, { policyName: 'TEN_SECONDLY_ROLLING' }, {}, { kind: 'unavailable', retryAfterMs: 10_000 }],
    [429, { message: 'You have reached your secondly limit.' }, {}, { kind: 'unavailable', retryAfterMs: 1_000 }],
    [429, { policyName: 'TEN_SECONDLY_ROLLING' }, { 'retry-after': '3' }, { kind: 'unavailable', retryAfterMs: 3_000 }],
    [
      429,
      { policyName: 'DAILY' },
      {},
      {
        kind: 'unavailable',
        retryAfterMs: 3_600_000,
        reason: `${search} 429 Too Many Requests: the requests of this day are used up`,
      },
    ],
    [503, {}, {}, { kind: 'unavailable' }],
    [200, {}, {}, { kind: 'unavailable', reason: 'POST /crm/v3/objects/contacts: the reply has no id of a contact' }],
  ] as const)
    it(`takes ${status} ${JSON.stringify(body)} ${JSON.stringify(headers)} for ${outcome.kind}`, async () => {
      const { destination, answers } = await start();
      answers(() => ({ status, body: JSON.stringify(body), headers }));
      expect(await destination.deliver(delivery(), patience())).to.deep.include(outcome);
    });

  it('rejects an event without a number, an address or a key, before any request', async () => {
    const { destination, row, far } = await start({ email: '${{ default(event.data.email, "") }}' });
    expect(await destination.deliver(delivery({ from: 'anonymous' }), patience())).to.deep.equal({
      kind: 'rejected',
      reason: 'phone, email: the event has no phone number or e-mail address there',
    });
    const other = row('hubspot.contact', { once: '${{ default(event.data.call, "") }}' });
    expect(await other.deliver(delivery(), patience())).to.deep.equal({
      kind: 'rejected',
      reason: 'once: it is empty once it is filled in',
    });
    expect(far.requests).to.deep.equal([]);
  });

  it('shows what it would do', async () => {
    const { destination } = await start({ properties: { company: 'Acme' }, note: 'Hi' });
    const one = delivery();
    expect(destination.preview?.(one)).to.deep.equal({
      phone: number,
      once: one.event.id,
      properties: { company: 'Acme' },
      initial: { firstname: 'Caller' },
      note: { hs_timestamp: one.event.occurredAt, hs_note_body: 'Hi' },
    });
  });

  it('refuses a row that could find or create no contact', async () => {
    const { row } = await start();
    const making = (given: JsonObject) => () => row('hubspot.contact', given);
    const missing = 'creates no contact without an email, a firstname or a lastname';
    expect(making({ initial: {} })).to.throw(missing);
    expect(making({ initial: {}, properties: { lastname: 'x' } })).to.not.throw();
    expect(making({ initial: {}, email: 'x' })).to.not.throw();
    expect(making({ phoneProperties: ['a', 'b', 'c', 'd', 'e', 'f'] })).to.throw('phoneProperties');
    expect(making({ properties: { 'First Name': 'x' } })).to.throw('expected the internal name');
  });

  it('probes with a search, and reports why it cannot', async () => {
    const { destination, row, resolver } = await start();
    await destination.probe?.(patience());
    await row('hubspot.call').probe?.(patience());
    await resolver().probe?.(patience());
    const other = await row('hubspot.contact', { token: 'pat-wrong' }).probe?.(patience()).then(String, String);
    expect(other).to.include('HubSpot does not accept the token');
  });
});
