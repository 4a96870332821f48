/** Components of HubSpot beside its imitation, and deliveries for them. */
import plugin from '@switchhook/plugin-hubspot';
import type { Delivery, JsonObject } from '@switchhook/sdk';
import { aDelivery, anEvent, createComponent, fakeServices } from '@switchhook/testkit';
import { hubSpot, token } from './imitation.js';

const componentOf = (type: string) => plugin.components.find((each) => each.type === type);

export const patience = (): AbortSignal => new AbortController().signal;

export async function setup(type: 'hubspot.contact' | 'hubspot.call', options: JsonObject = {}) {
  const api = await hubSpot();
  const services = fakeServices();
  const account = { token, baseUrl: api.far.url };
  const person = { phone: '${{ event.data.from }}', initial: { firstname: 'Caller' } };
  /** Another row, of the same router. */
  const row = (rowType: 'hubspot.contact' | 'hubspot.call', given: JsonObject = {}, name = 'other') =>
    createComponent(
      'destination',
      componentOf(rowType),
      { ...account, ...person, ...given },
      { ...services, info: { ...services.info, name } },
    );
  return {
    ...api,
    services,
    row,
    destination: row(type, options, 'under-test'),
    resolver: (more: JsonObject = {}) =>
      createComponent('resolver', componentOf('hubspot.lookup'), { ...account, ...more }, services),
    close: async () => {
      await api.far.close();
      await services.close();
    },
  };
}

/** Ids of deliveries, each once. */
const ids = (function* () {
  for (let n = 1; ; n += 1) yield `d${n}`;
})();

export const number = '+12025550143';

/** A new delivery of a new event, unless they are given. */
export function delivery(data: JsonObject = {}, subject = 'conv_1', id: string = ids.next().value): Delivery {
  return aDelivery({ id, event: anEvent({ id: `e-${id}`, key: id, subject, data: { from: number, ...data } }) });
}
