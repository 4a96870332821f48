/** Compares what was done with past events with what a configuration would do with them. Nothing is sent, nothing is looked up. */
import type { DeliveryRecord, Event, EventRecord, Source } from '@switchhook/sdk';
import { applyTransforms } from '../delivery/attempt.js';
import { eventOf } from '../routing/event-record.js';
import { routerSource } from '../routing/router-events.js';
import { missingDeliveries, type Route, Routes, type Wanted } from '../routing/routes.js';
import { AnswerComparison, type AnswerReport, type AnswerWorld, type PastAnswer } from './answer-comparison.js';
import { type Example, Examples, type Failure, Failures } from './comparison-counts.js';
import { type ExplainParts, verdictFor } from './explain.js';

/** The deliveries that were made of an event: by which route, for which destination. */
export type PastDelivery = Pick<DeliveryRecord, 'route' | 'destination'>;

/** An event that was received, and what was done with it. */
export interface PastEvent {
  readonly record: EventRecord;
  /** Null where they are not known. */
  readonly deliveries: readonly PastDelivery[] | null;
  /** How the call was answered that the event records; null for other events. */
  readonly answer: PastAnswer | null;
}

/** The configuration that past events are compared with. */
export interface ComparedConfiguration extends ExplainParts, Omit<AnswerWorld, 'mask'> {
  readonly sources: ReadonlyMap<string, Source>;
  /** Names of the destinations that emit events: these are sources, too. */
  readonly emitters: ReadonlySet<string>;
}

/** What one destination gets by one route. */
export interface DeliveryRow {
  readonly route: string;
  readonly destination: string;
  /** Deliveries that were made. */
  readonly before: number;
  /** Deliveries that would be made of the same events. */
  readonly after: number;
  /** Events with a delivery that would be new. */
  readonly more: number;
  /** Events whose delivery would not be made. */
  readonly fewer: number;
  /** Of `after`: those that a transform keeps back, so that the destination is not called. */
  readonly keptBack: number;
  /** Deliveries that would be made of events whose earlier deliveries are not known; not in `after`. */
  readonly unknown: number;
  /** Up to three of each; `reason` is why the delivery would not be made. */
  readonly examples: { readonly more: readonly Example[]; readonly fewer: readonly Example[] };
}

/** How many events, and up to three of them. */
export interface CountedEvents {
  readonly events: number;
  readonly examples: readonly Example[];
}

/** Which rows exist on one side only. */
export interface RowDifference {
  /** In the events or the running router, and not in the configuration. */
  readonly removed: readonly string[];
  /** In the configuration, and not in the running router; null where it is not known what runs. */
  readonly added: readonly string[] | null;
}

/** Names of the components that a running router has. */
export interface RunningRows {
  readonly sources: readonly string[];
  readonly destinations: readonly string[];
}

/** What would be different. The JSON of `switchhook plan`. */
export interface ComparisonReport {
  /** Events that were compared. */
  readonly events: number;
  /** Of these: whose earlier deliveries are not known. */
  readonly withoutDeliveries: number;
  /** Rows with a difference first, those with the largest one before all. */
  readonly deliveries: readonly DeliveryRow[];
  /** By destination, whatever the route: deliveries that would not be made, and that would be new. */
  readonly destinationTotals: readonly {
    readonly destination: string;
    readonly more: number;
    readonly fewer: number;
  }[];
  /** Events that had deliveries and would have none; where the earlier ones are not known, all that would have none. */
  readonly unrouted: CountedEvents;
  /** Events that had no delivery and would have one. */
  readonly newlyRouted: CountedEvents;
  readonly sources: RowDifference;
  readonly destinations: RowDifference;
  /** Conditions, transforms and variables that fail for some of these events. */
  readonly failures: readonly Failure[];
  readonly calls: AnswerReport;
}

interface Counts {
  before: number;
  after: number;
  keptBack: number;
  unknown: number;
  readonly more: Examples;
  readonly fewer: Examples;
}

/** One comparison: `add` each event, one after the other, then `report`. Its memory does not grow with the number of events. */
export class Comparison {
  readonly #configuration: ComparedConfiguration;
  readonly #routes: Routes;
  readonly #failures: Failures;
  readonly #answers: AnswerComparison;
  /** By route, then by destination. */
  readonly #rows = new Map<string, Map<string, Counts>>();
  readonly #totals = new Map<string, { more: number; fewer: number }>();
  readonly #unrouted = new Examples();
  readonly #newlyRouted = new Examples();
  readonly #seenSources = new Set<string>();
  #events = 0;
  #withoutDeliveries = 0;
  /** The event whose routes are evaluated. */
  #current: EventRecord | null = null;

  constructor(configuration: ComparedConfiguration) {
    this.#configuration = configuration;
    this.#failures = new Failures(configuration.mask);
    this.#answers = new AnswerComparison(configuration, this.#failures);
    this.#routes = new Routes(configuration.routes, (route, reason) => this.#conditionFailed(route, reason));
    for (const { name, to } of configuration.routes)
      for (const destination of to) this.#row({ route: name, destination });
  }

