import { isBusy, type JsonObject } from '@switchhook/sdk';
import { aCall, aDelivery, anEvent, cutOffResponse, destinationSuite, resolverSuite } from '@switchhook/testkit';
import { expect } from 'chai';
import { token } from './imitation.js';
import { delivery, number, patience, setup } from './setup.js';

destinationSuite('hubspot.call', async () => {
  const fixture = await setup('hubspot.call', { phone: number, title: '${{ delivery.id }}' });
  fixture.add({ phone: number });
  return {
    destination: fixture.destination,
    secrets: [token],
    arrived: () => fixture.activities.map(({ properties }) => properties.hs_call_title ?? ''),
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

resolverSuite('hubspot.lookup', async () => {
  const fixture = await setup('hubspot.call');
  const known = aCall();
  fixture.add({ phone: known.from, firstname: 'Ada' });
  return {
    resolver: fixture.resolver(),
    known,
    hang: () => fixture.answers(() => 'hang'),
    down: () => fixture.far.close(),
    cutOff: () => fixture.answers(() => cutOffResponse),
    close: fixture.close,
  };
});

const closing: (() => Promise<void>)[] = [];
const start = async (options: JsonObject = {}) => {
  const fixture = await setup('hubspot.call', options);
  closing.push(fixture.close);
  return fixture;
};
const closeAll = async () => {
  for (const close of closing.splice(0)) await close();
};

describe('hubspot.call', () => {
  afterEach(closeAll);

  const whole: JsonObject = {
    title: 'Call of ${{ event.data.from }}',
    body: '${{ default(event.data.summary, "") }}',
    direction: '${{ default(event.data.direction, "") }}',
    status: '${{ default(event.data.status, "completed") }}',
    durationMs: '${{ default(event.data.duration_ms, null) }}',
    from: '${{ event.data.from }}',
    to: '${{ default(event.data.to, "") }}',
    recordingUrl: '${{ default(event.data.recording, "") }}',
    timestamp: '${{ default(event.data.start, event.occurredAt) }}',
    properties: { hubspot_owner_id: '42' },
  };
  const data = {
    summary: 'Jim moves\nhis appointment.',
    direction: 'inbound',
    duration_ms: 73_000.4,
    to: '+12025550100',
    recording: 'https://recordings.example.com/1.wav',
    start: 1_767_225_600_000,
  };

  it('logs the call of the contact, with all that is known of it', async () => {
    const { destination, add, activities } = await start(whole);
    add({ phone: '(202) 555-0143' });
    expect(await destination.deliver(delivery(data), patience())).to.deep.equal({
      kind: 'delivered',
      response: 'call 901 of contact 101',
    });
    expect(activities[0]).to.deep.include({ kind: 'calls', contactId: '101' });
    expect(activities[0]?.properties).to.deep.equal({
      hs_timestamp: '2026-01-01T00:00:00.000Z',
      hs_call_title: `Call of ${number}`,
      hs_call_body: '<p>Jim moves<br>his appointment.</p>',
      hs_call_direction: 'INBOUND',
      hs_call_status: 'COMPLETED',
      hs_call_duration: '73000',
      hs_call_from_number: number,
      hs_call_to_number: '+12025550100',
      hs_call_recording_url: 'https://recordings.example.com/1.wav',
      hubspot_owner_id: '42',
    });
  });

  it('leaves out what the event does not have', async () => {
    const { destination, activities } = await start(whole);
    const one = delivery();
    await destination.deliver(one, patience());
    expect(activities[0]?.properties).to.deep.equal({
      hs_timestamp: one.event.occurredAt,
      hs_call_title: `Call of ${number}`,
      hs_call_status: 'COMPLETED',
      hs_call_from_number: number,
      hubspot_owner_id: '42',
    });
  });

  it('logs a conversation once, however many events it has, and an event without one by itself', async () => {
    const { destination, activities } = await start();
    for (const subject of ['conv_1', 'conv_1', 'conv_2']) await destination.deliver(delivery({}, subject), patience());
    expect(activities).to.have.length(2);
    for (const id of ['a', 'b'])
      await destination.deliver(
        aDelivery({ id, event: anEvent({ id, key: id, subject: null, data: { from: number } }) }),
        patience(),
      );
    expect(activities).to.have.length(4);
  });

  for (let requests = 0; requests < 3; requests += 1)
    it(`doubles nothing where the connection breaks after ${requests} requests and their effect`, async () => {
      const { destination, contacts, activities, cutAfter } = await start(whole);
      const one = delivery(data);
      cutAfter(requests);
      expect(await destination.deliver(one, patience())).to.include({ kind: 'unavailable' });
      cutAfter(Number.POSITIVE_INFINITY);
      expect(await destination.deliver(one, patience())).to.include({ kind: 'delivered' });
      expect(contacts).to.have.length(1);
      expect(activities).to.have.length(1);
    });

  it('logs nothing where there is no contact and none is to be created', async () => {
    const { destination, contacts, activities } = await start({ createContact: false, initial: {} });
    expect(await destination.deliver(delivery(), patience())).to.deep.equal({
      kind: 'delivered',
      response: 'there is no such contact: not logged',
    });
    expect([...contacts, ...activities]).to.deep.equal([]);
  });

  for (const [wrong, reason] of [
    [{ direction: 'sideways' }, 'direction: expected INBOUND, OUTBOUND, found "SIDEWAYS"'],
    [{ duration_ms: 'long' }, 'durationMs: the event has no number there'],
    [{ recording: 'http://x.test/1.wav' }, 'recordingUrl: HubSpot takes only URLs that begin with https:'],
    [{ start: 'soon' }, 'timestamp: the event has no time there'],
    [{ from: 'anonymous' }, 'phone: the event has no phone number or e-mail address there'],
  ] as const)
    it(`rejects ${JSON.stringify(wrong)} before any request`, async () => {
      const { destination, far } = await start(whole);
      expect(await destination.deliver(delivery(wrong), patience())).to.deep.equal({ kind: 'rejected', reason });
      expect(far.requests).to.deep.equal([]);
    });

  it('names the statuses that HubSpot takes', async () => {
    const { destination } = await start(whole);
    const outcome = await destination.deliver(delivery({ status: 'ended' }), patience());
    expect(outcome)
      .to.have.property('reason')
      .that.match(/^status: expected BUSY, .*, found "ENDED"$/);
  });

  it('cuts a text that is too long for HubSpot, and no entity of it', async () => {
    const { destination, activities } = await start({ body: '${{ event.data.text }}' });
    await destination.deliver(delivery({ text: `${'x'.repeat(65_533)}&&` }), patience());
    expect(activities[0]?.properties.hs_call_body).to.equal(`<p>${'x'.repeat(65_533)}…</p>`);
  });

  it('refuses properties that have an option of their own', async () => {
    const { row } = await start();
    expect(() => row('hubspot.call', { properties: { hs_call_title: 'x' } })).to.throw(
      'hs_call_title is the option `title`: leave it out here',
    );
  });

  it('shows what it would log', async () => {
    const { destination } = await start({ title: 'A call' });
    const one = delivery();
    expect(destination.preview?.(one)).to.deep.equal({
      phone: number,
      once: 'conv_1',
      initial: { firstname: 'Caller' },
      call: { hs_timestamp: one.event.occurredAt, hs_call_title: 'A call', hs_call_status: 'COMPLETED' },
    });
  });
});

describe('hubspot.lookup', () => {
  afterEach(closeAll);

  it('gives the chosen properties that the contact has, and asks nothing about a withheld number', async () => {
    const { resolver, add, far } = await start();
    const { from } = aCall();
    const properties = { firstname: 'Ada', email: '', tier: 'gold', secret: 'x' };
    add({ phone: from.replace('+', '00'), ...properties });
    const chosen = resolver({ properties: ['firstname', 'lastname', 'email', 'tier'] });
    const facts = await chosen.resolve(aCall(), {}, patience(), 3_000);
    expect(facts).to.deep.equal({ id: '101', firstname: 'Ada', tier: 'gold' });
    const byDefault = await resolver().resolve(aCall(), {}, patience(), 3_000);
    expect(byDefault).to.deep.equal({ id: '101', firstname: 'Ada', phone: from.replace('+', '00') });
    const before = far.requests.length;
    expect(await resolver().resolve(aCall({ from: '' }), {}, patience(), 3_000)).to.deep.equal({});
    expect(far.requests).to.have.length(before);
  });

  it('searches only the properties that are named', async () => {
    const { resolver, add } = await start();
    const { from } = aCall();
    add({ whatsapp: from, firstname: 'Ada' });
    expect(await resolver().resolve(aCall(), {}, patience(), 3_000)).to.deep.equal({});
    const other = resolver({ phoneProperties: ['whatsapp'] });
    expect(await other.resolve(aCall(), {}, patience(), 3_000)).to.deep.equal({ id: '101', firstname: 'Ada' });
  });

  it('is busy while HubSpot refuses requests, sends none until `Retry-After`, and then looks again', async () => {
    const { resolver, services, add, far, answers } = await start();
    const { from } = aCall();
    add({ phone: from, firstname: 'Ada' });
    const own = resolver();
    const look = () => own.resolve(aCall(), {}, patience(), 3_000);
    const whyBusy = () =>
      look().then(
        () => 'found',
        (error) => (isBusy(error) ? error.message : `no: ${error}`),
      );
    for (const [headers, waitMs] of [
      [{ 'retry-after': '3' }, 3_000],
      [{}, 10_000],
      // Longer ones are tried again after five minutes.
      [{ 'retry-after': '86400' }, 300_000],
    ] as const) {
      const before = far.requests.length;
      answers(() => ({ status: 429, body: '{"policyName":"TEN_SECONDLY_ROLLING"}', headers }));
      expect(await whyBusy()).to.match(/^POST .+: HTTP 429|^POST .+ 429/);
      await services.clock.advance(waitMs - 1_000);
      answers(null);
      expect(await whyBusy()).to.match(/^no request for another 1 s: /);
      expect(far.requests).to.have.length(before + 1);
      await services.clock.advance(1_000);
      expect(await look()).to.include({ firstname: 'Ada' });
    }
  });
});
