import plugin from '@switchhook/plugin-twilio';
import type { Delivery, JsonObject } from '@switchhook/sdk';
import { aDelivery, anEvent, createComponent, destinationSuite, fakeServices } from '@switchhook/testkit';
import { expect } from 'chai';
import { accountSid, apiKey, authToken, twilio } from './imitation.js';

const component = plugin.components.find(({ type }) => type === 'twilio.sms');
const patience = (): AbortSignal => new AbortController().signal;

async function setup(options: JsonObject = {}, country: string | null = null) {
  const services = fakeServices({ country });
  const api = await twilio(services.clock);
  const row = {
    accountSid,
    authToken,
    baseUrl: api.far.url,
    from: '+12025550100',
    to: '${{ event.data.from }}',
    body: 'Thank you for calling, ${{ event.data.name }}',
    ...options,
  };
  return {
    ...api,
    services,
    clock: services.clock,
    create: (more: JsonObject) => createComponent('destination', component, { ...row, ...more }, services),
    destination: createComponent('destination', component, row, services),
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

function delivery(data: JsonObject = {}, subject = 'conv_1', id: string = ids.next().value): Delivery {
  const event = anEvent({ id: `e-${id}`, key: id, subject, data: { from: '+12025550143', name: 'Ada', ...data } });
  return aDelivery({ id, event });
}

destinationSuite('twilio.sms', async () => {
  const fixture = await setup({ to: '+12025550143', body: '${{ delivery.id }}' });
  return {
    destination: fixture.destination,
    secrets: [authToken],
    arrived: () => fixture.messages.map(({ body }) => body),
    behave: (how) => {
      if (how === 'well') fixture.answers(null);
      else if (how === 'refusing') fixture.answers(() => fixture.json({ code: 21610, message: 'no' }, 400));
      else if (how === 'down') fixture.answers(() => 429);
      else fixture.answers(() => 'hang');
    },
    close: fixture.close,
  };
}, ['cut-off', 'erase', 'emits']);

describe('twilio.sms', () => {
  const closing: (() => Promise<void>)[] = [];
  const start = async (options: JsonObject = {}, country: string | null = null) => {
    const fixture = await setup(options, country);
    closing.push(fixture.close);
    return fixture;
  };
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  it('sends a text message from a number', async () => {
    const { destination, far } = await start({ statusCallback: 'https://hooks.example.com/hooks/messages' });
    expect(await destination.deliver(delivery(), patience())).to.deep.equal({
      kind: 'delivered',
      response: 'message SM1',
    });
    expect(Object.fromEntries(new URLSearchParams(far.requests[0]?.text()))).to.deep.equal({
      To: '+12025550143',
      From: '+12025550100',
      Body: 'Thank you for calling, Ada',
      StatusCallback: 'https://hooks.example.com/hooks/messages',
    });
  });

  it('sends through a Messaging Service, with an API key, to a number of the country', async () => {
    const messagingServiceSid = `MG${'0a1b2c3d'.repeat(4)}`;
    const fixture = await start({}, 'US');
    const row = { accountSid, apiKey, apiSecret: authToken, baseUrl: fixture.far.url, messagingServiceSid };
    const destination = createComponent(
      'destination',
      component,
      { ...row, to: '${{ event.data.from }}', body: 'Hi' },
      fixture.services,
    );
    expect(await destination.deliver(delivery({ from: '(202) 555-0143' }), patience())).to.include({
      kind: 'delivered',
    });
    expect(Object.fromEntries(new URLSearchParams(fixture.far.requests[0]?.text()))).to.deep.equal({
      To: '+12025550143',
      MessagingServiceSid: messagingServiceSid,
      Body: 'Hi',
    });
    expect(await destination.probe?.(patience())).to.equal(`reads the messages of ${accountSid}`);
  });

  for (const whenUnsure of ['send', 'skip'])
    it(`sends one message where the connection breaks after it (${whenUnsure})`, async () => {
      const { destination, messages, cutAfter } = await start({ whenUnsure });
      const one = delivery();
      cutAfter(0);
      expect(await destination.deliver(one, patience())).to.include({ kind: 'unavailable' });
      expect(messages).to.have.length(1);
      cutAfter(0);
      expect(await destination.deliver(one, patience()), 'while looking').to.include({ kind: 'unavailable' });
      cutAfter(Number.POSITIVE_INFINITY);
      expect(await destination.deliver(one, patience())).to.deep.equal({ kind: 'delivered', response: 'message SM1' });
      expect(messages).to.have.length(1);
    });

  it('sends one message where the request hangs and arrives late', async () => {
    const { destination, messages, listed, answers, clock, far } = await start();
    const one = delivery();
    answers(() => 'hang');
    const controller = new AbortController();
    const attempt = destination.deliver(one, controller.signal).catch(() => null);
    await far.received(1);
    controller.abort(new Error('time is up'));
    await attempt;
    answers(null);
    await clock.advance(10_000);
    expect(await destination.deliver(one, patience()), 'Twilio may still be working on it').to.deep.equal({
      kind: 'unavailable',
      reason: 'no reply came, and the list of Twilio does not have the message yet',
      retryAfterMs: 50_000,
    });
    const late = { to: '+12025550143', body: 'Thank you for calling, Ada', direction: 'outbound-api' };
    listed.push({ ...late, sid: 'SM-late', date_created: new Date(clock.now()).toUTCString() });
    expect(await destination.deliver(one, patience())).to.deep.equal({
      kind: 'delivered',
      response: 'message SM-late',
    });
    expect(messages).to.deep.equal([]);
  });

  const lose = async (options: JsonObject) => {
    const fixture = await start(options);
    const one = delivery();
    fixture.answers(() => 'reset');
    expect(await fixture.destination.deliver(one, patience())).to.include({ kind: 'unavailable' });
    fixture.answers(null);
    await fixture.clock.advance(60_000);
    return { ...fixture, again: () => fixture.destination.deliver(one, patience()) };
  };

  it('sends the message again where Twilio does not have it after a minute', async () => {
    const { again, messages } = await lose({});
    expect(await again()).to.deep.equal({ kind: 'delivered', response: 'message SM1' });
    expect(messages).to.have.length(1);
  });

  it('does not send it again with whenUnsure: skip, until an operator replays it', async () => {
    const { again, messages } = await lose({ whenUnsure: 'skip' });
    expect(await again()).to.deep.equal({
      kind: 'rejected',
      reason: 'no reply came, and Twilio has no such message: not sent again, because of whenUnsure',
    });
    expect(messages).to.deep.equal([]);
    expect(await again()).to.include({ kind: 'delivered' });
    expect(messages).to.have.length(1);
  });

  it('does not send it for the other event of a call either, until an operator replays one of them', async () => {
    const { destination, answers, messages, clock } = await start({
      whenUnsure: 'skip',
      once: '${{ event.subject }}',
    });
    const [one, other] = [delivery(), delivery()];
    const deliver = (each: Delivery) => destination.deliver(each, patience());
    answers(() => 'reset');
    expect(await deliver(one)).to.include({ kind: 'unavailable' });
    answers(null);
    await clock.advance(60_000);
    expect([(await deliver(one)).kind, (await deliver(other)).kind]).to.deep.equal(['rejected', 'rejected']);
    expect(messages).to.deep.equal([]);
    expect([(await deliver(other)).kind, (await deliver(one)).kind]).to.deep.equal(['delivered', 'delivered']);
    expect(messages).to.have.length(1);
  });

  it('takes no other message for its own', async () => {
    const { again, listed, messages, clock } = await lose({});
    const message = { to: '+12025550143', body: 'Thank you for calling, Ada', direction: 'outbound-api' };
    const at = (ms: number) => new Date(clock.now() + ms).toUTCString();
    listed.push(
      { ...message, sid: 'old', date_created: at(-3_600_000) },
      { ...message, sid: 'reply', direction: 'inbound', date_created: at(0) },
      { ...message, sid: 'other', body: 'Thank you', date_created: at(0) },
      { ...message, sid: 'elsewhere', to: '+12025550144', date_created: at(0) },
    );
    expect(await again()).to.deep.equal({ kind: 'delivered', response: 'message SM1' });
    expect(messages).to.have.length(1);
  });

  it('finds its message on a later page of the list', async () => {
    const { again, listed, messages, clock, far } = await lose({});
    const old = { to: '+12025550143', body: 'x', direction: 'outbound-api', date_created: '' };
    for (let n = 0; n < 120; n += 1) listed.push({ ...old, sid: `old-${n}` });
    listed.push({
      ...old,
      sid: 'SM-last',
      body: 'Thank you for calling, Ada',
      date_created: new Date(clock.now()).toUTCString(),
    });
    const before = far.requests.length;
    expect(await again()).to.deep.equal({ kind: 'delivered', response: 'message SM-last' });
    expect(far.requests.length - before).to.equal(3);
    expect(messages).to.deep.equal([]);
  });

  it('asks for nothing elsewhere, whatever the list says', async () => {
    const { again, answers, json, far } = await lose({});
    answers(({ method }) => {
      if (method === 'POST') return json({ sid: 'SM1' }, 201);
      return json({ messages: [], next_page_uri: '/2010-04-01/Accounts/AC-other/Messages.json?Page=1' });
    });
    expect(await again()).to.include({ kind: 'delivered' });
    expect(far.requests.map(({ path }) => path).filter((path) => path.includes('AC-other'))).to.deep.equal([]);
  });

  it('looks for nothing where there was no connection', async () => {
    const { create, clock } = await start();
    const one = delivery();
    const refusing = await twilio(clock);
    await refusing.far.close();
    const closed = create({ baseUrl: refusing.far.url, whenUnsure: 'skip' });
    expect(await closed.deliver(one, patience())).to.include({ kind: 'unavailable' });
    expect(await create({ whenUnsure: 'skip' }).deliver(one, patience())).to.include({ kind: 'delivered' });
  });

  it('sends one message for the two events of one call, whichever comes first', async () => {
    const { destination, messages } = await start({ once: '${{ event.subject }}' });
    const both = await Promise.all([
      destination.deliver(delivery(), patience()),
      destination.deliver(delivery(), patience()),
    ]);
    expect(both.map(({ kind }) => kind).toSorted()).to.deep.equal(['delivered', 'unavailable']);
    expect(await destination.deliver(delivery(), patience())).to.deep.equal({
      kind: 'delivered',
      response: 'done before, for the same key',
    });
    await destination.deliver(delivery({}, 'conv_2'), patience());
    expect(messages).to.have.length(2);
  });

  for (const [status, body, headers, outcome] of [
    [
      400,
      { code: 21211, message: "The 'To' number +12025550143 is not a valid phone number." },
      {},
      {
        kind: 'rejected',
        reason: `POST /2010-04-01/Accounts/${accountSid}/Messages.json: HTTP 400 Bad Request: 21211: The 'To' number to is not a valid phone number.`,
      },
    ],
    [400, { code: 21610, message: 'Attempt to send to unsubscribed recipient' }, {}, { kind: 'rejected' }],
    [400, { code: 21601, message: 'not SMS-capable' }, {}, { kind: 'unavailable', needsOperator: true }],
    [400, { code: 21611, message: 'exceeded the maximum number of queued messages' }, {}, { kind: 'unavailable' }],
    [401, { code: 20003, message: 'Authenticate' }, {}, { kind: 'unavailable', needsOperator: true }],
    [403, { code: 20003, message: 'Permission Denied' }, {}, { kind: 'unavailable', needsOperator: true }],
    [
      429,
      { code: 20429, message: 'Too Many Requests' },
      { 'retry-after': '7' },
      { kind: 'unavailable', retryAfterMs: 7_000 },
    ],
    [503, {}, {}, { kind: 'unavailable' }],
    [201, {}, {}, { kind: 'unavailable', reason: 'POST Messages.json: the reply has no sid' }],
  ] as const)
    it(`takes ${status} ${JSON.stringify(body)} for ${outcome.kind}`, async () => {
      const { destination, answers } = await start();
      answers(() => ({ status, body: JSON.stringify(body), headers }));
      expect(await destination.deliver(delivery(), patience())).to.deep.include(outcome);
    });

  it('asks first whether a message was sent that was answered with 503', async () => {
    const { destination, messages, answers, listed, clock } = await start();
    const one = delivery();
    answers(() => 503);
    await destination.deliver(one, patience());
    answers(null);
    listed.push({
      sid: 'SM-503',
      to: '+12025550143',
      body: 'Thank you for calling, Ada',
      direction: 'outbound-api',
      date_created: new Date(clock.now()).toUTCString(),
    });
    expect(await destination.deliver(one, patience())).to.deep.equal({ kind: 'delivered', response: 'message SM-503' });
    expect(messages).to.deep.equal([]);
  });

  it('cuts a long text without another alphabet', async () => {
    const { destination, messages } = await start({ body: '${{ event.data.name }}' });
    await destination.deliver(delivery({ name: 'a'.repeat(1_600) }), patience());
    await destination.deliver(delivery({ name: `${'a'.repeat(1_596)}😀😀😀` }), patience());
    expect(messages.map(({ body }) => body)).to.deep.equal(['a'.repeat(1_600), `${'a'.repeat(1_596)}...`]);
  });

  it('rejects an event without a phone number, a text or a key, before any request', async () => {
    const { create, far } = await start();
    const reason = async (options: JsonObject, data: JsonObject) => {
      const outcome = await create(options).deliver(delivery(data), patience());
      return outcome.kind === 'rejected' && outcome.reason;
    };
    const empty = '${{ default(event.data.none, "") }}';
    for (const from of ['anonymous', '', '12345', 'sip:ada@example.com'])
      expect(await reason({}, { from })).to.equal('to: the event has no phone number there');
    expect(await reason({ body: empty }, {})).to.equal('body: it is empty once it is filled in');
    expect(await reason({ once: empty }, {})).to.equal('once: it is empty once it is filled in');
    expect(await reason({ from: empty }, {})).to.equal('from: it is empty once it is filled in');
    expect(far.requests).to.deep.equal([]);
  });

  it('shows what it would send', async () => {
    const { destination } = await start();
    expect(destination.preview?.(delivery({}, 'conv_1', 'd'))).to.deep.equal({
      once: 'e-d',
      message: { To: '+12025550143', From: '+12025550100', Body: 'Thank you for calling, Ada' },
    });
  });

  it('is probed by reading the account', async () => {
    const { destination, create, account } = await start();
    expect(await destination.probe?.(patience())).to.equal('account Acme');
    account('suspended');
    expect(await destination.probe?.(patience()).catch(String)).to.equal('Error: the account is suspended');
    expect(await create({ authToken: 'wrong' }).probe?.(patience()).catch(String)).to.include('20003: Authenticate');
  });

  it('refuses options that do not fit together', async () => {
    const { create } = await start();
    const row = { accountSid, to: 'x', body: 'y' };
    const problems = (options: JsonObject) => {
      try {
        createComponent('destination', component, { ...row, ...options }, fakeServices());
      } catch (error) {
        return (error as { issues: { path: string[]; message: string }[] }).issues.map(
          ({ path, message }) => `${path.join('.')}: ${message}`,
        );
      }
      return [];
    };
    expect(problems({})).to.deep.equal([
      'authToken: expected authToken, or apiKey and apiSecret',
      'from: expected from, messagingServiceSid or both',
    ]);
    expect(problems({ from: 'a', authToken, apiKey })).to.deep.equal([
      'apiKey: expected authToken or apiKey, not both',
      'apiSecret: apiKey and apiSecret belong together',
    ]);
    expect(() => create({ accountSid: 'AC1/../x' })).to.throw('expected the SID of an account');
  });
});
