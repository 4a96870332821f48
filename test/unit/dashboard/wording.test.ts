import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { becameOf, levelOf, outcomesOf, willBe } from '../../../core/dashboard/build/model/bulk.js';
import type { BulkChange } from '../../../core/dashboard/build/model/bulk-replies.js';
import { repliedText } from '../../../core/dashboard/build/model/calls.js';
import { answerOf, merged, missingTypes } from '../../../core/dashboard/build/model/conversation.js';
import { fixtureOf, sendingCommand, sentBody } from '../../../core/dashboard/build/model/fixture.js';
import {
  bytesText,
  failingShare,
  pathOf,
  percent,
  rateText,
  sharesOf,
} from '../../../core/dashboard/build/model/history.js';
import { parseJson } from '../../../core/dashboard/build/model/json.js';
import { layoutOf } from '../../../core/dashboard/build/model/layout.js';
import { countSince, happenedAt, inOrder } from '../../../core/dashboard/build/model/live.js';
import { linkTo, placeOf, withoutFields } from '../../../core/dashboard/build/model/location.js';
import type {
  Call,
  Change,
  Delivery,
  EventDetails,
  Explanation,
  Status,
} from '../../../core/dashboard/build/model/replies.js';
import {
  age,
  attemptsText,
  duration,
  excerpt,
  gatheredText,
  momentText,
  proofText,
  shellLine,
  startOf,
  titleOf,
  utcText,
  zoneText,
} from '../../../core/dashboard/build/model/wording.js';

