import { Store } from '@switchhook/sdk';

import { expect } from 'chai';
import { memoryStore } from '../../plugins/memory/src/store.js';
import { familiesOf } from '../support/exposition.js';
import { type Monitored, type MonitoredWorld, monitored } from '../support/monitored.js';
import { storeWith } from '../support/pipeline.js';

const withFixture = (test: (fixture: Monitored) => Promise<void>, given: MonitoredWorld = {}) => {
  return async () => {
    const fixture = await monitored(given);
    try {
      await test(fixture);
    } finally {
      await fixture.close();
    }
  };
};

describe('/metrics', () => {
  it(
    'counts events by source, type and what became of them',
    withFixture(async ({ send, ring, logged, values }) => {
      await send('conv_1');
      await send('conv_1');
      await send('conv_2');
      await send('conv_3', { event: 'conversation_forgotten' });
      await ring('+11');
      await logged('event.received', 5);
      expect(await values('events_received_total', 'route_where_failures_total')).to.deep.equal({
        'events_received_total{source="agents",type="conversation_ended",result="routed"}': 2,
        'events_received_total{source="agents",type="conversation_ended",result="duplicate"}': 1,
        'events_received_total{source="agents",type="conversation_forgotten",result="unrouted"}': 1,
        'events_received_total{source="calls",type="inbound_call",result="unrouted"}': 1,
        'route_where_failures_total{route="good"}': 3,
      });
    }),
  );

  it(
    'counts further types together, when senders have made up a hundred',
    withFixture(async ({ send, values }) => {
      for (let n = 0; n < 103; n += 1) await send('conv_1', { event: `made_up_${n}` });
      await send('conv_2', { event: 'made_up_7' });
      const counted = await values('events_received_total');
      expect(Object.keys(counted)).to.have.length(101);
      expect(counted['events_received_total{source="agents",type="other",result="unrouted"}']).to.equal(3);
      expect(counted['events_received_total{source="agents",type="made_up_7",result="unrouted"}']).to.equal(2);
    }),
  );

  it(
    'writes whatever a sender calls its events as a label that can be read back',
    withFixture(async ({ send, scrape }) => {
      const odd = 'end"ed{x="\\n"} 1\\';
      await send('conv_1', { event: odd });
      const text = await scrape();
      expect(text).to.include('type="end\\"ed{x=\\"\\\\n\\"} 1\\\\"');
      const received = familiesOf(text).find(({ name }) => name === 'switchhook_events_received_total');
      expect(received?.samples.map(({ labels }) => labels.type)).to.deep.equal([odd]);
    }),
  );

  it(
    'counts refused requests by source and code',
    withFixture(async ({ url, send, ring, values }) => {
      await ring('+11', '+1800', 'not-the-token');
      await send('conv_1', { conversationId: 1 });
      await fetch(`${url}/hooks/agents`, {
        method: 'POST',
        body: '{}',
        headers: { 'content-type': 'application/json' },
      });
      await fetch(`${url}/hooks/agents`, { method: 'POST', body: '{}', headers: { 'content-type': 'text/plain' } });
      await fetch(`${url}/hooks/nobody`, { method: 'POST', body: '{}' });
      expect(await values('requests_refused_total')).to.deep.equal({
        'requests_refused_total{source="agents",code="UNVERIFIED"}': 1,
        'requests_refused_total{source="agents",code="UNSUPPORTED_MEDIA_TYPE"}': 1,
        'requests_refused_total{source="calls",code="UNVERIFIED"}': 1,
        'requests_refused_total{source="",code="NOT_FOUND"}': 1,
      });
    }),
  );

  it(
    'follows a delivery from its first attempt to its end',
    withFixture(async ({ clock, crm, send, logged, values, decide }) => {
      crm.answer(() => 401);
      await send('conv_1');
      await logged('delivery.attempted', 2);
      await clock.advance(500);
      expect(await values('deliveries', 'oldest_waiting_age_seconds', 'breaker_state')).to.deep.equal({
        'deliveries{destination="crm",state="waiting"}': 1,
        'oldest_waiting_age_seconds{destination="crm"}': 0.5,
      });
      await clock.advance(60_000);
      await logged('delivery.attempted', 3);
      expect(await values('attempts_total', 'attempts_needing_operator_total', 'deliveries_dead_total')).to.deep.equal({
        'attempts_total{destination="archive",outcome="delivered"}': 1,
        'attempts_total{destination="crm",outcome="unavailable"}': 2,
        'attempts_needing_operator_total{destination="crm"}': 2,
        'deliveries_dead_total{destination="crm",reason="exhausted"}': 1,
      });
      expect(await values('deliveries', 'oldest_waiting_age_seconds', 'breaker_state')).to.deep.equal({
        'deliveries{destination="crm",state="dead"}': 1,
        'breaker_state{destination="crm"}': 2,
      });

      await decide('replay');
      expect(await values('deliveries', 'deliveries_replayed_total')).to.deep.equal({
        'deliveries{destination="crm",state="waiting"}': 1,
        deliveries_replayed_total: 1,
      });
      crm.answer(() => 200);
      await clock.advance(3_600_000);
      await logged('delivery.attempted', 4);
      expect(await values('deliveries', 'breaker_state', 'attempt_seconds', 'delivery_seconds')).to.deep.equal({
        'attempt_seconds_count{destination="archive"}': 1,
        'attempt_seconds_count{destination="crm"}': 3,
        'delivery_seconds_count{destination="archive"}': 1,
        'delivery_seconds_count{destination="crm"}': 1,
      });
    }),
  );

  it(
    'tells how long a delivery took from the arrival of its event, in buckets up to a day',
    withFixture(async ({ clock, crm, send, logged, families }) => {
      crm.answer(() => 503);
      await send('conv_1');
      await logged('delivery.attempted', 2);
      crm.answer(() => 200);
      await clock.advance(60_000);
      await logged('delivery.attempted', 3);
      const found = (await families()).find(({ name }) => name === 'switchhook_delivery_seconds');
      const ofCrm = found?.samples.filter(({ labels }) => labels.destination === 'crm') ?? [];
      const counted = ofCrm.filter(({ name, value }) => name.endsWith('_bucket') && value === 1);
      expect(counted.map(({ labels }) => labels.le)).to.include.members(['60', '3600', '86400', '+Inf']);
      expect(ofCrm.find(({ name }) => name.endsWith('_sum'))?.value).to.be.within(0, 60);
    }),
  );

  it(
    'counts deliveries that were rejected, kept back or discarded',
    withFixture(async ({ clock, crm, send, logged, values, decide }) => {
      crm.answer(() => 422);
      await send('conv_1');
      await send('conv_2', { event: 'conversation_started' });
      await logged('delivery.attempted', 3);
      crm.answer(() => 503);
      await send('conv_3');
      await logged('delivery.attempted', 5);
      await clock.advance(60_000);
      await logged('delivery.attempted', 6);
      await decide('discard');
      expect(await values('deliveries_dead_total', 'deliveries_skipped_total', 'deliveries')).to.deep.equal({
        'deliveries_dead_total{destination="crm",reason="rejected"}': 1,
        'deliveries_dead_total{destination="crm",reason="exhausted"}': 1,
        'deliveries_dead_total{destination="crm",reason="discarded"}': 1,
        'deliveries_skipped_total{destination="audit"}': 1,
        'deliveries{destination="crm",state="dead"}': 1,
      });
      expect(await values('attempts_total')).to.deep.equal({
        'attempts_total{destination="archive",outcome="delivered"}': 2,
        'attempts_total{destination="crm",outcome="rejected"}': 1,
        'attempts_total{destination="crm",outcome="unavailable"}': 2,
      });
    }),
  );

  it(
    'counts calls by the step their answer came from, and what each resolver came to',
    withFixture(async ({ ring, logged, values }) => {
      expect(await ring('+11')).to.equal('Jim');
      expect(await ring('+11')).to.equal('Jim');
      expect(await ring('+12')).to.equal('there');
      expect(await ring('+13')).to.equal('there');
      expect(await ring('+14', '+1900')).to.equal(undefined);
      await logged('event.received', 4);
      expect(await values('calls_answered_total', 'calls_repeated_total', 'call_answer_seconds')).to.deep.equal({
        'calls_answered_total{source="calls",answer="line",step="fresh"}': 1,
        'calls_answered_total{source="calls",answer="line",step="default"}': 2,
        'calls_answered_total{source="calls",answer="",step="unanswered"}': 1,
        'calls_repeated_total{source="calls"}': 1,
        'call_answer_seconds_count{source="calls"}': 5,
      });
      expect(await values('resolver_lookups_total', 'resolver_seconds', 'answer_variables_total')).to.deep.equal({
        'resolver_lookups_total{resolver="customer",outcome="found"}': 1,
        'resolver_lookups_total{resolver="customer",outcome="not-found"}': 1,
        'resolver_lookups_total{resolver="customer",outcome="failed"}': 1,
        'resolver_seconds_count{resolver="customer"}': 3,
        'answer_variables_total{answer="line",step="fresh"}': 1,
        'answer_variables_total{answer="line",step="default"}': 2,
      });
    }),
  );

  it(
    'begins at 0 for what alerts are about, so that the first increase is one',
    withFixture(async ({ families }) => {
      const zeros = (await families()).flatMap(({ samples }) => samples).filter(({ value }) => value === 0);
      expect(zeros.map(({ series }) => series)).to.include.members([
        'switchhook_requests_refused_total{source="agents",code="UNVERIFIED"}',
        'switchhook_attempts_total{destination="crm",outcome="unavailable"}',
        'switchhook_attempts_needing_operator_total{destination="crm"}',
        'switchhook_deliveries_dead_total{destination="crm",reason="exhausted"}',
        'switchhook_deliveries_skipped_total{destination="audit"}',
        'switchhook_deliveries_replayed_total',
        'switchhook_calls_answered_total{source="calls",answer="line",step="default"}',
        'switchhook_calls_answered_total{source="calls",answer="",step="unanswered"}',
        'switchhook_calls_unrecorded_total{source="calls"}',
        'switchhook_calls_sent_total{source="trunk",outcome="failed"}',
        'switchhook_calls_sent_total{source="trunk",outcome="late"}',
        'switchhook_deliveries{destination="archive",state="dead"}',
      ]);
    }),
  );

  it(
    'says that the store is up, which version runs, and what the lanes hold',
    withFixture(async ({ crm, send, logged, values }) => {
      crm.answer(() => 'hang');
      await send('conv_1');
      await logged('delivery.attempted', 1);
      await crm.received(1);
      expect(await values('store_up', 'queue_running', 'queue_held', 'deliveries', 'events_committing')).to.deep.equal({
        store_up: 1,
        'queue_running{destination="crm"}': 1,
        'deliveries{destination="crm",state="running"}': 1,
      });
      expect(Object.keys(await values('build_info'))).to.match(/^build_info\{version="\d+\.\d+\.\d+.*"\}$/);
    }),
  );

  const broken = new Error('disk I/O error');
  for (const [what, fail] of [
    ['fails', () => Promise.reject(broken)],
    ['hangs', () => new Promise<never>(() => {})],
  ] as const) {
    it(`is there without what the store knows while the store ${what}, and counts on`, async () => {
      let away = false;
      const fixture = await monitored({
        configure: (container, clock) => {
          const store = memoryStore(clock);
          const backlog = () => (away ? fail() : store.backlog());
          const append: typeof store.append = (entries) => (away ? fail() : store.append(entries));
          container.register(Store, { useValue: storeWith(store, { backlog, append }) });
        },
      });
      const { url, values, families, patiently, close } = fixture;
      expect(await values('store_up')).to.deep.equal({ store_up: 1 });
      away = true;
      await fetch(`${url}/hooks/nobody`, { method: 'POST' });
      const found = new Map((await patiently(families())).map(({ name, samples }) => [name, samples]));
      expect(found.get('switchhook_store_up')?.map(({ value }) => value)).to.deep.equal([0]);
      expect(found.get('switchhook_deliveries')).to.deep.equal([]);
      expect(found.get('switchhook_oldest_waiting_age_seconds')).to.deep.equal([]);
      expect(found.get('switchhook_queue_running')).to.have.length(3);
      expect(found.get('switchhook_requests_refused_total')?.map(({ value }) => value)).to.include(1);
      away = false;
      expect(await values('store_up')).to.deep.equal({ store_up: 1 });
      await close();
    });
  }
});
