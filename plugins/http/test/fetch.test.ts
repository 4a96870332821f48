import type { JsonObject } from '@switchhook/sdk';
import { aDelivery, anEvent, type Behaviour, cutOffResponse, destinationSuite } from '@switchhook/testkit';
import { expect } from 'chai';
import { fetchWorld, patience } from './world.js';

const conversation = { id: 'conv_1', status: 'ended', ended_at: '2026-01-02T03:04:05Z', seconds: 73 };
const found: Behaviour = () => ({ status: 200, body: JSON.stringify(conversation) });

destinationSuite('http.fetch', async () => {
  const secret = 'only-for-tests';
  const { destination, far, services, close } = await fetchWorld((url) => ({
    url: `${url}/\${{ delivery.id }}`,
    allowPrivate: true,
    headers: { Authorization: `Bearer ${secret}` },
    type: 'conversation_ended',
  }));
  const arrived: string[] = [];
  const well: Behaviour = (request, index) => {
    arrived.push(decodeURIComponent(request.path.slice(1)));
    return found(request, index);
  };
  far.answer(well);
  return {
    destination,
    secrets: [secret],
    emitted: services.emitted,
    arrived: () => arrived,
    behave: (how) => {
      const hanging: Behaviour = () => 'hang';
      far.answer({ well, refusing: () => 422, down: () => 503, hanging, 'cut-off': () => cutOffResponse }[how]);
    },
    close,
  };
}, ['erase', 'cut-off']);

describe('http.fetch', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  const about = anEvent({
    ...{ id: 'event-1', source: 'router', type: 'conversation.incomplete', subject: 'conv_1', agent: 'agent_7' },
    data: { missing: ['conversation_ended'] },
  });
  const asked = async (options: JsonObject, behaviour: Behaviour = found) => {
    const world = await fetchWorld(
      (url) => ({ url: `${url}/v1/conversations/\${{ event.subject }}`, allowPrivate: true, ...options }),
      behaviour,
    );
    closing.push(world.close);
    const outcome = await world.destination.deliver(aDelivery({ event: about }), patience());
    return { ...world, outcome, emitted: world.services.emitted };
  };
  const reasonOf = async (options: JsonObject, behaviour?: Behaviour): Promise<string> => {
    const { outcome, emitted } = await asked(options, behaviour);
    expect(emitted).to.deep.equal([]);
    return outcome.kind === 'delivered' ? 'delivered' : `${outcome.kind}: ${outcome.reason}`;
  };

  it('asks about the event and emits the reply, with the subject and agent of the event', async () => {
    const { outcome, emitted, far } = await asked({ type: '${{ event.data.missing[0] }}' });
    expect(outcome.kind).to.equal('delivered');
    const [request] = await far.received(1);
    expect([request?.method, request?.path, request?.headers.accept]).to.deep.equal([
      'GET',
      '/v1/conversations/conv_1',
      'application/json',
    ]);
    expect(emitted).to.have.length(1);
    expect(emitted[0]).to.deep.include({
      ...{ key: 'conversation_ended:event-1', type: 'conversation_ended', subject: 'conv_1', agent: 'agent_7' },
      ...{ occurredAtMs: null, data: conversation },
    });
  });

  it('makes type, data and time of the reply', async () => {
    const { emitted } = await asked({
      type: 'conversation_${{ reply.status }}',
      data: { conversationId: '${{ reply.id }}', duration: '${{ reply.seconds }}', fetched: true },
      occurredAt: '${{ reply.ended_at }}',
    });
    expect(emitted[0]).to.deep.include({
      ...{ type: 'conversation_ended', occurredAtMs: Date.UTC(2026, 0, 2, 3, 4, 5) },
      data: { conversationId: 'conv_1', duration: 73, fetched: true },
    });
  });

  it('waits for a complete reply, also where what the condition reads is not there yet', async () => {
    const later = 'unavailable: the reply is not complete yet:';
    const still: Behaviour = () => ({ status: 200, body: '{"status":"ongoing"}' });
    const when = 'reply.status == "ended" && reply.seconds > 0';
    expect(await reasonOf({ type: 'x', when }, still)).to.equal(`${later} when is false`);
    const running: Behaviour = () => ({ status: 200, body: '{}' });
    expect(await reasonOf({ type: 'x', when }, running)).to.match(new RegExp(`^${later} when: .*`));
    expect((await asked({ type: 'x', when })).emitted).to.have.length(1);
  });

  it('sends a body with POST', async () => {
    const { far } = await asked({ type: 'x', method: 'POST', body: { ids: ['${{ event.subject }}'] } });
    const [request] = await far.received(1);
    expect([request?.method, request?.json()]).to.deep.equal(['POST', { ids: ['conv_1'] }]);
  });

  it('rejects a reply of which no event can be made, without a word of it', async () => {
    const replying =
      (body: string): Behaviour =>
      () => ({ status: 200, body });
    expect(await reasonOf({ type: 'x' }, replying('Jim, 49'))).to.equal('rejected: the reply is not JSON');
    expect(await reasonOf({ type: 'x' }, () => 204)).to.equal('rejected: the reply is not JSON');
    expect(await reasonOf({ type: 'x' }, replying('[1]'))).to.equal('rejected: the reply is no object');
    expect(await reasonOf({ type: 'x', data: '${{ reply.id }}' })).to.equal('rejected: data is no object');
    expect(await reasonOf({ type: ' ${{ reply.id.substring(6) }}' })).to.equal(
      'rejected: type has no text of 1 to 128 characters',
    );
    expect(await reasonOf({ type: '${{ reply.kind }}' })).to.match(/^rejected: template of type: .*kind/);
  });

  it('asks again where the reply broke off, and emits nothing of it', async () => {
    const reason = 'unavailable: the reply is longer than maxBytes, or broke off';
    expect(await reasonOf({ type: 'x' }, () => cutOffResponse)).to.equal(reason);
    const long: Behaviour = () => ({ status: 200, body: JSON.stringify({ a: 'x'.repeat(2_000) }) });
    expect(await reasonOf({ type: 'x', maxBytes: '1kb' }, long)).to.equal(reason);
  });

  it('leaves what the service does not know to the operator, and what it cannot say now to the next attempt', async () => {
    expect((await asked({ type: 'x' }, () => 404)).outcome).to.include({ kind: 'unavailable', needsOperator: true });
    const { outcome } = await asked({ type: 'x' }, () => ({ status: 503, headers: { 'retry-after': '7' } }));
    expect(outcome).to.include({ kind: 'unavailable', retryAfterMs: 7_000 });
  });
});
