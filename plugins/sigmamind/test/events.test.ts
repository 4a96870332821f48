import { readFileSync } from 'node:fs';
import { fingerprint, type JsonObject, parseJson, z } from '@switchhook/sdk';
import { sourceSuite } from '@switchhook/testkit';
import { expect } from 'chai';
import fc from 'fast-check';
import { component, eventOf, mistakesOf, refusal, refusedAbout, setup } from './world.js';

interface Fixture {
  readonly name: string;
  readonly body: JsonObject;
  readonly event: { type: string; subject: string | null; agent: string | null; occurredAt: string | null };
}
const fixtures = JSON.parse(
  readFileSync(new URL('../fixtures/envelopes.json', import.meta.url), 'utf8'),
) as readonly Fixture[];

const samples = component('sigmamind.events').samples ?? {};
const ended = samples.conversation_ended as JsonObject;
const events = (options: JsonObject = {}) => setup('sigmamind.events', { secrets: 'one-secret', ...options });
const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

for (const [name, sample] of Object.entries(samples))
  sourceSuite(`sigmamind.events with ${name}`, () => ({
    source: events({ secrets: ['added-secret', 'one-secret'] }).source,
    sample,
    signing: {
      other: events({ secrets: 'another-secret' }).source,
      last: events().source,
      toleranceMs: null,
    },
  }));
sourceSuite('sigmamind.events with a time of signing', () => {
  const signature = { timestampHeader: 'X-Time', tolerance: '2m' };
  const other = events({ secrets: 'another-secret', signature }).source;
  return { source: events({ signature }).source, sample: ended, signing: { other, toleranceMs: 120_000 } };
}, ['last']);
sourceSuite(
  'sigmamind.events with secrets of agents',
  () => ({
    source: events({ secrets: { agent_support: 'support-secret', agent_sales: ['sales-new', 'sales-old'] } }).source,
    sample: ended,
    different: (['agent_support', 'agent_sales'] as const).flatMap((agentId) => [
      { event: 'x', agentId, eventId: 'a' },
      { event: 'x', agentId, eventId: 'a:b' },
      { event: 'x:a', agentId, eventId: 'b' },
      { event: 'x', agentId, eventId: 'a%3Ab' },
    ]),
  }),
  ['signing'],
);
sourceSuite(
  'sigmamind.events with ids that contain colons',
  () => ({
    source: events().source,
    sample: ended,
    different: [
      { event: 'a:b', eventId: 'c' },
      { event: 'a', eventId: 'b:c' },
      { event: 'a', conversationId: 'b' },
      { event: 'a:b' },
      { event: 'a', conversationId: 'b', x: 1 },
    ],
  }),
  ['signing'],
);

describe('the body of an agent webhook', () => {
  for (const { name, body, event } of fixtures)
    it(`is understood: ${name}`, async () => {
      const fixture = events();
      const { type, subject, agent, occurredAtMs } = await eventOf(fixture, fixture.signed(body));
      expect({ type, subject, agent, occurredAt: iso(occurredAtMs) }).to.deep.equal(event);
    });

  it('is kept byte for byte, with what nobody has heard of', async () => {
    const fixture = events();
    const body = Buffer.from(
      '{ "event":"conversation_ended",\n  "score": 1.50, "näme":"\\u00e9", "extra":{"a":[1,null]} }',
    );
    const event = await eventOf(fixture, fixture.signed(body));
    expect(Buffer.from(event.body ?? []).toString()).to.equal(body.toString());
    expect(event.data).to.deep.equal({ event: 'conversation_ended', score: 1.5, näme: 'é', extra: { a: [1, null] } });
  });

  it('is written anew where it begins with a byte order mark', async () => {
    const fixture = events();
    const event = await eventOf(fixture, fixture.signed('\ufeff{"event":"conversation_ended"}'));
    expect(event.data).to.deep.equal({ event: 'conversation_ended' });
    expect(event).to.not.have.property('body');
  });

  it('gives integers beyond 2^53 with all their digits', async () => {
    const fixture = events();
    const body = '{"event":"x","call":{"conversationId" : 12345678901234567891},"agentId":9007199254740993}';
    const { subject, agent } = await eventOf(fixture, fixture.signed(body));
    expect(subject).to.equal('12345678901234567891');
    expect(agent).to.equal('9007199254740993');
  });

  it('is refused without an event type, and the log learns how to name one', async () => {
    const fixture = events();
    for (const body of [{}, { event: '' }, { event: 7 }, { event: {} }, { call: { type: 'inbound' } }])
      expect(await refusal('MALFORMED', () => fixture.receive(fixture.signed(body)))).to.equal(
        'the field event of the body, which names the type of the event, is missing or not a text; the option fields.type changes which field is read',
      );
    const other = events({ fields: { type: 'default(body.kind,\n  null)' } });
    expect(await refusal('MALFORMED', () => other.receive(other.signed({ event: 'x' })))).to.equal(
      'the body has no text for fields.type, which names the type of the event and is default(body.kind, null)',
    );
  });

  it('may have a key `constructor`', async () => {
    const fixture = events();
    const { data } = await eventOf(fixture, fixture.signed('{"event":"x","analysis":{"constructor":"ACME Builders"}}'));
    expect(data).to.deep.equal({ event: 'x', analysis: { constructor: 'ACME Builders' } });
  });

  it('is refused with keys that poison objects, and nested 200 levels deep', async () => {
    const fixture = events();
    for (const body of [
      '{"event":"x","__proto__":{"agentId":"a"}}',
      '{"event":"x","data":{"constructor":{"prototype":{"agentId":"a"}}}}',
      `{"event":"x","a":${'['.repeat(200)}${']'.repeat(200)}}`,
    ])
      await refusal('MALFORMED', () => fixture.receive(fixture.signed(body)));
  });
});