describe('what the page writes', () => {
  it('copies an event as a file that the commands read: without what is not of it', () => {
    const data = parseJson('{"n":1,"answer":"a field of the sender"}') as EventDetails['data'];
    const facts = { id: 'e', key: 'k', source: 'agents', type: 't', subject: null, agent: null };
    const times = { occurredAt: '2026-01-01T00:00:00.000Z', receivedAt: '2026-01-01T00:00:01.000Z' };
    const delivery = {
      route: 'all',
      destination: 'crm',
      state: 'dead',
    } as unknown as EventDetails['deliveries'][number];
    const event = { ...facts, ...times, data, bytes: 3, verifiedBy: null, repeated: null, deliveries: [delivery] };
    expect(fixtureOf(event).replaceAll(/\s/g, '')).to.equal(
      '{"id":"e","key":"k","source":"agents","type":"t","subject":null,"agent":null,"occurredAt":"2026-01-01T00:00:00.000Z",' +
        '"receivedAt":"2026-01-01T00:00:01.000Z","data":{"n":1,"answer":"afieldofthesender"},' +
        '"deliveries":[{"route":"all","destination":"crm"}]}',
    );
    expect(sentBody(data)).to.equal(data);
    const answer = { from: '', to: '', step: 'fresh', ms: 1, lookups: [], variables: {}, origins: {} };
    expect(sentBody({ call: 'c', answer })).to.deep.equal({ call: 'c' });
  });

  it('names what is dead in the title of the tab', () => {
    const rows = [1_203, null, 0].map((dead) => ({ dead }) as Status['destinations'][number]);
    const titles = [null, { destinations: rows.slice(1) }, { destinations: rows }].map((one) => titleOf('Events', one));
    expect(titles).to.deep.equal(['Events – Switchhook', 'Events – Switchhook', '1,203 dead – Events – Switchhook']);
  });

  it('keeps conditions of an address that have no field', () => {
    const query = { text: 'x', last: '10000', source: '' };
    expect(withoutFields(query, [{ name: 'text' }, { name: 'source' }])).to.deep.equal({ last: '10000' });
  });

  it('puts what happened live in the order in which it happened: an attempt when it ended', () => {
    const event = (id: string, receivedAt: string) => ({ kind: 'event', event: { id, receivedAt } }) as Change;
    const attempt = (id: string, startedAt: string, durationMs: number) =>
      ({ kind: 'attempt', event: { id }, attempt: { startedAt, durationMs } }) as Change;
    const page = [
      ...[event('1', '2026-01-01T00:00:00.000Z'), event('2', '2026-01-01T00:00:00.100Z')],
      ...[attempt('slow', '2026-01-01T00:00:00.010Z', 200.5), attempt('1', '2026-01-01T00:00:00.001Z', 50)],
    ];
    const shown = inOrder(page).map((change) => `${change.kind} ${change.event.id} ${happenedAt(change).slice(20)}`);
    expect(shown).to.deep.equal(['event 1 000Z', 'attempt 1 051Z', 'event 2 100Z', 'attempt slow 210Z']);
  });

  it('parts what happened live at the start of the router', () => {
    const at = (second: number) =>
      ({ kind: 'event', event: { receivedAt: `2026-01-01T00:00:0${second}.000Z` } }) as Change;
    const startMs = Date.parse(startOf({ now: '2026-01-01T00:01:02.500Z', uptimeSeconds: 60 }));
    const changes = [at(4), at(3), at(2), at(1)];
    const counts = [changes, changes.slice(2), changes.slice(0, 2), []].map((some) => countSince(startMs, some));
    expect(counts).to.deep.equal([2, 0, null, null]);
  });

  it('copies a command that has the router send an event again, whatever its body contains', async () => {
    const data = parseJson(`{"text":"it's \\nEND\\n $HOME","n":1}`) as EventDetails['data'];
    const url = 'http://127.0.0.1:8080/api/send';
    const command = sendingCommand({ source: 'agents', data }, JSON.stringify(data), url);
    expect(command.split('\n')[0]).to.equal(
      "curl -X POST -H 'Authorization: Bearer TOKEN' -H 'Content-Type: application/json' --data-binary @- http://127.0.0.1:8080/api/send <<'END'",
    );
    // A shell with another program in place of curl.
    const inputOf = async (line: string) =>
      JSON.parse((await promisify(execFile)('sh', ['-c', `curl() { cat; }\n${line}`])).stdout);
    expect(await inputOf(command)).to.deep.equal({ source: 'agents', newIds: true, body: data });
    const raw = `{"text":"it's \\nEND\\n $HOME", "n":1.0}`;
    const exact = sendingCommand({ source: 'agents', data }, raw, url);
    expect(await inputOf(exact)).to.deep.equal({ source: 'agents', newIds: true, text: raw });
    // Of a call the router keeps more than it was sent.
    const answer = { from: '+1', to: '+2', step: 'fresh', ms: 1, lookups: [], variables: {}, origins: {} };
    const call = { ...data, answer };
    expect(await inputOf(sendingCommand({ source: 'agents', data: call }, raw, url))).to.have.property('body');
  });

  it('says which secret has verified an event', () => {
    const texts = [null, { secret: 0, of: 0 }, { secret: 2, of: 3 }].map(proofText);
    expect(texts).to.deep.equal(['not known', 'none: the source needs no secret', 'secret 2 of 3 of the source']);
  });

  it('says of a delivery what it has gathered, or that another one has', () => {
    const delivery: Omit<Delivery, 'gathered'> = {
      ...{
        id: 'a.0',
        event: 'a',
        type: 'ended',
        subject: null,
        route: 'calls',
        destination: 'crm',
        transforms: [],
        state: 'waiting',
      },
      ...{ reason: null, attempts: 0, attemptsInAll: 0, failure: null, dueAt: null, createdAt: '', settledAt: null },
    };
    const gathered = { by: 'a.0', events: 2 };
    const written = [
      gatheredText({ ...delivery, gathered: null }),
      gatheredText({ ...delivery, gathered }),
      gatheredText({ ...delivery, gathered, state: 'delivered', attempts: 1 }),
      gatheredText({ ...delivery, gathered: { by: 'b.0', events: 2 }, state: 'gathered' }),
    ];
    expect(written).to.deep.equal([
      null,
      'Waits for further events, has 2.',
      'With 2 events.',
      'Delivered together with the first event of the conversation.',
    ]);
  });

  it('counts attempts as they are numbered, and says how many a replay has begun anew', () => {
    const counts = [
      [2, 2],
      [1, 3],
      [0, 3],
      [4, null],
    ] as const;
    const written = counts.map(([attempts, attemptsInAll]) => attemptsText({ attempts, attemptsInAll }));
    expect(written).to.deep.equal(['2', '3 (1 since the replay)', '3 (0 since the replay)', '4']);
  });

  it('does not say of a call that it was answered where no answer matched', () => {
    expect(repliedText({ name: 'sales', ms: 412 })).to.equal('Answered after 412 ms.');
    expect(repliedText({ name: null, ms: 2 })).to.equal('Replied without variables after 2 ms.');
  });

  it('is two units of a duration at most', () => {
    const written = [0, 0.4, 12.3, 999, 1_500, 9_999, 61_000, 3_600_000, 3_660_000, 90_061_000].map(duration);
    expect(written).to.deep.equal([
      '0 ms',
      '0.4 ms',
      '12 ms',
      '999 ms',
      '1.5 s',
      '10 s',
      '1 min 1 s',
      '1 h',
      '1 h 1 min',
      '1 d 1 h',
    ]);
  });

  it('is one unit of an age, past or to come', () => {
    const nowMs = Date.parse('2026-01-01T12:00:00Z');
    const ages = [0, -4_200, -125_000, 30_000, -90_000_000].map((ms) => age(new Date(nowMs + ms).toISOString(), nowMs));
    expect(ages).to.deep.equal(['just now', '4 s ago', '2 min ago', 'in 30 s', '1 d ago']);
  });

  it('has the zone of the browser, and UTC', () => {
    const zones = [zoneText('America/New_York', 300), zoneText('Asia/Kolkata', -330), zoneText('Europe/London', 0)];
    expect([...zones, zoneText('UTC', 0)]).to.deep.equal([
      ...['America/New_York, now UTC−05:00', 'Asia/Kolkata, now UTC+05:30', 'Europe/London, now UTC+00:00', 'UTC'],
    ]);
    expect(utcText('2026-01-31T23:30:00.007-05:00')).to.equal('2026-02-01 04:30:00.007 UTC');
    // As a date without a zone, which is that of this process.
    const iso = '2026-01-31T12:00:00.007Z';
    expect(new Date(momentText(iso).replace(' ', 'T')).toISOString()).to.equal(iso);
  });

  it('is one line of a text of others', () => {
    expect(excerpt('first\nsecond')).to.equal('first…');
    expect(excerpt('x'.repeat(200), 10)).to.equal(`${'x'.repeat(10)}…`);
  });

  it('is a command that a shell reads as it was meant', () => {
    expect(shellLine(['curl', '-d', `it's $HOME`, 'http://a/b?c=1'])).to.equal(
      `curl -d 'it'\\''s $HOME' 'http://a/b?c=1'`,
    );
  });
});

