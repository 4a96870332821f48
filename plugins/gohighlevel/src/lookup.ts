/** `gohighlevel.lookup`: the contact of a caller. */
import { Clock, defineResolver, HttpClient, isKnownCaller, type JsonObject, LimitedLookUps, z } from '@switchhook/sdk';
import { accountOptions, apiOf, findContact, isObject, probe } from './api.js';

const options = z.strictObject({
  ...accountOptions,
  customFields: z
    .record(z.string(), z.string().min(1))
    .default({})
    .meta({ description: 'Map of names of facts to the ids of custom fields: `tier: MgobCB14YMVKuE4Ka8p1`.' }),
});

/** Fields of a contact that become facts under the same name. */
const fields = [
  'id',
  'name',
  'firstName',
  'lastName',
  'email',
  'phone',
  'companyName',
  'type',
  'source',
  'assignedTo',
  'city',
  'state',
  'country',
  'timezone',
  'dnd',
] as const;

export const lookup = defineResolver({
  type: 'gohighlevel.lookup',
  description: "Looks up a caller's contact in a sub-account of GoHighLevel by phone number.",
  options,
  inject: { http: HttpClient, clock: Clock },
  create: ({ locationId, customFields, ...account }, services) => {
    const api = apiOf(account, services);
    const limited = new LimitedLookUps(services.clock);
    return {
      resolve: async (call, _known, signal) => {
        if (!isKnownCaller(call)) return {};
        const contact = await limited.run(() => findContact(api, locationId, call.from, signal));
        return contact === null ? {} : factsOf(contact, customFields);
      },
      probe: (signal) => probe(api, locationId, signal),
    };
  },
});

function factsOf(contact: JsonObject, customFields: Readonly<Record<string, string>>): JsonObject {
  const { tags, customFields: custom } = contact;
  const own = Object.fromEntries(
    fields.flatMap((name) => (contact[name] === undefined || contact[name] === null ? [] : [[name, contact[name]]])),
  );
  const values = (Array.isArray(custom) ? custom : []).filter(isObject);
  const named = Object.entries(customFields).flatMap(([name, id]) => {
    const value = values.find((field) => field.id === id)?.value ?? null;
    return value === null ? [] : [[name, value] as const];
  });
  return { ...own, tags: Array.isArray(tags) ? tags : [], ...Object.fromEntries(named) };
}
