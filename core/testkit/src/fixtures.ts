/** What a component needs to live in a test: checked options, and tools that are fakes but for the network. */
import { tmpdir } from 'node:os';
import { compileExpression, openNetwork } from '@switchhook/core/internal';
import type { Call, Component, Delivery, Event, Instances, JsonObject, Kind, RawRequest, Tools } from '@switchhook/sdk';
import { reading } from '@switchhook/sdk/internal';
import { FakeClock, FakeLog, FakeMetrics } from './fakes.js';

/** Tools whose time, log and metrics are fakes; the network is real. */
export interface FakeTools extends Tools {
  readonly clock: FakeClock;
  readonly log: FakeLog;
  readonly metrics: FakeMetrics;
  /** Closes the network's kept-alive connections. */
  close(): Promise<void>;
}

/** Makes tools for one component. */
export function fakeTools(given: Partial<Pick<Tools, 'name' | 'directory' | 'country' | 'fetch'>> = {}): FakeTools {
  const network = openNetwork();
  return {
    name: given.name ?? 'under-test',
    directory: given.directory ?? tmpdir(),
    country: given.country ?? null,
    clock: new FakeClock(),
    log: new FakeLog(),
    metrics: new FakeMetrics(),
    fetch: given.fetch ?? network.fetch,
    close: network.close,
  };
}

/**
 * Checks options as the router does and makes the component. Throws a `ZodError` where the options are wrong.
 * The component of a plugin: `plugin.components.find(({ type }) => type === 'slack.message')`.
 */
export function createComponent<K extends Kind>(
  kind: K,
  component: Component | undefined,
  options: JsonObject,
  tools: Tools,
): Instances[K] {
  if (component?.kind !== kind) throw new Error(`expected a ${kind}, found ${component?.kind ?? 'nothing'}`);
  const checked = reading({ compile: compileExpression, secret: () => {} }, () => component.options.parse(options));
  return component.create(checked, tools) as Instances[K];
}

/** An event to try something with; give only what matters. */
export function anEvent(given: Partial<Event> = {}): Event {
  return {
    id: '01890a5d-ac96-774b-bcce-b302099a8057',
    key: 'conversation_ended:conv_1',
    source: 'agents',
    type: 'conversation_ended',
    subject: 'conv_1',
    agent: 'agent_sales',
    occurredAt: '2026-01-01T00:00:00.000Z',
    receivedAt: '2026-01-01T00:00:01.000Z',
    data: { event: 'conversation_ended', conversationId: 'conv_1', agentId: 'agent_sales', duration: 73 },
    ...given,
  };
}

/** A delivery of an event to try something with. */
export function aDelivery(given: Partial<Delivery> = {}): Delivery {
  const event = given.event ?? anEvent();
  return { id: `${event.id}.0`, route: 'finished-calls', destination: 'under-test', attempt: 1, event, ...given };
}

/** A ringing phone to try something with. */
export function aCall(given: Partial<Call> = {}): Call {
  return { id: null, from: '+12345678912', to: '+12345678913', agent: null, data: {}, ...given };
}

/** A request to try a source with. A body that is an object is written as JSON. */
export function aRequest(
  given: Partial<Omit<RawRequest, 'body'>> & { readonly body?: Uint8Array | string | JsonObject } = {},
): RawRequest {
  const body = given.body ?? '';
  return {
    method: 'POST',
    rest: '',
    query: {},
    headers: { 'content-type': 'application/json' },
    remoteAddress: '127.0.0.1',
    url: 'https://hooks.example.com/hooks/under-test',
    receivedAtMs: 1_767_225_600_000,
    ...given,
    body: body instanceof Uint8Array ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  };
}
