import slack from '@switchhook/plugin-slack';
import type { Delivery, JsonObject } from '@switchhook/sdk';
import {
  aDelivery,
  anEvent,
  type Behaviour,
  createComponent,
  cutOffResponse,
  destinationSuite,
  fakeServices,
  receiver,
} from '@switchhook/testkit';
import { expect } from 'chai';

const component = slack.components.find(({ type }) => type === 'slack.message');
const patience = (): AbortSignal => new AbortController().signal;
const token = 'xoxb-1-secret';

/** An imitation of Slack's Web API: posted messages, and what it answers instead. */
async function slackApi() {
  const posted: JsonObject[] = [];
  let answer: Behaviour | null = null;
  const far = await receiver((request, index) => {
    if (answer !== null) return answer(request, index);
    const json = (body: JsonObject) => ({
      status: 200,
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    if (request.headers.authorization !== `Bearer ${token}`) return json({ ok: false, error: 'invalid_auth' });
    if (request.path === '/api/auth.test') return json({ ok: true, user: 'switchhook', team: 'Acme' });
    if (request.path !== '/api/chat.postMessage') return json({ ok: false, error: 'unknown_method' });
    posted.push(request.json() as JsonObject);
    return json({ ok: true, ts: `1700000000.${String(posted.length).padStart(6, '0')}`, channel: 'C1' });
  });
  return {
    far,
    posted,
    /** Null = as it should. */
    answers: (how: Behaviour | null) => {
      answer = how;
    },
    refuses: (body: JsonObject, status = 200, headers = {}) => {
      answer = () => ({ status, body: JSON.stringify({ ok: false, ...body }), headers });
    },
  };
}

async function setup(options: JsonObject = {}) {
  const api = await slackApi();
  const services = fakeServices();
  const row = {
    token,
    channel: 'C1',
    text: '${{ event.type }}',
    thread: '${{ event.subject }}',
    baseUrl: `${api.far.url}/api/`,
    ...options,
  };
  const create = () => createComponent('destination', component, row, services);
  return {
    ...api,
    services,
    create,
    destination: create(),
    close: async () => {
      await api.far.close();
      await services.close();
    },
  };
}

function delivery(subject: string | null, type = 'conversation_ended'): Delivery {
  return aDelivery({ event: anEvent({ subject, type }) });
}

destinationSuite('slack.message as a bot', async () => {
  const fixture = await setup({ text: '${{ delivery.id }}', thread: '${{ delivery.id }}' });
  return {
    destination: fixture.destination,
    secrets: [token],
    arrived: () => fixture.posted.map(({ text }) => String(text)),
    behave: (how) => {
      if (how === 'well') fixture.answers(null);
      else if (how === 'refusing') fixture.refuses({ error: 'invalid_blocks' });
      else {
        const down: Behaviour = () => 503;
        const hanging: Behaviour = () => 'hang';
        fixture.answers({ down, hanging, 'cut-off': () => cutOffResponse }[how]);
      }
    },
    close: fixture.close,
  };
}, ['erase', 'emits']);

describe('slack.message as a bot', () => {
  let fixture: Awaited<ReturnType<typeof setup>>;
  beforeEach(async () => {
    fixture = await setup();
  });
  afterEach(() => fixture.close());

  it('posts the messages of a conversation into one thread, also after a restart', async () => {
    const { destination, create, posted } = fixture;
    await destination.deliver(delivery('conv_1', 'conversation_started'), patience());
    await destination.deliver(delivery('conv_2', 'conversation_started'), patience());
    await create().deliver(delivery('conv_1'), patience());
    await create().deliver(delivery('conv_1', 'conversation_analysed'), patience());
    expect(posted.map(({ text, thread_ts: thread = null }) => [text, thread])).to.deep.equal([
      ['conversation_started', null],
      ['conversation_started', null],
      ['conversation_ended', '1700000000.000001'],
      ['conversation_analysed', '1700000000.000001'],
    ]);
  });

  it('begins one thread where two messages of a conversation come at the same time', async () => {
    const { destination, posted } = fixture;
    const outcomes = await Promise.all([1, 2, 3].map(() => destination.deliver(delivery('conv_1'), patience())));
    expect(outcomes.filter(({ kind }) => kind === 'delivered')).to.have.length(1);
    for (const outcome of outcomes.filter(({ kind }) => kind !== 'delivered'))
      expect(outcome).to.deep.equal({
        kind: 'unavailable',
        reason: 'the first message of the thread is being posted',
        retryAfterMs: 1_000,
      });
    await destination.deliver(delivery('conv_1'), patience());
    expect(posted).to.have.length(2).and.to.have.nested.property('[1].thread_ts', '1700000000.000001');
  });

  it('begins the thread with the next message where the first one was refused', async () => {
    const { destination, posted, refuses, answers } = fixture;
    refuses({ error: 'internal_error' });
    expect(await destination.deliver(delivery('conv_1'), patience())).to.include({ kind: 'unavailable' });
    answers(null);
    expect(await destination.deliver(delivery('conv_1'), patience())).to.include({ kind: 'delivered' });
    expect(posted[0]).to.not.have.property('thread_ts');
  });

  it('forms a new thread where the router ended between the first message and its thread', async () => {
    const { destination, posted, services } = fixture;
    const { state } = services;
    const ending = createComponent(
      'destination',
      component,
      { token, channel: 'C1', text: 'a', thread: 'x', baseUrl: `${fixture.far.url}/api` },
      fakeServices({
        state: {
          get: state.get.bind(state),
          set: async (key, value, options) => (Object(value).ts ? false : state.set(key, value, options)),
        },
      }),
    );
    await ending.deliver(delivery('conv_1'), patience());
    const again = createComponent(
      'destination',
      component,
      { token, channel: 'C1', text: 'b', thread: 'x', baseUrl: `${fixture.far.url}/api` },
      services,
    );
    expect(await again.deliver(delivery('conv_1'), patience())).to.include({ kind: 'unavailable' });
    await services.clock.advance(30_000);
    expect(await again.deliver(delivery('conv_1'), patience())).to.include({ kind: 'delivered' });
    expect(posted.map(({ text }) => text)).to.deep.equal(['a', 'b']);
    expect(destination).not.to.equal(again);
  });

  it('posts without a thread where thread comes to nothing, or is not configured', async () => {
    await fixture.destination.deliver(delivery(null), patience());
    await fixture.destination.deliver(delivery(null), patience());
    expect(fixture.posted.map(({ thread_ts: thread = null }) => thread)).to.deep.equal([null, null]);
    expect(await fixture.services.state.get('thread:')).to.equal(null);
  });

  it('shows what it would post, and into which thread', () => {
    expect(fixture.destination.preview?.(delivery('conv_1'))).to.deep.equal({
      channel: 'C1',
      thread: 'conv_1',
      text: 'conversation_ended',
    });
  });

  it('says as whom it posts, or why it cannot', async () => {
    expect(await fixture.destination.probe?.(patience())).to.equal('posts as switchhook in Acme');
    fixture.refuses({ error: 'invalid_auth' });
    const said = await fixture.destination.probe?.(patience()).then(String, String);
    expect(said).to.equal('Error: Slack refused: invalid_auth');
  });

  for (const [error, more, outcome] of [
    [
      'invalid_blocks',
      { response_metadata: { messages: ['[ERROR] missing text'] } },
      { kind: 'rejected', reason: 'Slack refused: invalid_blocks: [ERROR] missing text' },
    ],
    ['msg_too_long', {}, { kind: 'rejected', reason: 'Slack refused: msg_too_long' }],
    ['channel_not_found', {}, { kind: 'unavailable', needsOperator: true }],
    ['not_in_channel', {}, { kind: 'unavailable', needsOperator: true }],
    ['token_revoked', {}, { kind: 'unavailable', needsOperator: true }],
    [
      'missing_scope',
      { needed: 'chat:write' },
      {
        kind: 'unavailable',
        needsOperator: true,
        reason: 'Slack refused: missing_scope; the bot needs the scope chat:write',
      },
    ],
    ['internal_error', {}, { kind: 'unavailable', reason: 'Slack refused: internal_error' }],
  ] as const)
    it(`takes 200 with ${error} for ${outcome.kind}`, async () => {
      fixture.refuses({ error, ...more });
      const found = await fixture.destination.deliver(delivery('conv_1'), patience());
      expect(found).to.deep.include(outcome);
      expect('needsOperator' in found).to.equal('needsOperator' in outcome);
    });

  it('waits as long as Slack wishes', async () => {
    fixture.refuses({ error: 'ratelimited' }, 429, { 'retry-after': '7' });
    expect(await fixture.destination.deliver(delivery('conv_1'), patience())).to.include({
      kind: 'unavailable',
      retryAfterMs: 7_000,
    });
  });

  it('has options that fit together', () => {
    const refused = (options: JsonObject): string => {
      try {
        createComponent('destination', component, { text: 'a', ...options }, fixture.services);
      } catch (error) {
        return String(error);
      }
      return 'accepted';
    };
    const webhookUrl = 'https://hooks.slack.com/x';
    expect(refused({ token, channel: 'C1' })).to.equal('accepted');
    expect(refused({ webhookUrl })).to.equal('accepted');
    expect(refused({ token })).to.include('a bot posts to a channel: expected its id');
    expect(refused({ token, channel: 'C1', webhookUrl })).to.include('webhookUrl or token, not both');
    expect(refused({ webhookUrl, channel: 'C1', thread: 'x' }))
      .to.include('channel is for a bot')
      .and.to.include('thread is for a bot');
    expect(refused({})).to.include('expected webhookUrl, or token and channel');
    expect(refused({ token, channel: 'C1', baseUrl: 'slack.com' })).to.include('expected an http or https URL');
  });
});
