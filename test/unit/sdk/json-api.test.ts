import { JsonApi, type JsonApiSettings, type JsonObject, outcomeOfFailure } from '@switchhook/sdk';
import { type Behaviour, cutOffResponse, fakeServices, receiver } from '@switchhook/testkit';
import { expect } from 'chai';

const signal = new AbortController().signal;

describe('a JSON API', () => {
  const withApi = async (
    behaviour: Behaviour,
    body: (api: JsonApi, far: Awaited<ReturnType<typeof receiver>>) => Promise<void>,
    changes: Partial<JsonApiSettings> = {},
  ) => {
    const far = await receiver(behaviour);
    const { http, clock, close } = fakeServices();
    const reasonIn = ({ message }: JsonObject) => (typeof message === 'string' ? message : null);
    const api = new JsonApi({
      http,
      clock,
      baseUrl: far.url,
      headers: { authorization: 'Bearer x' },
      reasonIn,
      ...changes,
    });
    try {
      await body(api, far);
    } finally {
      await far.close();
      await close();
    }
  };
  const json = (status: number, body: unknown, headers = {}) => ({ status, body: JSON.stringify(body), headers });

  it('sends JSON with its headers, and returns the object that comes back', () =>
    withApi(
      () => ({ status: 201, body: '{"id":8202522731445525542}' }),
      async (api, far) => {
        const reply = await api.request({
          method: 'POST',
          path: '/notes',
          query: { a: 'b c' },
          body: { n: 8202522731445525543n },
          signal,
        });
        expect(reply).to.deep.equal({ status: 201, body: { id: 8202522731445525542n } });
        const [request] = far.requests;
        expect([request?.method, request?.path, request?.text()]).to.deep.equal([
          'POST',
          '/notes?a=b+c',
          '{"n":8202522731445525543}',
        ]);
        expect(request?.headers).to.include({ authorization: 'Bearer x', 'content-type': 'application/json' });
      },
    ));

  it('takes a base URL with a slash at its end, and no path without one at its start', () =>
    withApi(
      () => json(200, {}),
      async (api, far) => {
        const { clock, http, close } = fakeServices();
        const slashed = new JsonApi({ http, clock, baseUrl: `${far.url}/v1/`, headers: {}, reasonIn: () => null });
        await slashed.request({ method: 'GET', path: '/notes', signal });
        expect(far.requests[0]?.path).to.equal('/v1/notes');
        const error = await api.request({ method: 'GET', path: 'notes', signal }).catch((thrown: Error) => thrown);
        expect(String(error)).to.equal('Error: the path of a request begins with a slash; it is "notes"');
        await close();
      },
    ));

  it('rejects as unavailable where the reply has to be whole and is cut off, and not for its status alone', () =>
    withApi(
      () => cutOffResponse,
      async (api) => {
        const search = { method: 'GET', path: '/contacts', signal } as const;
        expect(await api.request(search)).to.deep.equal({ status: 200, body: {} });
        const error = await api.request({ ...search, whole: true }).catch((thrown: unknown) => thrown);
        expect(outcomeOfFailure(error)).to.deep.equal({
          kind: 'unavailable',
          reason: 'GET /contacts: the reply is not complete',
        });
      },
    ));

  it('repeats a name in the query, and returns no part of a reply that is longer than maxBytes', () =>
    withApi(
      () => json(200, { long: 'x'.repeat(100) }),
      async (api, far) => {
        const query = new URLSearchParams([
          ['ranges', 'A:A'],
          ['ranges', 'B:B'],
        ]);
        const request = { method: 'GET', path: '/values', query, signal } as const;
        expect((await api.request({ ...request, maxBytes: 111 })).body).to.have.property('long');
        expect(far.requests[0]?.path).to.equal('/values?ranges=A%3AA&ranges=B%3AB');
        expect((await api.request({ ...request, maxBytes: 110 })).body).to.deep.equal({});
      },
    ));

  it('sends a form', () =>
    withApi(
      () => 200,
      async (api, far) => {
        const body = new URLSearchParams({ To: '+1 2', Body: 'a&b=ö' });
        await api.request({ method: 'POST', path: '/messages', body, signal });
        const [request] = far.requests;
        expect(request?.text()).to.equal('To=%2B1+2&Body=a%26b%3D%C3%B6');
        expect(request?.headers).to.include({ 'content-type': 'application/x-www-form-urlencoded' });
      },
    ));

  for (const [status, body, headers, outcome] of [
    [
      422,
      { message: 'phone is\n wrong' },
      {},
      { kind: 'rejected', reason: 'GET /x: HTTP 422 Unprocessable Entity: phone is wrong' },
    ],
    [
      401,
      { message: 'no' },
      {},
      { kind: 'unavailable', needsOperator: true, reason: 'GET /x: HTTP 401 Unauthorized: no' },
    ],
    [
      429,
      {},
      { 'retry-after': '3' },
      { kind: 'unavailable', retryAfterMs: 3_000, reason: 'GET /x: HTTP 429 Too Many Requests' },
    ],
    [500, [], {}, { kind: 'unavailable', reason: 'GET /x: HTTP 500 Internal Server Error' }],
  ] as const)
    it(`ends the attempt where it answers ${status}`, () =>
      withApi(
        () => json(status, body, headers),
        async (api) => {
          const thrown = await api.request({ method: 'GET', path: '/x', signal }).catch((error: unknown) => error);
          expect(outcomeOfFailure(thrown)).to.deep.include(outcome);
        },
      ));

  for (const [status, isUnsure] of [
    [429, false],
    [422, false],
    [408, true],
    [502, true],
  ] as const)
    it(`${isUnsure ? 'does not know' : 'knows'} that nothing was done where it answers ${status}`, () =>
      withApi(
        () => status,
        async (api) => {
          const thrown = await api.request({ method: 'POST', path: '/x', signal }).catch((error: unknown) => error);
          expect(thrown).to.include({ isUnsure });
        },
      ));

  it('returns a status that is allowed', () =>
    withApi(
      () => json(404, { a: 1 }),
      async (api) => {
        expect(await api.request({ method: 'GET', path: '/x', signal, allow: [404] })).to.deep.equal({
          status: 404,
          body: { a: 1 },
        });
      },
    ));

  it('lets an API say more than its status, and cuts long reasons', () =>
    withApi(
      () => json(200, { ok: false, message: 'x'.repeat(1_000) }),
      async (api) => {
        const thrown = await api.request({ method: 'GET', path: '/x', signal }).catch((error: unknown) => error);
        expect(outcomeOfFailure(thrown)).to.have.property('reason').with.lengthOf(500);
      },
      { correct: (outcome, _response, { ok }) => (ok === false ? { kind: 'rejected', reason: 'refused' } : outcome) },
    ));

  it('goes by the status where the body is cut off', () =>
    withApi(
      () => cutOffResponse,
      async (api) => {
        expect(await api.request({ method: 'GET', path: '/x', signal })).to.deep.include({ body: {} });
      },
    ));
});
