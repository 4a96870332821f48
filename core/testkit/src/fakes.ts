/** Time, log and metrics for tests: nothing waits, everything can be read. */
import type { Clock, Labels, Log, LogFields, Metrics } from '@switchhook/sdk';

/** A clock that stands still until it is moved. */
export class FakeClock implements Clock {
  #nowMs: number;
  #elapsedMs = 0;
  #timers: { readonly atMs: number; readonly callback: () => void }[] = [];

  /** Starts at 2026-01-01T00:00:00Z by default. */
  constructor(nowMs = 1_767_225_600_000) {
    this.#nowMs = nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  elapsed(): number {
    return this.#elapsedMs;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { atMs: this.#elapsedMs + Math.max(0, ms), callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves on, firing timers in their order; between two of them, promises that are ready run. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#elapsedMs + ms;
    await settled();
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      const passedMs = Math.max(0, next.atMs - this.#elapsedMs);
      this.#elapsedMs += passedMs;
      this.#nowMs += passedMs;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      next.callback();
      await settled();
    }
    this.#nowMs += endMs - this.#elapsedMs;
    this.#elapsedMs = endMs;
  }

  /** Sets the time of day without moving on, as an operator or NTP would. Timers do not notice. */
  jumpTo(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  /** How many timers are pending. */
  get pending(): number {
    return this.#timers.length;
  }

  #next(endMs: number) {
    return this.#timers.filter((timer) => timer.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
  }
}

/** Lets promises that are ready run, and what they start. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** One line that was logged. */
export interface LogLine {
  readonly level: keyof Log;
  readonly event: string;
  readonly fields: LogFields;
}

/** A log that keeps its lines. */
export class FakeLog implements Log {
  readonly lines: LogLine[] = [];
  #waiting: { readonly event: string; readonly found: (line: LogLine) => void }[] = [];

  debug(event: string, fields: LogFields = {}): void {
    this.#add({ level: 'debug', event, fields });
  }
  info(event: string, fields: LogFields = {}): void {
    this.#add({ level: 'info', event, fields });
  }
  warn(event: string, fields: LogFields = {}): void {
    this.#add({ level: 'warn', event, fields });
  }
  error(event: string, fields: LogFields = {}): void {
    this.#add({ level: 'error', event, fields });
  }

  /** The lines of one event so far. */
  of(event: string): readonly LogLine[] {
    return this.lines.filter((line) => line.event === event);
  }

  /** Resolves with the next line of an event that is logged from now on. */
  next(event: string): Promise<LogLine> {
    return new Promise((found) => this.#waiting.push({ event, found }));
  }

  #add(line: LogLine): void {
    this.lines.push(line);
    const waiting = this.#waiting.filter((other) => other.event === line.event);
    this.#waiting = this.#waiting.filter((other) => other.event !== line.event);
    for (const { found } of waiting) found(line);
  }
}

/** Metrics that keep their values, by name and labels: `name{label="value"}`. */
export class FakeMetrics implements Metrics {
  readonly values = new Map<string, number>();

  count(name: string, _help: string, labels: Labels = {}, by = 1): void {
    const key = seriesOf(name, labels);
    this.values.set(key, (this.values.get(key) ?? 0) + by);
  }
  observe(name: string, _help: string, value: number, labels: Labels = {}): void {
    this.values.set(seriesOf(name, labels), value);
  }
  gauge(name: string, _help: string, value: number, labels: Labels = {}): void {
    this.values.set(seriesOf(name, labels), value);
  }
}

function seriesOf(name: string, labels: Labels): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`;
}
