/** Traces by OpenTelemetry: spans are recorded where the program has registered an SDK of it, and cost next to nothing otherwise. */
import {
  type Attributes,
  context,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

/** Without an SDK, and until one is registered, its spans are empty. */
const tracer = trace.getTracer('switchhook');

/** Headers of W3C Trace Context. */
export interface TraceHeaders {
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** How a span begins. */
export interface SpanStart {
  readonly kind?: keyof typeof SpanKind;
  /** Names begin with `switchhook.`; no personal data. */
  readonly attributes: Attributes;
  /** Milliseconds since the epoch; default: now. */
  readonly startedAtMs?: number;
  /** Default: the span that is active. Empty = a trace begins. */
  readonly parent?: TraceHeaders;
}

/** What an SDK throws costs a span, and nothing else: an event may be committed, and a call may wait for its answer. */
function unfailing<T>(ask: () => T, otherwise: T): T {
  try {
    return ask();
  } catch {
    return otherwise;
  }
}

/** A span that has not ended. */
export class OpenSpan {
  readonly #span: Span;

  constructor(name: string, { kind = 'INTERNAL', attributes, startedAtMs, parent }: SpanStart) {
    this.#span = unfailing(() => {
      const before = parent === undefined ? context.active() : propagation.extract(ROOT_CONTEXT, parent);
      const start = startedAtMs === undefined ? {} : { startTime: startedAtMs };
      return tracer.startSpan(name, { kind: SpanKind[kind], attributes, ...start }, before);
    }, trace.wrapSpanContext(INVALID_SPAN_CONTEXT));
  }

  /** The span is active in a function, and in all that it awaits. */
  run<T>(work: () => T): T {
    return isSpanContextValid(this.#span.spanContext())
      ? context.with(trace.setSpan(context.active(), this.#span), work)
      : work();
  }

  /** `failure`: in one line, as the log has it, with secrets masked; null = none. */
  end(attributes: Attributes = {}, failure: string | null = null): void {
    unfailing(() => {
      this.#span.setAttributes(attributes);
      if (failure !== null) this.#span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
      this.#span.end();
    }, undefined);
  }
}

/** Runs a function in a span of its own, which fails where it rejects. */
export async function inSpan<T>(name: string, start: SpanStart, work: () => Promise<T>): Promise<T> {
  const span = new OpenSpan(name, start);
  try {
    const done = await span.run(work);
    span.end();
    return done;
  } catch (error) {
    span.end({}, error instanceof Error ? error.name : typeof error);
    throw error;
  }
}

/** Runs a function of which no span is active: what it starts goes on beyond the one that is now. */
export function outsideSpans<T>(work: () => T): T {
  return context.with(ROOT_CONTEXT, work);
}

/** The active span for another process; empty where there is none. */
export function traceHeaders(): TraceHeaders {
  return unfailing(() => {
    const headers = {};
    if (trace.getActiveSpan() !== undefined) propagation.inject(context.active(), headers);
    return headers;
  }, {});
}

/** Id of the trace of the active span, for the log; null where there is none. */
export function activeTraceId(): string | null {
  return trace.getActiveSpan()?.spanContext().traceId ?? null;
}

/** Id of the trace of a `traceparent`. */
export function traceIdIn(traceparent: string): string | null {
  return traceparent.split('-')[1] ?? null;
}
