import { propagation, trace } from '@opentelemetry/api';
import { inSpan, OpenSpan, traceHeaders } from '@switchhook/core/internal';
import { expect } from 'chai';

describe('a trace', () => {
  afterEach(() => {
    trace.disable();
    propagation.disable();
  });

  it('costs no event and no answer where the SDK throws', async () => {
    const failing = (): never => {
      throw new Error('a span processor failed');
    };
    const spanContext = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
    const failingSpan = Object.assign(trace.wrapSpanContext(spanContext), { setAttributes: failing, end: failing });
    propagation.setGlobalPropagator({ inject: failing, extract: failing, fields: () => [] });
    for (const startSpan of [failing, () => failingSpan]) {
      trace.disable();
      trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan, startActiveSpan: failing }) });
      for (const parent of [{}, { parent: {} }]) {
        expect(await inSpan('receive calls', { attributes: {}, ...parent }, async () => 'answer')).to.equal('answer');
        const span = new OpenSpan('deliver crm', { attributes: {}, ...parent });
        expect(span.run(traceHeaders)).to.deep.equal({});
        span.end({ 'switchhook.outcome': 'delivered' });
      }
    }
  });
});
