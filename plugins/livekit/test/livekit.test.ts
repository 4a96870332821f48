import { createHash } from 'node:crypto';
import plugin from '@switchhook/plugin-livekit';
import { type JsonObject, signatureHeaders } from '@switchhook/sdk';
import {
  aRequest,
  createComponent,
  eventOf,
  fakeServices,
  refusalOf,
  signedRequest,
  sourceSuite,
} from '@switchhook/testkit';
import { expect } from 'chai';
import { AccessToken, WebhookReceiver } from 'livekit-server-sdk';

const [key, secret] = ['APIkey', 'secret_of_the_tests_with_32_bytes'] as const;
const [component] = plugin.components;
const samples = Object.entries(component?.samples ?? {});
const setup = (options: JsonObject = {}) =>
  createComponent('source', component, { keys: { [key]: secret }, ...options }, fakeServices());

for (const [name, sample] of samples)
  sourceSuite(`livekit.events with ${name}`, () => ({
    source: setup({ keys: { [key]: secret, APIolder: 'secret_before' } }),
    sample,
    different: samples.flatMap(([other, body]) => (other === name ? [] : [body])),
    signing: {
      other: setup({ keys: { [key]: 'another secret' } }),
      last: setup({ keys: { APIolder: 'secret_before' } }),
      toleranceMs: 300_000,
    },
  }));

const body = '{"event":"room_finished","room":{"name":"é"},"id":"EV_1","createdAt":"1767225600"}';
const hash = createHash('sha256').update(body).digest('base64');
const nowMs = 1_767_225_600_000;
const valid = { iss: key, exp: nowMs / 1000 + 300, sha256: hash };

/** A token with any claims. */
function token(claims: JsonObject, own: string = secret, header: JsonObject = { alg: 'HS256' }): string {
  const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const scheme = { header: 'h', algorithm: 'sha256', encoding: 'base64url', prefix: '', signed: '{body}' } as const;
  const untimed = { ...scheme, timestampHeader: null, toleranceMs: 0 };
  const { h } = signatureHeaders(untimed, own, { body: Buffer.from(signed), method: 'POST' }, nowMs);
  return `${signed}.${h}`;
}

const receive = async (authorization: string | undefined, options: JsonObject = {}, receivedAtMs = nowMs) => {
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
  const refusal = await refusalOf(setup(options), aRequest({ body, headers, receivedAtMs }));
  return refusal === null ? 'accepted' : `${refusal.code}: ${refusal.message}`;
};

describe('the token of LiveKit', () => {
  it('is made and checked as livekit-server-sdk does', async () => {
    const made = new AccessToken(key, secret, { ttl: 300 });
    made.sha256 = hash;
    const sent = await made.toJwt();
    // The library has its own clock.
    const { exp } = JSON.parse(String(Buffer.from(sent.split('.')[1] ?? '', 'base64url'))) as { exp: number };
    const signedAtMs = exp * 1000 - 300_000;
    expect(await receive(sent, {}, signedAtMs)).to.equal('accepted');
    const { authorization = '' } = setup().sign?.(Buffer.from(body), signedAtMs).headers ?? {};
    expect((await new WebhookReceiver(key, secret).receive(body, authorization)).id).to.equal('EV_1');
  });

  it('is refused with a reason that names neither secret nor token', async () => {
    expect(await receive(undefined)).to.include('UNVERIFIED: header Authorization is missing');
    expect(await receive(`Bearer ${token(valid)}`)).to.include('without "Bearer "');
    expect(await receive(token(valid, 'another secret'))).to.include('signature does not match');
    expect(await receive(token({ ...valid, sha256: 'x' }))).to.equal(
      'UNVERIFIED: the hash in the token is not that of the body',
    );
    const { sha256: _hash, ...withoutHash } = valid;
    expect(await receive(token(withoutHash))).to.include('the hash in the token');
    for (const exp of [null, '1767225900', {}])
      expect(await receive(token({ ...valid, exp }))).to.include('no end of its validity');
    expect(await receive(token({ ...valid, exp: valid.exp + 301 }))).to.include('301 s ahead, 300 s are allowed');
    expect(await receive(token({ ...valid, exp: valid.exp - 301 }))).to.include('301 s old');
    expect(await receive(token({ ...valid, exp: valid.exp - 301 }), { tolerance: '10m' })).to.equal('accepted');
    // Without a signature, whatever the header says.
    expect(await receive(token(valid, '', { alg: 'none' }))).to.include('UNVERIFIED');
    expect(await receive(`${token(valid).split('.').slice(0, 2).join('.')}.`)).to.include('UNVERIFIED');
  });

  it('belongs to the API key whose secret signed it', async () => {
    const keys = { [key]: secret, APIother: 'secret_of_another' };
    expect(await receive(token({ ...valid, iss: 'APIother' }, 'secret_of_another'), { keys })).to.equal('accepted');
    for (const iss of ['APIother', 'APInone', 'constructor', null, 7])
      expect(await receive(token({ ...valid, iss }), { keys }), String(iss)).to.include('the issuer of the token');
  });

  it('needs API keys with secrets', () => {
    expect(() => setup({ keys: {} })).to.throw('at least one API key');
    expect(() => setup({ keys: Object.fromEntries(Array.from({ length: 21 }, (_, n) => [n, secret])) })).to.throw('20');
  });
});

describe('livekit.events', () => {
  it('reads the fields of an event', async () => {
    const room = { sid: 'RM_1', name: 'room' };
    const data = { event: 'room_finished', id: 'EV_1', createdAt: '1767225600', room, x_new: { a: 1 } };
    const { body: bytes, ...draft } = await eventOf(setup(), signedRequest(setup(), data));
    expect(draft).to.deep.equal({
      key: 'EV_1',
      type: 'room_finished',
      subject: 'RM_1',
      agent: null,
      party: null,
      occurredAtMs: nowMs,
      data,
    });
    expect(JSON.parse(String(bytes))).to.deep.equal(data);
    const ended = { event: 'agent_job_ended', id: 'EV_2', job: { agentName: 'agent_1', room } };
    const { subject, agent } = await eventOf(setup(), signedRequest(setup(), ended));
    expect([subject, agent]).to.deep.equal(['RM_1', 'agent_1']);
    const fields = { subject: 'body.room.name', party: 'body.room.sid' };
    const chosen = await eventOf(setup({ fields }), signedRequest(setup(), data));
    expect([chosen.subject, chosen.party]).to.deep.equal(['room', 'RM_1']);
  });

  it('keeps events of types and shapes that are not documented, and refuses those without a type', async () => {
    for (const room of [null, [], 'x', 7]) {
      const [first, second] = await Promise.all(
        [1, 2].map((n) => eventOf(setup(), signedRequest(setup(), { event: 'something_new', room, n }))),
      );
      expect([first?.type, first?.subject, first?.occurredAtMs]).to.deep.equal(['something_new', null, null]);
      expect(first?.key).not.to.equal(second?.key);
    }
    const refusal = await refusalOf(setup(), signedRequest(setup(), { id: 'EV_1' }));
    expect([refusal?.code, refusal?.message.split(',')[0]]).to.deep.equal(['MALFORMED', 'the field event of the body']);
  });

  it('reads the media type that LiveKit sends', () => {
    expect(component?.accepts).to.deep.equal(['application/webhook+json', 'application/json']);
  });
});
