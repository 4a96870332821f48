/** `hubspot.lookup`: the contact of a caller. */
import { Clock, defineResolver, HttpClient, isKnownCaller, LimitedLookUps, z } from '@switchhook/sdk';
import { accountOptions, apiOf } from './api.js';
import { findByPhone, probe } from './contacts.js';

const options = z.strictObject({
  ...accountOptions,
  properties: z
    .array(z.string().regex(/^\w+$/, 'expected the internal name of a property'))
    .min(1)
    .default([
      'firstname',
      'lastname',
      'email',
      'phone',
      'mobilephone',
      'company',
      'jobtitle',
      'city',
      'state',
      'country',
      'lifecyclestage',
      'hs_lead_status',
      'hubspot_owner_id',
    ])
    .meta({ description: 'Properties of the contact that become facts, by their internal names.' }),
});

export const lookup = defineResolver({
  type: 'hubspot.lookup',
  description: "Looks up a caller's contact in HubSpot by phone number.",
  options,
  inject: { http: HttpClient, clock: Clock },
  create: ({ properties, phoneProperties, ...account }, services) => {
    const api = apiOf(account, services);
    const limited = new LimitedLookUps(services.clock);
    return {
      resolve: async (call, _known, signal) => {
        if (!isKnownCaller(call)) return {};
        const contact = await limited.run(() => findByPhone(api, call.from, { phoneProperties, properties }, signal));
        if (contact === null) return {};
        const known = properties.map((name) => [name, contact.properties[name] ?? null] as const);
        return { id: contact.id, ...Object.fromEntries(known.filter(([, value]) => value !== null && value !== '')) };
      },
      probe: (signal) => probe(api, phoneProperties, signal),
    };
  },
});
