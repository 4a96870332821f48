import { type Receiver, receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { ring, token } from '../support/phones.js';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { type RouterProcess, type Workplace, workplace } from '../support/workplace.js';

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
  readonly status: { readonly code?: number; readonly message?: string };
}

const senders = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const traceparent = `00-${senders.traceId}-${senders.spanId}-01`;

describe('traces', () => {
  let place: Workplace;
  let collector: Receiver;
  let crm: Receiver;

  beforeEach(async () => {
    [place, collector, crm] = await Promise.all([workplace(), receiver(), receiver()]);
  });
  afterEach(async () => {
    await Promise.all([place.close(), collector.close(), crm.close()]);
  });

  const configured = () =>
    place.write(
      'switchhook.yaml',
      `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: sqlite, path: ./switchhook.db }
sources:
  agents: { use: sigmamind.events, secrets: [${secret}] }
  calls: { use: sigmamind.call, token: ${token} }
destinations:
  crm: { use: http.post, url: ${crm.url}/events, retry: { first: 100ms, max: 100ms } }
resolvers:
  customer: { use: http.lookup, url: ${crm.url}/customers }
routes:
  - { name: ended, from: agents, to: crm }
answers:
  - { name: main, from: calls, resolve: [customer], variables: { name: "\${{ customer.name }}" }, defaults: { name: there } }
`,
    );
  const traced = (file: string) => place.start(file, [], { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  /** What the collector has, once the router has ended. */
  const spansOf = async (router: RouterProcess): Promise<readonly Span[]> => {
    expect(await router.stop()).to.equal(0);
    const requests = collector.requests.map((request) => JSON.parse(request.text()));
    const [first] = requests[0].resourceSpans;
    expect(first.resource.attributes).to.deep.include({ key: 'service.name', value: { stringValue: 'switchhook' } });
    return requests.flatMap(({ resourceSpans }) =>
      resourceSpans.flatMap(({ scopeSpans }: { scopeSpans: { spans: Span[] }[] }) =>
        scopeSpans.flatMap(({ spans }) => spans),
      ),
    );
  };
  const named = (spans: readonly Span[], name: string) => spans.filter((span) => span.name === name);
  const attribute = (span: Span | undefined, key: string) =>
    Object.values(span?.attributes.find((one) => one.key === key)?.value ?? {})[0];

  it('lead from the sender of an event through its commit to each attempt, and on to the destination', async () => {
    await place.link();
    crm.answer((_, index) => (index === 0 ? 503 : 200));
    const router = await traced(await configured());
    const withTrace = (headers: Record<string, string>) => ({ ...headers, traceparent });
    expect((await postSigned(`${router.url}/hooks/agents`, endedBody(), withTrace)).status).to.equal(200);
    const requests = await crm.received(2);
    const spans = await spansOf(router);
    const [received] = named(spans, 'receive agents');
    const [stored] = named(spans, 'store events');
    const attempts = named(spans, 'deliver crm');
    expect(received).to.include({ traceId: senders.traceId, parentSpanId: senders.spanId });
    expect(stored).to.include({ traceId: senders.traceId, parentSpanId: received?.spanId });
    expect(attempts.map((span) => [span.traceId, span.parentSpanId])).to.deep.equal([
      [senders.traceId, received?.spanId],
      [senders.traceId, received?.spanId],
    ]);
    expect(attempts.map((span) => attribute(span, 'switchhook.outcome'))).to.deep.equal(['unavailable', 'delivered']);
    expect(attempts[0]?.status).to.include({ code: 2 }).and.to.have.property('message').that.contains('503');
    expect(requests.map(({ headers }) => headers.traceparent)).to.deep.equal(
      attempts.map(({ spanId }) => `00-${senders.traceId}-${spanId}-01`),
    );
    const lines = router.log.filter(({ event }) => event === 'event.received' || event === 'delivery.attempted');
    expect(lines.map(({ traceId }) => traceId)).to.deep.equal(Array(3).fill(senders.traceId));
  });

  it('show a call with its look-ups', async () => {
    await place.link();
    crm.answer(() => ({ status: 200, body: '{"name":"Ada"}' }));
    const router = await traced(await configured());
    expect((await ring(router.url, '+12345678912')).variables).to.deep.equal({ name: 'Ada' });
    const [request] = await crm.received(1);
    const spans = await spansOf(router);
    const [received] = named(spans, 'receive calls');
    const [looked] = named(spans, 'resolve customer');
    expect(received?.parentSpanId).to.equal(undefined);
    expect(looked).to.include({ traceId: received?.traceId, parentSpanId: received?.spanId });
    expect(attribute(looked, 'switchhook.outcome')).to.equal('found');
    expect(request?.headers.traceparent).to.equal(`00-${looked?.traceId}-${looked?.spanId}-01`);
    expect(router.log.find(({ event }) => event === 'call.answered')).to.include({ traceId: received?.traceId });
    expect(JSON.stringify(spans)).not.to.contain('12345678912');
  });

  it('go on after a restart, and begin with no request that is not verified', async () => {
    await place.link();
    crm.answer(() => 'hang');
    const file = await configured();
    const first = await traced(file);
    await postSigned(`${first.url}/hooks/agents`, endedBody(), (headers) => ({ ...headers, traceparent }));
    await crm.received(1);
    await first.kill();
    crm.answer(() => 200);
    const second = await traced(file);
    const forged = (headers: Record<string, string>) => ({
      ...headers,
      traceparent,
      'x-sigmamind-signature': 'forged',
    });
    expect((await postSigned(`${second.url}/hooks/agents`, endedBody(), forged)).status).to.equal(401);
    await crm.received(2);
    const spans = await spansOf(second);
    expect(spans.map(({ name }) => name)).to.deep.equal(['deliver crm']);
    expect(spans[0]?.traceId).to.equal(senders.traceId);
  });

  it('are not sent where nothing asks for them, and need their packages where something does', async () => {
    const file = await configured();
    const router = await traced(file);
    await postSigned(`${router.url}/hooks/agents`, endedBody(), (headers) => ({ ...headers, traceparent }));
    const [request] = await crm.received(1);
    expect(await router.stop()).to.equal(0);
    expect(request?.headers).not.to.have.property('traceparent');
    expect(collector.requests).to.deep.equal([]);
    const { code, stderr } = await place.run(['start', '--otel', '--config', file]);
    expect(stderr).to.contain('npm install @opentelemetry/sdk-trace-node @opentelemetry/exporter-trace-otlp-http');
    expect(code).to.equal(1);
  });
});
