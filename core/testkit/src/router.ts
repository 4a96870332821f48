/** A whole router in a test: a configuration and plugins that are objects, a clock that tests advance, and a receiver for its deliveries. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError, Router } from '@switchhook/core';
import { checkConfig, definitionProblems, documentFrom, openCatalog, openNetwork } from '@switchhook/core/internal';
import memory from '@switchhook/plugin-memory';
import {
  type Answer,
  type Call,
  Clock,
  type JsonObject,
  type JsonValue,
  Log,
  Metrics,
  type Plugin,
  parseJson,
  stringifyJson,
} from '@switchhook/sdk';
import { FakeClock, FakeLog, FakeMetrics } from './fakes.js';
import { type Receiver, receiver } from './receiver.js';

/** One attempt of a delivery, as it was logged. */
export interface LoggedAttempt {
  readonly destination: string;
  readonly attempt: number;
  readonly outcome: string;
  /** Of an attempt that has not delivered. */
  readonly reason: string | null;
}

/** How the platform's request about a call was answered. */
export interface CallAnswer {
  readonly status: number;
  /** What the agent gets; null where the reply has no answer, or the source no `answerIn`. */
  readonly answer: Answer | null;
}

/** A router that is open. Time passes only by `clock.advance`: retries, timeouts and schedules follow it. */
export interface TestRouter {
  readonly url: string;
  readonly clock: FakeClock;
  readonly log: FakeLog;
  readonly metrics: FakeMetrics;
  /** What destinations and resolvers can send to: in the YAML, `${RECEIVER_URL}` is its URL. Answers 200 until `receiver.answer(…)`. */
  readonly receiver: Receiver;
  /** The router itself, for its services and for `explain`. */
  readonly router: Router;
  /** Sends a body to a source, signed with the secrets of its row. */
  send(source: string, body: JsonObject): Promise<{ readonly status: number; readonly reply: JsonValue }>;
  /** Sends the platform's request about a call to a source of calls. */
  call(source: string, call: Partial<Pick<Call, 'from' | 'to' | 'agent'>>): Promise<CallAnswer>;
  /** Resolves with the first `count` attempts, as soon as so many have ended. */
  attempts(count: number): Promise<readonly LoggedAttempt[]>;
  /** Ends the router and the receiver. */
  close(): Promise<void>;
}

/** What a router in a test has beside its configuration. */
export interface TestRouterOptions {
  /** Values of `${NAME}`, beside `RECEIVER_URL`. The environment of the process is not used. Default none. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Where relative paths of the configuration start. Default: the directory of temporary files. */
  readonly directory?: string;
}

/**
 * Opens a router with a configuration and these plugins, beside those that are installed. It listens on a free port, and keeps its events in
 * memory unless the configuration has a store. A plugin with options of its own is named in `plugins:` by its name. Throws a
 * `ConfigurationError` where the configuration is wrong, and an `Error` where a plugin is.
 */
export async function runRouter(
  yaml: string,
  plugins: readonly Plugin[] = [],
  { variables = {}, directory = tmpdir() }: TestRouterOptions = {},
): Promise<TestRouter> {
  const wrong = plugins.flatMap((plugin) =>
    definitionProblems({ ...plugin }).map((problem) => `${plugin.name}: ${problem}`),
  );
  if (wrong.length > 0) throw new Error(wrong.join('\n'));
  const behind = await receiver();
  const [clock, log, metrics, client] = [new FakeClock(), new FakeLog(), new FakeMetrics(), openNetwork()];
  const ends = [() => client.close(), () => behind.close()];
  const end = async (): Promise<void> => {
    for (const close of ends.splice(0)) await close();
  };
  try {
    // At its end, so that lines in problems are those of the text.
    const text = /^store:/m.test(yaml) ? yaml : `${yaml}\nstore: { use: memory }\n`;
    const environment = { ...variables, RECEIVER_URL: behind.url };
    const document = documentFrom(text, join(directory, 'switchhook.yaml'), environment);
    const checked = await checkConfig(document, openCatalog(directory, [...plugins, memory]));
    if (checked.kind === 'problems') throw new ConfigurationError(checked.problems);
    const { config } = checked;
    const router = new Router(
      { ...config, server: { ...config.server, host: '127.0.0.1', port: 0 } },
      {
        configure: (container) => {
          container.register(Clock, { useValue: clock });
          container.register(Log, { useValue: log });
          container.register(Metrics, { useValue: metrics });
        },
      },
    );
    ends.splice(1, 0, () => router.close());
    await router.open();
    const url = await router.listen();
    const send: TestRouter['send'] = async (source, body) => {
      const bytes = Buffer.from(stringifyJson(body));
      const signature = router.signed(source, bytes);
      if (signature === null) throw new Error(`there is no source ${source}, or it cannot sign: give it \`sign\``);
      const headers = { 'content-type': 'application/json', ...signature.headers };
      const response = await client.fetch(`${url}/hooks/${source}${signature.rest}`, {
        method: 'POST',
        headers,
        body: bytes,
      });
      return { status: response.status, reply: jsonOr(response.text()) };
    };
    return {
      ...{ url, clock, log, metrics, router, send },
      receiver: behind,
      call: async (source, { from = '+12345678912', to = '+12345678913', agent = null }) => {
        const { callBody, answerIn } = config.sources.find(({ name }) => name === source)?.component ?? {};
        if (callBody === undefined) throw new Error(`${source} is no source of calls with a \`callBody\``);
        const { status, reply } = await send(source, callBody({ from, to, agent }));
        const isObject = typeof reply === 'object' && reply !== null && !Array.isArray(reply);
        return { status, answer: isObject ? (answerIn?.(reply as JsonObject) ?? null) : null };
      },
      attempts: async (count) => {
        while (log.of('delivery.attempted').length < count) await log.next('delivery.attempted');
        return log
          .of('delivery.attempted')
          .slice(0, count)
          .map(({ fields }) => attemptIn(fields));
      },
      close: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

function attemptIn({ destination, attempt, outcome, reason }: Readonly<Record<string, unknown>>): LoggedAttempt {
  return {
    destination: String(destination),
    attempt: Number(attempt),
    outcome: String(outcome),
    reason: reason === undefined ? null : String(reason),
  };
}

function jsonOr(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}