describe('the key of an event', () => {
  const keyOf = async (body: JsonObject | string, options: JsonObject = {}, headers: Record<string, string> = {}) => {
    const fixture = events(options);
    return (await eventOf(fixture, fixture.signed(body, { headers }))).key;
  };

  it('is made from type, subject and bytes where the body names no event id', async () => {
    const body = '{"event":"conversation_ended","conversationId":"conv_1"}';
    expect(await keyOf(body)).to.equal(`conversation_ended:conv_1:${fingerprint(Buffer.from(body))}`);
    expect(await keyOf('{"event":"x"}')).to.equal(`x::${fingerprint(Buffer.from('{"event":"x"}'))}`);
  });

  it('tells two analyses of one conversation apart', async () => {
    const analysed = { event: 'conversation_analysed', conversationId: 'conv_1' };
    expect(await keyOf({ ...analysed, score: 1 })).to.not.equal(await keyOf({ ...analysed, score: 2 }));
  });

  it('is the event id with its type where there is one', async () => {
    const body = { event: 'conversation_ended', data: { event_id: 42 } };
    expect(await keyOf({ ...body, sentAt: 1 })).to.equal('conversation_ended:42');
    expect(await keyOf({ ...body, sentAt: 2 })).to.equal('conversation_ended:42');
  });

  it('contains the agent whose secret signed the event', async () => {
    const secrets = { agent_support: 'support-secret', agent_sales: 'sales-secret' };
    const body = { event: 'conversation_ended', agentId: 'agent_sales', eventId: '42' };
    expect(await keyOf(body, { secrets })).to.equal(':agent_sales:conversation_ended%3A42');
  });

  it('can be taken from a header', async () => {
    const options = { fields: { key: 'headers["x-delivery-id"]' } };
    expect(await keyOf(ended, options, { 'x-delivery-id': 'd-1' })).to.equal('d-1');
  });

  it('is derived where its expression has no value', async () => {
    expect(await keyOf('{"event":"x"}', { fields: { key: 'body.nope' } })).to.equal(await keyOf('{"event":"x"}'));
  });
});

