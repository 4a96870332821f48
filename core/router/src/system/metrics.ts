/** Metrics for Prometheus. */

import { type Labels, type Log, type Metrics, type NamedToken, token } from '@switchhook/sdk';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Metrics that can be read. */
export interface ExposedMetrics extends Metrics {
  /** All of them, in the Prometheus text format. Gauges of earlier readings that have none now are without a value. */
  expose(readings?: readonly Reading[]): Promise<{ readonly contentType: string; readonly body: string }>;
}
export const ExposedMetrics: NamedToken<ExposedMetrics> = token('switchhook.ExposedMetrics');

const prefix = 'switchhook_';
/** From a commit on a fast disk to the slowest attempt that can be configured. */
const durations = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Metrics whose failure is logged; a plugin may invent names without end. */
const mostFailed = 100;

/** Opens a registry of its own: two routers in one process do not mix. Process and event-loop metrics are in it. */
export function openMetrics(): ExposedMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  // Gauges with the name of a counter, each the sum of another one.
  for (const what of ['resources', 'handles', 'requests']) registry.removeSingleMetric(`nodejs_active_${what}_total`);
  const made = new Map<string, Counter | Gauge | Histogram>();
  const read = new Set<Gauge>();

  const metric = <T extends Counter | Gauge | Histogram>(name: string, make: () => T): T => {
    const known = made.get(name) as T | undefined;
    if (known !== undefined) return known;
    const fresh = make();
    made.set(name, fresh);
    return fresh;
  };
  const named = (name: string, help: string, labels: Labels) => {
    return { name: prefix + name, help, labelNames: Object.keys(labels), registers: [registry] };
  };
  const gauge = (name: string, help: string, labels: Labels) =>
    metric(name, () => new Gauge(named(name, help, labels)));

  return {
    count: (name, help, labels = {}, by = 1) =>
      metric(name, () => new Counter(named(name, help, labels))).inc({ ...labels }, by),
    observe: (name, help, value, labels = {}, buckets = durations) =>
      metric(name, () => new Histogram({ ...named(name, help, labels), buckets: [...buckets] })).observe(
        { ...labels },
        value,
      ),
    gauge: (name, help, value, labels = {}) => gauge(name, help, labels).set({ ...labels }, value),
    expose: async (readings = []) => {
      for (const earlier of read) earlier.reset();
      for (const { name, help, labels, value } of readings) {
        const one = gauge(name, help, labels);
        one.set({ ...labels }, value);
        read.add(one);
      }
      return { contentType: registry.contentType, body: await registry.metrics() };
    },
  };
}

/** Metrics that fail cost measurements, and nothing else: the first failure of each metric is logged. `expose` may still reject. */
export function unfailingMetrics(metrics: ExposedMetrics, log: Log): ExposedMetrics;
export function unfailingMetrics(metrics: Metrics, log: Log): Metrics;
export function unfailingMetrics(metrics: Metrics | ExposedMetrics, log: Log): Metrics {
  const failed = new Set<string>();
  const report = (metric: string, error: unknown): void => {
    if (failed.has(metric) || failed.size >= mostFailed) return;
    failed.add(metric);
    log.error('metrics.failed', { metric, error });
  };
  return {
    ...('expose' in metrics && { expose: (readings?: readonly Reading[]) => metrics.expose(readings) }),
    count: (name, help, labels, by) => {
      try {
        metrics.count(name, help, labels, by);
      } catch (error) {
        report(name, error);
      }
    },
    observe: (name, help, value, labels, buckets) => {
      try {
        metrics.observe(name, help, value, labels, buckets);
      } catch (error) {
        report(name, error);
      }
    },
    gauge: (name, help, value, labels) => {
      try {
        metrics.gauge(name, help, value, labels);
      } catch (error) {
        report(name, error);
      }
    },
  };
}

/** What a gauge shows now. */
export interface Reading {
  readonly name: string;
  readonly help: string;
  readonly labels: Labels;
  readonly value: number;
}
