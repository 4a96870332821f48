/** How long what is stored stays, and the steps in which retention removes it. */
import type { PruneRequest, PruneScope } from '@switchhook/sdk';

/** How long events and their bodies are kept after their receipt. Bodies do not outlive their events. */
export interface Windows {
  readonly eventsMs: number;
  readonly bodiesMs: number;
}

/** Windows of a part of the events. */
export interface RetentionPart extends Windows {
  readonly scope: PruneScope;
}

export interface RetentionPolicy extends Windows {
  /** How long an event is at least recognized when it is sent again; 0 = as long as it is kept. */
  readonly keysMs: number;
  /** Sources and types with windows of their own; of all others, the windows above hold. */
  readonly parts: readonly RetentionPart[];
}

/** As it stands in the configuration; what is not given is that of the level above. */
interface Written {
  readonly events?: number | undefined;
  readonly bodies?: number | undefined;
}

/** The policy of a store and its sources. */
export function retentionPolicy(
  { events, bodies, keys = 0 }: Written & { readonly events: number; readonly keys?: number | undefined },
  sources: readonly { readonly name: string; readonly retention: RetentionOfSource | undefined }[],
): RetentionPolicy {
  const windowsOf = ({ events: eventsMs = events, bodies: bodiesMs = Number.POSITIVE_INFINITY }: Written): Windows => {
    return { eventsMs, bodiesMs: Math.min(eventsMs, bodiesMs) };
  };
  const parts = sources.flatMap(({ name, retention }): readonly RetentionPart[] => {
    if (retention === undefined) return [];
    const { types = {}, ...own } = retention;
    const ofSource = { events: own.events, bodies: own.bodies ?? bodies };
    const names = Object.keys(types);
    const ofTypes = Object.entries(types).map(([type, given]) => ({
      scope: { sources: [name], types: [type] },
      ...windowsOf({ events: given.events ?? ofSource.events, bodies: given.bodies ?? ofSource.bodies }),
    }));
    const others = names.length === 0 ? {} : { exceptTypes: names };
    return [...ofTypes, { scope: { sources: [name], ...others }, ...windowsOf(ofSource) }];
  });
  return { ...windowsOf({ events, bodies }), keysMs: keys, parts };
}

/** `retention` of a source. */
export interface RetentionOfSource extends Written {
  readonly types?: Readonly<Record<string, Written>> | undefined;
}

/** The longest time for which anything is known of an event. */
export function longestMs({ eventsMs, keysMs, parts }: RetentionPolicy): number {
  return Math.max(eventsMs, keysMs, ...parts.map((part) => part.eventsMs));
}

/** The windows of an event. */
export function windowsOf(policy: RetentionPolicy, event: { readonly source: string; readonly type: string }): Windows {
  const isIn = ({ scope: { sources, types, exceptTypes = [] } }: RetentionPart) =>
    (sources?.includes(event.source) ?? true) &&
    (types?.includes(event.type) ?? true) &&
    !exceptTypes.includes(event.type);
  return policy.parts.find(isIn) ?? policy;
}

/** A step but for its size. */
type Step = Omit<PruneRequest, 'limit'>;

/**
 * What to remove at a time, one step after the other. The first is about all events and has the longest time, so that a store can remove
 * whole days at once.
 */
export function stepsOf(policy: RetentionPolicy, nowMs: number): readonly [Step, ...Step[]] {
  const { keysMs, parts } = policy;
  const longest = Math.max(policy.eventsMs, ...parts.map(({ eventsMs }) => eventsMs));
  const exceptSources = [...new Set(parts.flatMap(({ scope }) => scope.sources ?? []))];
  const others = parts.length === 0 ? {} : { scope: { exceptSources } };
  const all = [...parts, { ...policy, ...others }].map(({ eventsMs, bodiesMs, scope }) => {
    return { eventsMs, bodiesMs, part: scope === undefined ? {} : { scope } };
  });
  const shorter = all.filter(({ eventsMs }) => eventsMs < longest);
  const withoutBodies = all.filter(({ eventsMs, bodiesMs }) => bodiesMs < eventsMs);
  return [
    { beforeMs: nowMs - longest, keysMs },
    ...shorter.map(({ eventsMs, part }) => ({ beforeMs: nowMs - eventsMs, keysMs, ...part })),
    ...withoutBodies.map(({ bodiesMs, part }) => ({ beforeMs: nowMs - bodiesMs, remove: 'bodies' as const, ...part })),
  ];
}
