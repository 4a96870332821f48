import { readReception, recordOf } from '@switchhook/core/internal';
import { type Call, type EventDraft, isKnownCaller, phoneNormalizer, type Reception } from '@switchhook/sdk';
import { aCall } from '@switchhook/testkit';
import { expect } from 'chai';

const draft: EventDraft = { key: 'k', type: 't', subject: null, agent: null, occurredAtMs: null, data: {} };
const read = (reception: Reception) => readReception(reception, phoneNormalizer('DE'));
const inboundCall = (call: Partial<Call> = {}, given: object = {}): Reception => ({
  kind: 'call',
  event: draft,
  call: aCall(call),
  deadlineMs: 10_000,
  reply: () => ({ status: 200 }),
  fallback: () => ({ status: 200 }),
  ...given,
});
const callIn = (call: Partial<Call>) => {
  const reception = read(inboundCall(call));
  return reception.kind === 'call' ? reception.call : null;
};

describe('a reception', () => {
  it('says of each event which secret it had, whatever masks the event, or that this is not known', () => {
    const verifiedIn = (given: object, mask = (one: EventDraft) => ({ ...one })) => {
      const reception = readReception({ kind: 'events', events: [draft], ...given }, phoneNormalizer(null), {}, mask);
      return reception.kind === 'events' && reception.events.map((one) => recordOf(one, 'agents', 0).verified);
    };
    const secrets = [{ secret: 2, of: 3 }, null, undefined].map((verifiedBy) => verifiedIn({ verifiedBy }));
    expect(secrets).to.deep.equal([['2/3'], ['0/0'], [null]]);
    const call = read(inboundCall({}, { verifiedBy: { secret: 1, of: 1 } }));
    expect(call.kind === 'call' && recordOf(call.event, 'calls', 0).verified).to.equal('1/1');
    for (const wrong of [{ secret: 4, of: 3 }, { secret: 0, of: 3 }, { secret: 1.5, of: 3 }, {}, '1/3', 1, []])
      expect(() => verifiedIn({ verifiedBy: wrong }), JSON.stringify(wrong)).to.throw('verifiedBy');
  });

  it('has the numbers of calls and of the other party as E.164', () => {
    expect(callIn({ from: '030 901820', to: 'tel:+49-30-901821' })).to.include({
      from: '+4930901820',
      to: '+4930901821',
    });
    const parties = [undefined, null, '030 901820', 'Anonymous', 'sip:ada@example.com'];
    const events = read({
      kind: 'events',
      events: parties.map((party) => ({ ...draft, ...(party !== undefined && { party }) })),
    });
    expect(events.kind === 'events' && events.events.map(({ party }) => party)).to.deep.equal([
      undefined,
      null,
      '+4930901820',
      null,
      'sip:ada@example.com',
    ]);
  });

  for (const from of ['266 696 687', '00266696687', 'tel:266-696-687', '1 000 000 0000'])
    it(`has no caller who calls from ${from}: it is withheld in another spelling`, () => {
      expect(isKnownCaller({ from: callIn({ from })?.from ?? '' })).to.equal(false);
      const events = read({ kind: 'events', events: [{ ...draft, party: from }] });
      const [event] = events.kind === 'events' ? events.events : [];
      expect(event?.party ?? '').not.to.match(/^\+/);
    });

  it('has no caller whose number is longer than any, and no longer called one: both are remembered', () => {
    const long = '1'.repeat(1_000_000);
    expect(callIn({ from: long })).to.include({ from: '' });
    expect(callIn({ to: long })?.to).to.have.length(256);
  });

  it('has a call that nobody can change, with all that is in it', () => {
    const inner = { deep: 1 };
    const data = { list: [inner] };
    for (const part of [callIn({ data }), data, data.list, inner]) expect(Object.isFrozen(part)).to.equal(true);
  });

  const broken: Readonly<Record<string, unknown>> = {
    'of no known kind': { kind: 'rumour' },
    'that is a handshake without a reply': { kind: 'handshake' },
    'without a deadline': inboundCall({}, { deadlineMs: undefined }),
    'with a deadline that is no number': inboundCall({}, { deadlineMs: '10s' }),
    'with a deadline that has no end': inboundCall({}, { deadlineMs: Number.POSITIVE_INFINITY }),
    'with a caller that is no text': inboundCall({ from: 12345678912 as unknown as string }),
    'with an id that is no text': inboundCall({ id: 1n as unknown as string }),
    'with data that is none': inboundCall({ data: null as unknown as Call['data'] }),
    'with bytes as data': inboundCall({ data: Buffer.from('{}') as unknown as Call['data'] }),
    'that is undefined': undefined,
    'that is a text': 'events',
    'with events that are no list': { kind: 'events', events: draft },
  };
  for (const [title, reception] of Object.entries(broken))
    it(`${title} is refused, with what is allowed`, () => {
      expect(() => read(reception as Reception)).to.throw(/^receive returned .+; allowed is /);
    });

  const drafts: Readonly<Record<string, unknown>> = {
    'without a key': { key: undefined },
    'with an empty key': { key: '' },
    'with a key that is no text': { key: 42 },
    'without a type': { type: undefined },
    'with an agent that is no text': { agent: 7 },
    'with a time that is no number': { occurredAtMs: new Date(0) },
    'without data': { data: undefined },
    'with a list as data': { data: [] },
    'with a text as body': { body: '{}' },
  };
  for (const [title, given] of Object.entries(drafts))
    it(`with an event ${title} is refused, with what is allowed and which field is wrong`, () => {
      const broken = { ...draft, ...(given as object) };
      for (const reception of [{ kind: 'events', events: [draft, broken] }, inboundCall({}, { event: broken })])
        expect(() => read(reception as Reception)).to.throw(
          new RegExp(
            `^receive returned .+; allowed is an event with the texts key.+; missing or wrong: ${Object.keys(given as object)}$`,
          ),
        );
    });

  it('may leave out what an event or a call can be without', () => {
    const { key, type, data } = draft;
    const events = read({ kind: 'events', events: [{ key, type, data } as EventDraft] });
    const [event = draft] = events.kind === 'events' ? events.events : [];
    expect(recordOf(event, 'agents', 5)).to.include({ subject: null, agent: null, party: null, occurredAtMs: 5 });
    const { id: _id, agent: _agent, ...call } = aCall();
    expect(callIn({ ...call, id: undefined, agent: undefined } as unknown as Call)).to.include({
      id: null,
      agent: null,
    });
  });
});