describe('a place of the page', () => {
  it('is the same after it was a link', () => {
    const query = { type: 'a&b=c', since: '2h', party: '+49 30' };
    expect(placeOf(linkTo(['events', 'a/b?c#d %'], query))).to.deep.equal({ path: ['events', 'a/b?c#d %'], query });
    expect(placeOf(linkTo([]))).to.deep.equal({ path: [], query: {} });
  });

  it('leaves out empty conditions, and bears a link that is malformed', () => {
    expect(linkTo(['events'], { type: '', source: undefined })).to.equal('#/events');
    expect(placeOf('#/events/100%').path).to.deep.equal(['events', '100%']);
  });
});

describe('JSON of others', () => {
  it('keeps every digit where the browser can, and is an ordinary number otherwise', () => {
    const text = '{"id":12345678901234567890,"price":1.50,"small":7,"text":"12345678901234567890"}';
    const parsed = parseJson(text) as Readonly<Record<string, unknown>>;
    expect([parsed.small, parsed.price, parsed.text]).to.deep.equal([7, 1.5, '12345678901234567890']);
    // Node 20 has no JSON.rawJSON, newer ones do.
    const kept = 'rawJSON' in JSON ? '12345678901234567890' : '12345678901234567000';
    expect(JSON.stringify(parsed.id)).to.equal(kept);
  });
});

