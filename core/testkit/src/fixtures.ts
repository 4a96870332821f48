/** What a component needs to live in a test: checked options, and services that are fakes but for the network. */
import { tmpdir } from 'node:os';
import {
  Container,
  compileExpression,
  openNetwork,
  PluginServices,
  readDrafts,
  stateIn,
  withServices,
} from '@switchhook/core/internal';
import { memoryStore } from '@switchhook/plugin-memory';
import {
  type Call,
  Clock,
  type Component,
  type ComponentInfo,
  type Delivery,
  Emitter,
  type Event,
  type EventDraft,
  HttpClient,
  type Instances,
  isRefusal,
  type JsonObject,
  type Kind,
  type Lifecycle,
  type Log,
  type LogFields,
  Metrics,
  type Plugin,
  type RawRequest,
  type Refusal,
  type Source,
  State,
  StoreReader,
  type z,
} from '@switchhook/sdk';
import { nameTemplates, reading } from '@switchhook/sdk/internal';
import { FakeClock, FakeLog, FakeMetrics } from './fakes.js';

/** Services whose time, log and metrics are fakes; the network is real. */
export interface FakeServices {
  readonly clock: FakeClock;
  readonly log: FakeLog;
  readonly metrics: FakeMetrics;
  readonly http: HttpClient;
  /** By default, its history is empty. */
  readonly store: StoreReader;
  /** What destinations have emitted, in order, repetitions included. Invalid drafts are rejected as the router does. */
  readonly emitted: readonly EventDraft[];
  readonly emitter: Emitter;
  /** Kept in memory, with the limits of the router's; what expires follows `clock`. */
  readonly state: State;
  readonly info: ComponentInfo;
  /** Closes the network's kept-alive connections. */
  close(): Promise<void>;
}

/** Makes services for components. Given are parts of `ComponentInfo`, and services in place of the default ones. */
export function fakeServices(
  given: Partial<ComponentInfo> & {
    readonly http?: HttpClient;
    readonly store?: StoreReader;
    readonly state?: State;
  } = {},
): FakeServices {
  const network = openNetwork();
  const { name = 'under-test', directory = tmpdir(), country = null, http = network } = given;
  const { store = { history: async () => [] } } = given;
  const clock = new FakeClock();
  const emitted: EventDraft[] = [];
  const emitter: Emitter = {
    emit: async (drafts) => void emitted.push(...readDrafts(drafts, (number) => number, {})),
  };
  const { state = stateIn(memoryStore(clock), clock)(name) } = given;
  return {
    clock,
    log: new FakeLog(),
    metrics: new FakeMetrics(),
    http,
    store,
    ...{ state, emitted, emitter },
    info: { name, directory, country },
    close: () => network.close(),
  };
}

/**
 * Checks options as the router does and makes the component. Throws a `ZodError` where the options are wrong.
 * The component of a plugin: `plugin.components.find(({ type }) => type === 'slack.message')`. One that injects services of its
 * plugin needs the plugin, too: its `open`, `close` and `probe` then open, close and probe these as well. `pluginOptions` are the
 * plugin's own, as its row of `plugins:` sets them.
 */
export function createComponent<K extends Kind>(
  kind: K,
  component: Component | undefined,
  options: JsonObject,
  services: FakeServices,
  plugin: Plugin | null = null,
  pluginOptions: JsonObject = {},
): Instances[K] {
  if (component?.kind !== kind) throw new Error(`expected a ${kind}, found ${component?.kind ?? 'nothing'}`);
  const parsed = (schema: z.ZodObject, given: JsonObject) =>
    reading({ compile: compileExpression, secret: () => {} }, () => schema.parse(given));
  const checked = parsed(component.options, options);
  const row = { name: services.info.name, component, plugin, options: checked };
  const container = containerOf(services);
  const pluginServices = new PluginServices(
    plugin ?? { name: row.name },
    [row],
    container,
    services.info,
    plugin?.options && parsed(plugin.options.schema, pluginOptions),
  );
  const { services: injected, shared } = withPlugin(plugin, () => pluginServices.for(row));
  nameTemplates(checked);
  const instance = component.create(checked, injected) as Instances[K];
  if (shared.length === 0) return instance;
  const { open, close, probe } = instance;
  const own: Lifecycle = {
    open: async () => open?.call(instance),
    close: async () => close?.call(instance),
    probe: async (signal) => (await probe?.call(instance, signal)) ?? null,
  };
  return Object.assign(instance, withServices(own, shared));
}

/** What a plugin provides is missing without the plugin. */
function withPlugin<T>(plugin: Plugin | null, resolve: () => T): T {
  try {
    return resolve();
  } catch (error) {
    const missing = /^nothing provides [^:]+/.exec(error instanceof Error ? error.message : '')?.[0];
    if (plugin !== null || missing === undefined) throw error;
    const hint = 'pass the plugin that provides it to createComponent, after the services';
    throw new Error(`${missing}: ${hint}`, { cause: error });
  }
}

/** The log's lines come without the fields that the router adds. */
function containerOf({ clock, log, metrics, http, store, state, emitter }: FakeServices): Container {
  return Container.forRouter(
    () => withoutOwner(log),
    (container) => {
      container.register(Clock, { useValue: clock });
      container.register(Metrics, { useValue: metrics });
      container.register(HttpClient, { useValue: http });
      container.register(StoreReader, { useValue: store });
      container.register(State, { useValue: state });
      container.register(Emitter, { useValue: emitter });
    },
  );
}

function withoutOwner(log: Log): Log {
  const at =
    (level: keyof Log) =>
    (event: string, { component: _component, plugin: _plugin, ...fields }: LogFields = {}): void =>
      log[level](event, fields);
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
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

/** A request that a source accepts, as its `sign` makes it. */
export function signedRequest(source: Source, body: Uint8Array | string | JsonObject): RawRequest {
  const draft = aRequest({ body });
  const signature = source.sign?.(draft.body, draft.receivedAtMs);
  if (signature === undefined) throw new Error('the source cannot sign: give it `sign`');
  const { pathname, search, searchParams } = new URL(`http://source${signature.rest}`);
  return {
    ...draft,
    rest: decodeURIComponent(pathname.slice(1)),
    query: Object.fromEntries(searchParams),
    url: `${draft.url}${pathname === '/' ? '' : pathname}${search}`,
    headers: { ...draft.headers, ...signature.headers },
  };
}

/** The event that a source makes of a request. Throws where it makes something else, or several. */
export async function eventOf(source: Source, request: RawRequest): Promise<EventDraft> {
  const reception = await source.receive(request);
  const [event, another] = reception.kind === 'events' ? reception.events : [];
  if (event === undefined || another !== undefined) throw new Error(`expected one event, found ${reception.kind}`);
  return event;
}

/** The refusal of a request by a source; null where it accepts it. */
export async function refusalOf(source: Source, request: RawRequest): Promise<Refusal | null> {
  try {
    await source.receive(request);
  } catch (thrown) {
    if (isRefusal(thrown)) return thrown;
    throw thrown;
  }
  return null;
}