  /** Compares one event. Resolves when it is done; the next one may be added then. */
  async add({ record, deliveries, answer }: PastEvent): Promise<void> {
    this.#events += 1;
    this.#seenSources.add(record.source);
    this.#current = record;
    const event = eventOf(record);
    const matching = this.#routes.match(event);
    const wanted = missingDeliveries(record, [], matching, {});
    const keptBack = new Set(matching.filter((route) => this.#isKeptBack(route, record)).map(({ name }) => name));
    if (deliveries === null) this.#addUnknown(wanted, record);
    else this.#compare(event, record, { deliveries, wanted, keptBack });
    if (answer !== null) await this.#answers.add(record, answer);
  }

  /** What would be different for the events so far. `running`: the components of the router that had them; null = not known. */
  report(running: RunningRows | null): ComparisonReport {
    const { sources, emitters, destinations } = this.#configuration;
    const rows = [...this.#rows].flatMap(([route, inner]) =>
      [...inner].map(([destination, { before, after, keptBack, unknown, more, fewer }]): DeliveryRow => {
        const examples = { more: more.examples, fewer: fewer.examples };
        return { route, destination, before, after, more: more.count, fewer: fewer.count, keptBack, unknown, examples };
      }),
    );
    // Those of the router itself and of what destinations emit are no rows.
    const ownSources = [routerSource, ...emitters];
    const sourceRows = [...sources.keys()].filter((name) => !ownSources.includes(name));
    const seenSources = [...this.#seenSources].filter((name) => !ownSources.includes(name));
    return {
      events: this.#events,
      withoutDeliveries: this.#withoutDeliveries,
      deliveries: rows.sort((a, b) => b.more + b.fewer - (a.more + a.fewer)),
      destinationTotals: [...this.#totals]
        .filter(([, { more, fewer }]) => more + fewer > 0)
        .map(([destination, counts]) => ({ destination, ...counts })),
      unrouted: this.#unrouted.counted,
      newlyRouted: this.#newlyRouted.counted,
      sources: difference(sourceRows, seenSources, running?.sources ?? null),
      destinations: difference([...destinations.keys()], this.#totals.keys(), running?.destinations ?? null),
      failures: this.#failures.list,
      calls: this.#answers.report,
    };
  }

  #addUnknown(wanted: readonly Wanted[], record: EventRecord): void {
    this.#withoutDeliveries += 1;
    for (const one of wanted) this.#row(one).unknown += 1;
    if (wanted.length === 0) this.#unrouted.add(record, null);
  }

  #compare(
    event: Event,
    record: EventRecord,
    {
      deliveries,
      wanted,
      keptBack,
    }: {
      readonly deliveries: readonly PastDelivery[];
      readonly wanted: readonly Wanted[];
      readonly keptBack: ReadonlySet<string>;
    },
  ): void {
    const has = (list: readonly PastDelivery[], { route, destination }: PastDelivery) =>
      list.some((one) => one.route === route && one.destination === destination);
    for (const one of deliveries) {
      const row = this.#row(one);
      row.before += 1;
      if (!has(wanted, one)) row.fewer.add(record, () => this.#whyNot(one, event));
    }
    for (const one of wanted) {
      const row = this.#row(one);
      row.after += 1;
      if (keptBack.has(one.route)) row.keptBack += 1;
      if (!has(deliveries, one)) row.more.add(record, null);
    }
    this.#addTotals(deliveries, wanted);
    if (deliveries.length > 0 && wanted.length === 0) this.#unrouted.add(record, null);
    if (deliveries.length === 0 && wanted.length > 0) this.#newlyRouted.add(record, null);
  }

  /** A route with another name that delivers the same to a destination is no difference for it. */
  #addTotals(deliveries: readonly PastDelivery[], wanted: readonly PastDelivery[]): void {
    const counts = new Map<string, number>();
    for (const { destination } of wanted) counts.set(destination, (counts.get(destination) ?? 0) + 1);
    for (const { destination } of deliveries) counts.set(destination, (counts.get(destination) ?? 0) - 1);
    for (const [destination, count] of counts) {
      const total = this.#totals.get(destination) ?? { more: 0, fewer: 0 };
      if (count > 0) total.more += count;
      else total.fewer -= count;
      this.#totals.set(destination, total);
    }
  }

  /** Whether a transform keeps the event back; one that fails is counted. */
  #isKeptBack({ name: route, transforms, to }: Route, event: EventRecord): boolean {
    if (transforms.length === 0) return false;
    const claimed = { id: event.id, route, destination: to[0] ?? '', attempt: 1, transforms, event };
    const prepared = applyTransforms(claimed, this.#configuration);
    if ('event' in prepared) return false;
    const failure = 'reason' in prepared ? (prepared.reason ?? null) : null;
    if (failure === null) return true;
    this.#failures.add({ kind: 'transform', name: route, text: transforms.join(', '), position: null }, event, failure);
    return false;
  }

  #whyNot({ route: name, destination }: PastDelivery, event: Event): string {
    const { routes, mask } = this.#configuration;
    const route = routes.find((one) => one.name === name);
    if (route === undefined) return `route ${name} is not configured`;
    if (!route.to.includes(destination)) return `route ${name} does not deliver to ${destination}`;
    return mask(verdictFor(route, event).reason ?? '');
  }

  #conditionFailed(route: Route, reason: string): void {
    if (this.#current === null) return;
    const { routes, positions } = this.#configuration;
    const position = positions.get(`routes[${routes.indexOf(route)}].where`) ?? null;
    const failing = { kind: 'condition', name: route.name, text: route.where?.text ?? null, position } as const;
    this.#failures.add(failing, this.#current, reason);
  }

  #row({ route, destination }: PastDelivery): Counts {
    const inner = this.#rows.get(route) ?? new Map<string, Counts>();
    this.#rows.set(route, inner);
    const known = inner.get(destination);
    if (known !== undefined) return known;
    const row = { before: 0, after: 0, keptBack: 0, unknown: 0, more: new Examples(), fewer: new Examples() };
    inner.set(destination, row);
    return row;
  }
}

function difference(
  configured: readonly string[],
  seen: Iterable<string>,
  running: readonly string[] | null,
): RowDifference {
  const before = new Set([...seen, ...(running ?? [])]);
  return {
    removed: [...before].filter((name) => !configured.includes(name)).sort(),
    added: running === null ? null : configured.filter((name) => !before.has(name)),
  };
}