describe('fields', () => {
  const fields = {
    type: 'body.kind',
    key: 'body.kind + ":" + body.ref.id',
    subject: '${{ body.ref.id }}',
    agent: 'default(body.bot, "nobody")',
    occurredAt: ' ${{ body.at }} ',
  };

  it('say where the body says what, with or without ${{ }}', async () => {
    const fixture = events({ fields });
    const body = {
      kind: 'Conversation-Ended',
      ref: { id: 'r1' },
      at: '2026-02-02T13:00:42Z',
      event: 'x',
      agentId: 'y',
    };
    const { type, key, subject, agent, occurredAtMs } = await eventOf(fixture, fixture.signed(body));
    expect({ type, key, subject, agent }).to.deep.equal({
      type: 'conversation_ended',
      key: 'Conversation-Ended:r1',
      subject: 'r1',
      agent: 'nobody',
    });
    expect(iso(occurredAtMs)).to.equal('2026-02-02T13:00:42.000Z');
  });

  it('alone say whose number it is: which one depends on who called whom', async () => {
    const party = 'body.callType == "inbound" ? body.fromNumber : body.toNumber';
    const body = (callType: string) => ({ ...ended, callType, fromNumber: '+1', toNumber: '+2' });
    const parties = async (options: JsonObject) =>
      Promise.all(
        ['inbound', 'outbound'].map(
          async (type) => (await eventOf(events(options), events().signed(body(type)))).party,
        ),
      );
    expect(await parties({ fields: { party } })).to.deep.equal(['+1', '+2']);
    expect(await parties({})).to.deep.equal([null, null]);
  });

  it('replace the tolerant reading, and say once as a warning that one has no value', async () => {
    const fixture = events({ fields: { subject: 'body.convId' } });
    const request = events().signed(ended);
    expect((await eventOf(fixture, request)).subject).to.equal(null);
    expect((await eventOf(fixture, request)).subject).to.equal(null);
    expect(fixture.log.of('field.missed').map(({ level }) => level)).to.deep.equal(['warn', 'debug']);
    expect(fixture.log.of('field.missed')[0]?.fields.field).to.equal('fields.subject');
  });

  it('leave out what is no id and no time', async () => {
    const fixture = events({ fields: { subject: 'body.variables', agent: 'true', occurredAt: '"soon"' } });
    const { subject, agent, occurredAtMs } = await eventOf(fixture, fixture.signed(ended));
    expect([subject, agent, occurredAtMs]).to.deep.equal([null, null, null]);
  });

  it('read the common forms of times, and log a value that is none', async () => {
    const timeOf = async (at: JsonObject[string]) => {
      const fixture = events({ fields: { occurredAt: 'body.at' } });
      const { occurredAtMs } = await eventOf(fixture, fixture.signed({ ...ended, at }));
      return [iso(occurredAtMs), fixture.log.of('field.missed').filter(({ level }) => level === 'warn').length];
    };
    expect(await timeOf('Fri, 02 Jan 2026 03:04:05 GMT')).to.deep.equal(['2026-01-02T03:04:05.000Z', 0]);
    expect(await timeOf('2026-01-02T03:04:05+01')).to.deep.equal(['2026-01-02T02:04:05.000Z', 0]);
    expect(await timeOf('2026-01-02')).to.deep.equal(['2026-01-02T00:00:00.000Z', 0]);
    expect(await timeOf('soon')).to.deep.equal([null, 1]);
    expect(await timeOf(null)).to.deep.equal([null, 0]);
  });

  it('refuse a body whose type they do not find', async () => {
    const fixture = events({ fields: { type: 'body.kind' } });
    await refusal('MALFORMED', () => fixture.receive(fixture.signed(ended)));
  });

  it('are checked when the file is read, at the right place', () => {
    expect(mistakesOf('sigmamind.events', { secrets: 'a-secret', fields: { subject: 'body.' } })).to.include(
      'EXPRESSION_SYNTAX',
    );
    const wrapped = mistakesOf('sigmamind.events', { secrets: 'a-secret', fields: { subject: '${{ boddy.id }}' } });
    expect(wrapped)
      .to.include('EXPRESSION_UNKNOWN_NAME')
      .and.to.match(/"offset": 4\b/);
  });
});

describe('a secret of all agents', () => {
  it('leaves the operator to see which agent sent what it does not fit', async () => {
    const fixture = events();
    const about = (body: JsonObject | string) =>
      refusedAbout(() => fixture.receive(events({ secrets: 'another-secret' }).signed(body)));
    expect(await about({ event: 'x', agentId: 'agent_a' })).to.deep.equal({ agent: 'agent_a' });
    expect(await about({ event: 'x', agentId: 'a'.repeat(70_000) })).to.equal(undefined);
    expect(await about('no JSON')).to.deep.equal({ agent: null });
  });
});

