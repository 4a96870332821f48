import { fetchResponse } from '@switchhook/core/internal';
import { ExpressionError, FetchError, outcomeOf, outcomeOfFailure } from '@switchhook/sdk';
import { expect } from 'chai';

const nowMs = 1_767_225_600_000;
const response = (status: number, headers: Record<string, string> = {}, body = '') =>
  fetchResponse(status, headers, Buffer.from(body));
const kindOf = (status: number): string => {
  const outcome = outcomeOf(response(status), nowMs);
  return outcome.kind === 'unavailable' && outcome.needsOperator === true ? 'operator' : outcome.kind;
};
const statusesThatAre = (kind: string): readonly number[] =>
  Array.from({ length: 400 }, (_, index) => 200 + index).filter((status) => kindOf(status) === kind);

describe('the outcome of an HTTP response', () => {
  it('is delivered for every 2xx and for nothing else', () => {
    expect(statusesThatAre('delivered')).to.deep.equal(Array.from({ length: 100 }, (_, index) => 200 + index));
  });

  it('is rejected only where the same request can never be accepted', () => {
    expect(statusesThatAre('rejected')).to.deep.equal([400, 410, 413, 414, 422, 431]);
  });

  it('needs no operator where waiting helps', () => {
    expect(statusesThatAre('unavailable').filter((status) => status < 500)).to.deep.equal([
      408, 409, 421, 423, 424, 425, 429,
    ]);
    expect(statusesThatAre('operator').filter((status) => status >= 500)).to.deep.equal([501, 505, 511]);
  });

  it('needs an operator for wrong credentials, a wrong path or method, and a redirect', () => {
    for (const status of [301, 302, 307, 308, 401, 402, 403, 404, 405, 407, 415, 451])
      expect(kindOf(status), String(status)).to.equal('operator');
  });

  it('carries the wish of Retry-After where it says something sensible', () => {
    const wish = (header: string) => {
      const outcome = outcomeOf(response(503, { 'retry-after': header }), nowMs);
      return outcome.kind === 'unavailable' ? outcome.retryAfterMs : 'none';
    };
    expect(wish('7')).to.equal(7_000);
    expect(wish('Thu, 01 Jan 2026 00:00:07 GMT')).to.equal(7_000);
    expect(wish('Wed, 31 Dec 2025 00:00:00 GMT')).to.equal(0);
    expect(wish('soon')).to.equal(undefined);
  });

  it('names only the host of a redirect', () => {
    const reason = (location: string) => {
      const outcome = outcomeOf(response(302, { location }), nowMs);
      return outcome.kind === 'delivered' ? '' : outcome.reason;
    };
    expect(reason('https://login.example.com/a?token=b')).to.equal(
      'HTTP 302 Found: a redirect to login.example.com, not followed',
    );
    expect(reason('/login?token=b')).to.equal('HTTP 302 Found: a redirect to the same host, not followed');
  });

  it('keeps 4 KB of the response, whole characters, and no NUL', () => {
    expect(outcomeOf(response(200), nowMs)).to.deep.equal({ kind: 'delivered' });
    expect(outcomeOf(response(200, {}, 'ok\0'), nowMs)).to.deep.equal({ kind: 'delivered', response: 'ok\uFFFD' });
    expect(outcomeOf(response(200, {}, 'x'.repeat(5_000)), nowMs).response).to.equal('x'.repeat(4_096));
    expect(outcomeOf(response(200, {}, `x${'😀'.repeat(2_000)}`), nowMs).response).to.equal(`x${'😀'.repeat(1_023)}`);
  });
});

describe('the outcome of an HTTP attempt that had no response', () => {
  it('is unavailable where the other side could not be reached', () => {
    for (const code of ['ENOTFOUND', 'ECONNREFUSED', 'ECONNRESET', 'UND_ERR_CONNECT_TIMEOUT', 'CERT_HAS_EXPIRED'])
      expect(outcomeOfFailure(new FetchError(code, 'crm: no\nway '))).to.deep.equal({
        kind: 'unavailable',
        reason: 'crm: no way',
      });
  });

  it('is rejected where the request itself cannot be sent', () => {
    for (const code of ['ADDRESS_FORBIDDEN', 'URL_INVALID', 'REQUEST_INVALID'])
      expect(outcomeOfFailure(new FetchError(code, 'no')).kind).to.equal('rejected');
    expect(outcomeOfFailure(new ExpressionError('a.b is missing', true))).to.deep.equal({
      kind: 'rejected',
      reason: 'template: a.b is missing',
    });
    expect(outcomeOfFailure(new ExpressionError('a.b is missing', true, 'a.b'))).to.deep.equal({
      kind: 'rejected',
      reason: 'template: a.b is missing; default(a.b, "…") sends something else where it is missing',
    });
    expect(outcomeOfFailure(new ExpressionError('a.b is missing', true, '', 'values.name'))).to.deep.equal({
      kind: 'rejected',
      reason: 'template of values.name: a.b is missing',
    });
    // A value of another type is there: another default would not be used.
    expect(outcomeOfFailure(new ExpressionError('no such overload in a.b', false, 'a.b'))).to.deep.equal({
      kind: 'rejected',
      reason: 'template: no such overload in a.b',
    });
  });

  it('is thrown on where it is something else', () => {
    const fault = new TypeError('a fault');
    expect(() => outcomeOfFailure(fault)).to.throw(fault);
  });
});
