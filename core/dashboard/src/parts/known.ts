/** Names that exist, for completion in filters: those of the configuration, and types of events that have come. */
import { api } from '../model/api.js';
import type { Answer, Component } from '../model/configuration-replies.js';
import type { Route, RouterEvent } from '../model/replies.js';
import { useResource } from './resource.js';

/** Each without repetitions; empty until it is loaded. */
export interface Known {
  readonly sources: readonly string[];
  /** Those whose calls an answer takes. */
  readonly callSources: readonly string[];
  readonly routes: readonly string[];
  readonly answers: readonly string[];
  readonly resolvers: readonly string[];
  /** Those that routes name, and those of the latest events. */
  readonly types: readonly string[];
}

const nothing: Known = { sources: [], callSources: [], routes: [], answers: [], resolvers: [], types: [] };
/** Events whose types are read. */
const latest = '100';

export function useKnown(): Known {
  const found = useResource('known', async (signal): Promise<Known> => {
    const [{ components }, { routes }, { answers }, { events }] = await Promise.all([
      api<{ readonly components: readonly Component[] }>('components', { signal }),
      api<{ readonly routes: readonly Route[] }>('routes', { signal }),
      api<{ readonly answers: readonly Answer[] }>('answers', { signal }),
      api<{ readonly events: readonly RouterEvent[] }>('events', { query: { limit: latest }, signal }),
    ]);
    const named = (kind: Component['kind']) => components.filter((one) => one.kind === kind).map(({ name }) => name);
    return {
      sources: named('source'),
      callSources: once(answers.flatMap(({ from }) => from)),
      routes: routes.map(({ name }) => name),
      answers: answers.map(({ name }) => name),
      resolvers: named('resolver'),
      types: once([...routes.flatMap(({ on }) => on.filter(isType)), ...events.map(({ type }) => type)]).sort(),
    };
  });
  return found.data.value ?? nothing;
}

/** And no pattern of types. */
function isType(name: string): boolean {
  return !name.includes('*');
}

function once(names: readonly string[]): string[] {
  return [...new Set(names)];
}