describe('secrets of agents', () => {
  const secrets = { agent_a: ['a-new', 'a-old'], agent_b: 'b-secret', agent_c: 'b-secret' };
  const by = (secret: string, body: JsonObject) => events({ secrets: secret }).signed(body);
  const from = (agent: string | null) => ({ event: 'conversation_ended', ...(agent !== null && { agentId: agent }) });

  it('verify the bodies of their own agent, each of the several', async () => {
    const fixture = events({ secrets });
    for (const secret of ['a-new', 'a-old'])
      expect((await eventOf(fixture, by(secret, from('agent_a')))).agent).to.equal('agent_a');
  });

  it('do not speak for another agent, and the log says whose secret it was', async () => {
    const fixture = events({ secrets });
    const reason = await refusal('UNVERIFIED', () => fixture.receive(by('a-new', from('agent_b'))));
    expect(reason).to.include('agent_a').and.not.include('agent_b').and.not.include('a-new');
  });

  it('are named to the operator: whose was expected, and whose it was', async () => {
    const fixture = events({ secrets });
    const about = (secret: string, agent: string | null) =>
      refusedAbout(() => fixture.receive(by(secret, from(agent))));
    expect(await about('a-old', 'agent_b')).to.deep.equal({ agent: 'agent_b', secretOf: ['agent_a'] });
    expect(await about('b-secret', 'agent_a')).to.deep.equal({ agent: 'agent_a', secretOf: ['agent_b', 'agent_c'] });
    expect(await about('unknown', 'agent_a')).to.deep.equal({ agent: 'agent_a', secretOf: [] });
    expect(await about('unknown', null)).to.deep.equal({ agent: null, secretOf: [] });
  });

  it('are known to be missing for an agent that the file does not have', async () => {
    const fixture = events({ secrets });
    const reason = (agent: string | null) => refusal('UNVERIFIED', () => fixture.receive(by('unknown', from(agent))));
    expect(await reason('agent_x'))
      .to.include('no secret is configured for the agent')
      .and.not.include('agent_x');
    expect(await reason(null)).to.match(
      /names no agent: by default it is read from agentId; the option fields.agent changes that$/,
    );
    expect(await reason('agent_a')).to.match(/has the configured form, so the secret or the signed content differs$/);
  });

  it('do not speak for a body without an agent', async () => {
    const fixture = events({ secrets });
    expect(await refusal('UNVERIFIED', () => fixture.receive(by('a-new', from(null))))).to.include('fields.agent');
  });

  it('are not tried for bodies of agents without one, whatever they are signed with', async () => {
    const fixture = events({ secrets });
    const reason = await refusal('UNVERIFIED', () => fixture.receive(by('unknown', from('agent_x'))));
    expect(reason).to.include('signature does not match');
  });

  it('are tried for a large body only where it names their agent', async () => {
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`agent_${n}`, `secret-${n}`]));
    const fixture = events({ secrets: many });
    const large = { event: 'conversation_ended', agentId: 'agent_7', transcript: 'x'.repeat(50_000) };
    expect((await eventOf(fixture, by('secret-7', large))).agent).to.equal('agent_7');
    const reason = await refusal('UNVERIFIED', () => fixture.receive(by('secret-8', large)));
    expect(reason).to.include('signature does not match').and.not.include('agent_8');
  });

  it('are at most 20 for one agent, or for all: each request is checked with all of them', () => {
    const list = (length: number) => Array.from({ length }, (_, n) => `secret-${n}`);
    expect(() => events({ secrets: list(20) })).not.to.throw();
    expect(mistakesOf('sigmamind.events', { secrets: list(21) })).to.include('write a map from agent ids');
    expect(mistakesOf('sigmamind.events', { secrets: { agent_a: list(21) } })).to.include('20 at most');
  });

  it('may be shared by agents', async () => {
    const fixture = events({ secrets });
    for (const agent of ['agent_b', 'agent_c'])
      expect((await eventOf(fixture, by('b-secret', from(agent)))).agent).to.equal(agent);
  });

  it('are refused before anything is said about the body', async () => {
    const fixture = events({ secrets });
    expect(await refusal('UNVERIFIED', () => fixture.receive(by('a-new', { agentId: 'agent_b' })))).to.include(
      'agent_a',
    );
  });

  it('go with fields.agent', async () => {
    const fixture = events({ secrets, fields: { agent: 'body.bot' } });
    const event = await eventOf(fixture, fixture.signed({ event: 'x', bot: 'agent_b' }));
    expect(event.agent).to.equal('agent_b');
  });

  it('sign as the agent of the body', async () => {
    const fixture = events({ secrets });
    expect((await eventOf(fixture, fixture.signed(from('agent_c')))).agent).to.equal('agent_c');
  });
});

