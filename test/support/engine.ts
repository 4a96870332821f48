/** The classes of a router in a container of their own, as a router has them: with a fake clock, and a configuration made by hand. */
import {
  Container,
  Ingest,
  Routes,
  registerClasses,
  registerPlan,
  retentionPolicy,
  StatusReader,
  Swappable,
} from '@switchhook/core/internal';
import { Clock, type Log, Metrics, phoneNormalizer, Random, Store } from '@switchhook/sdk';
import type { FakeClock } from '@switchhook/testkit';

/** The defaults of `alerts`. */
export const alertPolicy: Plan['alerts'] = {
  ...{ everyMs: 3_600_000, windowMs: 300_000, queueBehindMs: 900_000, sourceRefusing: 10 },
  destinationFailing: { share: 0.5, attempts: 5 },
  callsSlow: { afterMs: 2_000, share: 0.1, calls: 5 },
};

type Plan = Parameters<typeof registerPlan>[1]['value'];

/** What an engine works with; what the plan leaves out is empty. */
export interface EngineParts {
  readonly clock: FakeClock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly store: Store;
  readonly random?: () => number;
  readonly plan?: Partial<Plan>;
}

export function anEngine({ clock, log, metrics, store, random = () => 0.5, plan = {} }: EngineParts) {
  const container = Container.forRouter(
    () => log,
    (services) => {
      services.register(Clock, { useValue: clock });
      services.register(Metrics, { useValue: metrics });
      services.register(Random, { useValue: random });
      services.register(Store, { useValue: store });
    },
  );
  registerClasses(container);
  const current = new Swappable<Plan>({
    ...{
      sources: new Map(),
      callSources: [],
      pulling: [],
      transforms: new Map(),
      destinations: new Map(),
      resolvers: new Map(),
      emitters: new Set<string>(),
      captures: new Set<string>(),
      ...{ number: 1, sinceMs: 0, changedMs: new Map(), routerName: 'router-1', digest: 'aaaaaaaa' },
    },
    ...{ routes: [], routeTable: new Routes([], () => {}), answers: [], normalizePhone: phoneNormalizer(null) },
    keepMs: 30 * 86_400_000,
    retention: retentionPolicy({ events: 30 * 86_400_000 }, []),
    ...{ alerts: alertPolicy, expectations: [] },
    ...plan,
  });
  registerPlan(container, current);
  return {
    current,
    get: container.get.bind(container),
    duplicates: container.get(Ingest).duplicates,
    status: container.get(StatusReader),
  };
}
