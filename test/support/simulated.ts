/** A scenario played in a world of its own: sources that sign with a word, a router that is a function, a fake clock. */

import { compileExpression, fetchResponse } from '@switchhook/core/internal';
import { type Component, type JsonObject, type JsonValue, z } from '@switchhook/sdk';
import { reading } from '@switchhook/sdk/internal';
import {
  Platform,
  runScenario,
  type Scenario,
  type ScenarioParts,
  type SourceRow,
  scenarioSchema,
} from '@switchhook/simulator';
import { FakeClock } from '@switchhook/testkit';

/** A request as the router saw it. */
export interface Seen {
  readonly atMs: number;
  readonly path: string;
  readonly signature: string | undefined;
  readonly body: JsonObject;
}

/** What the router says, or how it fails; as soon as the promise says. */
export type Answering = (seen: Seen, index: number) => Said | Promise<Said>;
export interface Said {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: JsonValue;
}

/** A scenario as it would be in a file; give only what matters. */
export function aScenario(steps: readonly JsonObject[], evaluate: JsonObject = {}): Scenario {
  const reader = { compile: compileExpression, secret: () => {} };
  const written = { name: 'under-test', description: 'Something happens.', steps, evaluate };
  return reading(reader, () => scenarioSchema.parse(written));
}

function component(given: Partial<Component>): Component<'source'> {
  const made = { kind: 'source', type: 'under-test', description: 'For tests.', options: z.strictObject({}), ...given };
  return { ...made, create: () => Promise.reject() } as unknown as Component<'source'>;
}

/** A source of events with the sample `ended`. */
export const events: SourceRow = {
  name: 'agents',
  options: {},
  plugin: null,
  capture: false,
  mask: null,
  component: component({ samples: { ended: { type: 'ended', about: { id: 'conv_1', agent: 'a' } } } }),
};
/** A source of calls. */
export const calls: SourceRow = {
  name: 'phones',
  options: {},
  plugin: null,
  capture: false,
  mask: null,
  component: component({
    calls: true,
    callBody: ({ from, to, agent }) => ({ from, to, agent }),
    answerIn: ({ told }) =>
      told === undefined ? null : { variables: told as Record<string, string>, overrideAgent: null },
  }),
};

export function aStage(
  answering: Answering = () => ({}),
  {
    sources = [events, calls],
    mute = false,
  }: { readonly sources?: readonly SourceRow[]; readonly mute?: boolean } = {},
) {
  const clock = new FakeClock();
  const seen: Seen[] = [];
  const stop = new AbortController();
  const platform = new Platform({
    sources,
    sign: (source) =>
      mute ? null : { headers: { signature: `by ${source}` }, rest: source === 'phones' ? '/token' : '' },
    url: 'http://router.test/',
    clock,
    http: {
      fetch: async (url, { headers = {}, body = '', signal } = {}) => {
        const request = {
          atMs: clock.elapsed(),
          path: new URL(url).pathname,
          signature: headers.signature,
          body: JSON.parse(String(body)) as JsonObject,
        };
        seen.push(request);
        const aborted = new Promise<never>((_, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason));
        });
        const said = await Promise.race([answering(request, seen.length - 1), aborted]);
        const bytes = Buffer.from(typeof said.body === 'string' ? said.body : JSON.stringify(said.body ?? {}));
        return fetchResponse(said.status ?? 200, said.headers ?? {}, bytes);
      },
    },
  });
  const run = async (steps: readonly JsonObject[], given: Partial<ScenarioParts> = {}) => {
    const running = runScenario(aScenario(steps), {
      platform,
      clock,
      stop: stop.signal,
      run: 'r1',
      instead: {},
      onProgress: () => {},
      ...given,
    });
    // A scenario that cannot be played says so before anybody waits for it.
    running.catch(() => {});
    await clock.advance(60_000);
    return running;
  };
  return { clock, seen, stop, run };
}