describe('the figures of the last hour', () => {
  const ofCrm = (delivered: readonly number[], failed: readonly number[]) => {
    return { destination: 'crm', delivered, failed, dead: [], attemptMs: { p50: null, p95: null, p99: null } };
  };
  it('have the share of the last ten minutes that failed, and none where nothing was tried', () => {
    const minutes = (last: number) => [
      ...Array.from({ length: 50 }, () => 9),
      ...Array.from({ length: 10 }, () => last),
    ];
    expect(failingShare(ofCrm(minutes(3), minutes(1)))).to.equal(0.25);
    expect(failingShare(ofCrm(minutes(0), minutes(0)))).to.equal(null);
    expect([percent(0), percent(0.001), percent(0.25), percent(1)]).to.deep.equal(['0 %', '< 1 %', '25 %', '100 %']);
  });

  it('have rates by the second where there is much, by the minute where there is little', () => {
    const present = { times: ['2026-01-01T08:00:00Z'], until: '2026-01-01T08:00:30Z' };
    const all = (number: number) => [...Array.from({ length: 60 }, () => number), number / 2];
    expect([all(0), all(1), all(90)].map((numbers) => rateText(numbers, present))).to.deep.equal([
      '0/min',
      '1/min',
      '1.5/s',
    ]);
    expect(rateText([], { ...present, times: [] })).to.equal('0/min');
  });

  it('have the share of each step, the best first', () => {
    const calls = { answered: [60, 40], steps: { default: 25, fresh: 75 } };
    const none = { p50: null, p95: null, p99: null };
    expect(sharesOf({ ...calls, ringMs: none, ringP50Ms: [], ringP95Ms: [], ringP99Ms: [] })).to.deep.equal([
      { step: 'fresh', number: 75, share: 0.75 },
      { step: 'default', number: 25, share: 0.25 },
    ]);
  });

  it('are drawn as lines with gaps where nothing was measured, and points between two gaps', () => {
    const box = { width: 100, height: 10, top: 10 };
    expect(pathOf([0, 10, null, 5, null], box)).to.equal('M0 10h0L25 0M75 5h0');
    expect(pathOf([0, 0], { ...box, top: 0 })).to.equal('M0 10h0L100 10');
    expect(pathOf([], box)).to.equal('');
  });

  it('have sizes of three digits', () => {
    expect([0, 1_500, 12_345_678, 9.9e12].map(bytesText)).to.deep.equal(['0 kB', '1.5 kB', '12.3 MB', '9.9 TB']);
  });
});

describe('a change of many', () => {
  it('is announced for one as for many', () => {
    const texts = [1, 2].flatMap((matched) => [willBe('replay', matched), willBe('discard', matched)]);
    expect(texts).to.deep.equal([
      ...['It is sent again.', 'It is not made, until a replay brings it back.'],
      ...['They are sent again, the oldest first.', 'They are not made, until a replay brings them back.'],
    ]);
  });
});

describe('what became of a change of many', () => {
  const startedAt = '2026-01-01T00:00:00.000Z';
  const linksOf = (verb: 'replay' | 'discard', filter: BulkChange['filter']) =>
    becameOf({ verb, change: { filter, startedAt } as BulkChange }).map(([link]) => link);

  it('is in lists of deliveries with its conditions', () => {
    const settled = 'settledSince=2026-01-01T00%3A00%3A00.000Z';
    expect(linksOf('discard', { destination: 'crm', failure: 'HTTP 422' })).to.deep.equal([
      `#/dead?destination=crm&reason=discarded&${settled}`,
    ]);
    expect(linksOf('replay', { destination: 'crm' })).to.deep.equal([
      `#/deliveries?destination=crm&${settled}`,
      '#/deliveries?destination=crm&state=waiting',
      `#/dead?destination=crm&${settled}`,
    ]);
  });

  it('is said of a replay, each end with its list', () => {
    const outcomes = { delivered: 1, dead: 1_200, skipped: 0, again: 2, open: 3, unknown: 0 };
    const made = (filter: object) => ({
      verb: 'replay' as const,
      change: { filter, startedAt, replayed: 1_204, outcomes } as unknown as BulkChange,
    });
    const settled = 'settledSince=2026-01-01T00%3A00%3A00.000Z';
    expect(outcomesOf(made({ destination: 'crm' }))).to.deep.equal([
      [`#/deliveries?destination=crm&state=delivered&${settled}`, '1 delivered'],
      [`#/dead?destination=crm&${settled}`, '1,200 dead again'],
      [null, '2 replayed again'],
      ['#/deliveries?destination=crm&state=waiting', '3 not ended yet'],
    ]);
    // No list of deliveries has conditions of events.
    expect(outcomesOf(made({ source: 'agents' })).map(([link]) => link)).to.deep.equal([null, null, null, null]);
    expect(outcomesOf({ verb: 'discard', change: { filter: {}, startedAt } as BulkChange })).to.deep.equal([]);
  });

  it('is a warning where replayed ones are dead again, and busy until all have ended', () => {
    const level = (given: object) => levelOf({ state: 'done', ...given } as BulkChange);
    const outcomes = { delivered: 1, dead: 0, skipped: 0, again: 0, open: 0, unknown: 0 };
    expect([
      level({ outcomes: { ...outcomes, dead: 1, open: 1 } }),
      level({ outcomes: { ...outcomes, open: 1 } }),
      level({ outcomes }),
      level({ discarded: 1 }),
      level({ state: 'failed', outcomes: { ...outcomes, dead: 1 } }),
    ]).to.deep.equal(['warn', 'busy', 'well', 'well', 'bad']);
  });

  it('is in the list of events where it was chosen by them: no list of deliveries has these conditions', () => {
    for (const verb of ['replay', 'discard'] as const)
      for (const condition of ['source', 'type', 'subject', 'agent'])
        expect(linksOf(verb, { [condition]: 'x', destination: 'crm', since: startedAt })).to.deep.equal([
          `#/events?${condition}=x&since=2026-01-01T00%3A00%3A00.000Z`,
        ]);
  });
});

