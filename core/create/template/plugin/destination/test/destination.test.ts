import { deepStrictEqual } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  aDelivery,
  anEvent,
  createComponent,
  cutOffResponse,
  destinationSuite,
  fakeServices,
  receiver,
} from '@switchhook/testkit';
import { note } from '../src/destination.ts';

const answers = { well: 200, refusing: 400, down: 503, hanging: 'hang', 'cut-off': cutOffResponse } as const;
const callEnded = JSON.parse(readFileSync(new URL('./fixtures/call-ended.json', import.meta.url), 'utf8'));

/** The destination, and a server in the place of the API. */
async function setup() {
  const api = await receiver();
  const services = fakeServices();
  const options = {
    url: api.url,
    token: 'only-for-tests',
    text: 'Call ${{ default(event.data.call.call_id, event.subject) }} ended',
  };
  const close = async () => {
    await services.close();
    await api.close();
  };
  return { api, options, destination: createComponent('destination', note, options, services), close };
}

destinationSuite('{{word}}.note', async () => {
  const { api, destination, close } = await setup();
  return {
    destination,
    secrets: ['only-for-tests'],
    arrived: () => api.requests.map((request) => String(Object(request.json()).id)),
    behave: (how) => api.answer(() => answers[how]),
    close,
  };
}, ['erase', 'emits']);

describe('{{word}}.note', () => {
  it('writes the text with its values, and the id of the delivery', async () => {
    const { api, destination, close } = await setup();
    const delivery = aDelivery({ event: anEvent({ data: callEnded }) });
    deepStrictEqual(await destination.deliver(delivery, new AbortController().signal), { kind: 'delivered' });
    const sent = { id: delivery.id, text: 'Call call_7f3b2a91c4d8e6f05a1b2c3d4e5 ended' };
    deepStrictEqual(
      api.requests.map((request) => request.json()),
      [sent],
    );
    deepStrictEqual(destination.preview?.(delivery), { method: 'POST', url: `${api.url}/notes`, body: sent });
    await close();
  });
});