describe('limits', () => {
  it('of an event are kept by cutting, and different texts stay different', async () => {
    const fixture = events();
    const draft = (mark: string) =>
      eventOf(
        fixture,
        fixture.signed({
          event: `t${mark.repeat(200)}`,
          conversationId: `c${mark.repeat(600)}`,
          agentId: mark.repeat(300),
        }),
      );
    const [a, b] = [await draft('a'), await draft('b')];
    for (const [field, limit] of [
      ['type', 128],
      ['subject', 512],
      ['agent', 256],
      ['key', 512],
    ] as const) {
      expect(a[field]).to.have.lengthOf(limit);
      expect(a[field]).to.not.equal(b[field]);
    }
  });

  it('of stores are kept: no control characters and no halves of characters', async () => {
    const fixture = events();
    const { subject } = await eventOf(fixture, fixture.signed('{"event":"x","conversationId":"a\\u0000b\\ud800"}'));
    expect(subject).to.match(/^a\ufffdb\ufffd~[0-9a-f]{32}$/);
  });

  it('hold for any body: it becomes an event or is refused', async () => {
    const fixture = events();
    const name = fc.constantFrom(
      'event',
      'type',
      'data',
      'call',
      'agent',
      'agentId',
      'conversationId',
      'eventId',
      'id',
      'timestamp',
    );
    const { body } = fc.letrec((tie) => ({
      body: fc.dictionary(
        fc.oneof(name, name, fc.string()),
        fc.oneof({ maxDepth: 4 }, fc.jsonValue(), fc.double(), fc.maxSafeInteger(), tie('body')),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(body, async (value) => {
        const sent = JSON.stringify(value);
        let event: Awaited<ReturnType<typeof eventOf>>;
        try {
          event = await eventOf(fixture, fixture.signed(sent));
        } catch (error) {
          await refusal('MALFORMED', () => Promise.reject(error));
          return;
        }
        expect(event.type.length).to.be.within(1, 128);
        expect(event.key.length).to.be.within(1, 512);
        expect(event.subject?.length ?? 1).to.be.within(1, 512);
        expect(event.agent?.length ?? 1).to.be.within(1, 256);
        expect(event.occurredAtMs ?? 1).to.satisfy(Number.isInteger);
        expect(event.data).to.deep.equal(parseJson(sent));
      }),
      { numRuns: 500 },
    );
  });
});

describe('the known types of sigmamind.events', () => {
  it('are those of its events, as these have them', async () => {
    const { types = [] } = component('sigmamind.events');
    expect(types).to.deep.equal(Object.keys(samples));
    const fixture = events();
    for (const type of types)
      expect((await eventOf(fixture, fixture.signed({ event: type.toUpperCase() }))).type).to.equal(type);
  });
});

describe('the options of sigmamind.events', () => {
  it('are refused without a secret', () => {
    for (const secrets of ['', [], [''], { agent_a: null }, {}, { agent_a: [] }, { agent_a: '' }, 7])
      expect(mistakesOf('sigmamind.events', { secrets })).to.include('expected');
    expect(mistakesOf('sigmamind.events', {})).to.include('secrets');
  });

  it('say what belongs behind an agent', () => {
    const schema = JSON.stringify(z.toJSONSchema(component('sigmamind.events').options, { io: 'input' }));
    expect(schema).to.include('The secret of this agent, or a list of its secrets. Remove an agent that has none.');
  });

  it('are all described for docs and editors', () => {
    const schema = JSON.stringify(z.toJSONSchema(component('sigmamind.events').options, { io: 'input' }));
    const { properties } = JSON.parse(schema) as {
      properties: Record<string, { description?: string; properties?: object }>;
    };
    for (const [name, property] of Object.entries(properties)) {
      expect(property.description, name).to.be.a('string');
      for (const [inner, option] of Object.entries(property.properties ?? {})) {
        expect(option.description, `${name}.${inner}`).to.be.a('string');
        if (name === 'signature') expect(option.description, inner).to.include('assumption');
      }
    }
    expect(schema).to.include('"default":"X-SigmaMind-Signature"');
  });
});