describe('a conversation', () => {
  it('has each event once, as it was loaded last, in the order of receipt', () => {
    const at = (n: number, id: string, kept = true) =>
      ({ kept, event: { id, receivedAt: `2026-01-01T00:00:0${n}.000Z` } }) as unknown as Explanation;
    const whole = merged([at(1, 'a'), at(2, 'b')], [at(2, 'b', false), at(2, 'c'), at(3, 'd')]);
    expect(whole.map(({ event, kept }) => [event.id, kept])).to.deep.equal([
      ['a', true],
      ['b', false],
      ['c', true],
      ['d', true],
    ]);
  });

  it('lacks the end of what has started', () => {
    const types = ['call_started', 'conversation_started', 'conversation_ended', 'inbound_call'].map((type) => ({
      type,
    }));
    expect(missingTypes(types)).to.deep.equal(['call_ended']);
  });

  it('has a call only where the data is the answer of one', () => {
    const { answer } = call(12, 'fresh');
    expect(answerOf({ answer })).to.equal(answer);
    for (const other of [undefined, null, 'yes', {}, { ...answer, lookups: 'none' }, { ...answer, ms: '12' }])
      expect(answerOf({ answer: other })).to.equal(null);
  });
});

describe('the map', () => {
  it('puts sources and destinations beside their routes, and connects what is configured only', () => {
    const route = (name: string, from: string, to: string) => ({
      name,
      from: [from],
      to: [to],
      on: [],
      where: null,
      transforms: [],
    });
    const routes = [route('one', 'b', 'y'), route('two', 'a', 'gone'), route('three', 'a', 'x')];
    const { boxes, lines, height } = layoutOf(['a', 'unused', 'b'], routes, ['x', 'y']);
    const column = (number: number) => boxes.filter((box) => box.column === number).map(({ name }) => name);
    expect([0, 1, 2].map(column)).to.deep.equal([
      ['b', 'a', 'unused'],
      ['one', 'two', 'three'],
      ['y', 'x'],
    ]);
    expect(lines.map(({ from, to }) => `${from.name} ${to.name}`)).to.deep.equal([
      'b one',
      'one y',
      'a two',
      'a three',
      'three x',
    ]);
    expect(new Set(boxes.map(({ column, y }) => `${column} ${y}`)).size).to.equal(boxes.length);
    expect(Math.max(...boxes.map(({ y }) => y))).to.be.below(height);
  });
});

function call(ms: number, step: 'fresh' | 'default'): Call {
  const answer = {
    from: '',
    to: '',
    name: null,
    step,
    variables: {},
    override_agent: null,
    origins: {},
    lookups: [],
    requests: 1,
    ms,
  };
  return { id: 'e', source: 'calls', subject: null, agent: null, receivedAt: '2026-01-01T00:00:00Z', answer };
}
