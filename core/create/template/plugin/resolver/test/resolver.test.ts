import { deepStrictEqual } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { aCall, createComponent, cutOffResponse, fakeServices, receiver, resolverSuite } from '@switchhook/testkit';
import { contact } from '../src/resolver.ts';

const body = readFileSync(new URL('./fixtures/contact.json', import.meta.url), 'utf8');

/** The resolver, and a server in the place of the API that knows one caller. */
async function setup() {
  const known = aCall();
  const path = `/contacts/${encodeURIComponent(known.from)}`;
  const api = await receiver((request) => (request.path === path ? { status: 200, body } : 404));
  const services = fakeServices();
  const options = { url: api.url, token: 'only-for-tests' };
  const close = async () => {
    await services.close();
    await api.close();
  };
  return { api, known, resolver: createComponent('resolver', contact, options, services), close };
}

resolverSuite('{{word}}.contact', async () => {
  const { api, ...fixture } = await setup();
  return {
    ...fixture,
    hang: () => api.answer(() => 'hang'),
    down: () => api.answer(() => 503),
    cutOff: () => api.answer(() => cutOffResponse),
  };
});

describe('{{word}}.contact', () => {
  it('returns the facts that answers use, and nothing else', async () => {
    const { known, resolver, close } = await setup();
    const facts = await resolver.resolve(known, {}, new AbortController().signal, 3_000);
    deepStrictEqual(facts, { first_name: 'Jim', tier: 'gold' });
    await close();
  });
});
