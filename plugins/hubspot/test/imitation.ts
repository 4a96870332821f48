/** A local imitation of HubSpot's API: contacts, notes and calls of one account, and searches that show new contacts later. */
import type { JsonObject } from '@switchhook/sdk';
import { type Behaviour, type ReceivedRequest, receiver } from '@switchhook/testkit';

export const token = 'pat-na1-secret-token';

type Properties = Record<string, string>;

export interface FarContact {
  readonly id: string;
  readonly properties: Properties;
  /** Whether searches show it. */
  isIndexed: boolean;
}

export interface FarActivity {
  readonly id: string;
  readonly kind: string;
  readonly contactId: string;
  readonly properties: Properties;
}

/** `noteToContact` and `callToContact`. */
const associationTypes: Readonly<Record<string, number>> = { notes: 202, calls: 194 };

export async function hubSpot() {
  const contacts: FarContact[] = [];
  const activities: FarActivity[] = [];
  let instead: Behaviour | null = null;
  let isIndexing = true;
  /** After how many more requests the connection is cut, once the request has had its effect. */
  let cutAfter = Number.POSITIVE_INFINITY;
  let pageSize = 500;

  const json = (body: JsonObject, status = 200, headers: Readonly<Record<string, string>> = {}) => ({
    status,
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
  const refusal = (status: number, message: string, category = 'VALIDATION_ERROR') =>
    json({ status: 'error', message, category, correlationId: 'c-1' }, status);

  /** What a contact has under a name; HubSpot calculates numbers without their country (+1 here). */
  const kept = ({ properties }: FarContact, name: string): string | undefined => {
    const [, kind] = /^hs_searchable_calculated_(phone|mobile)_number$/.exec(name) ?? [];
    if (kind === undefined) return properties[name];
    return properties[kind === 'phone' ? 'phone' : 'mobilephone']?.replace(/\D/g, '').slice(-10);
  };
  const shown = (contact: FarContact, names: readonly string[]) => ({
    id: contact.id,
    properties: Object.fromEntries(names.map((name) => [name, kept(contact, name) ?? null])),
  });

  const search = ({ filterGroups, properties, limit, sorts }: ReturnType<typeof Object>) => {
    if (filterGroups.length > 5) return refusal(400, 'There are too many filterGroups');
    const found = contacts.filter((contact) =>
      filterGroups.some(({ filters }: ReturnType<typeof Object>) =>
        filters.every(({ propertyName, operator, values }: ReturnType<typeof Object>) => {
          return operator === 'IN' && contact.isIndexed && values.includes(kept(contact, propertyName));
        }),
      ),
    );
    // `contacts` is in the order of creation.
    if (sorts[0].propertyName !== 'createdate' || sorts[0].direction !== 'ASCENDING') found.reverse();
    return json({ total: found.length, results: found.slice(0, limit).map((each) => shown(each, properties)) });
  };

  const create = (properties: Properties) => {
    if (!properties.email && !properties.firstname && !properties.lastname)
      return refusal(400, 'Property values were not valid: email, firstname or lastname is required');
    if (properties.email && contacts.some((each) => each.properties.email === properties.email))
      return refusal(409, 'Contact already exists. Existing ID: 1', 'CONFLICT');
    const contact: FarContact = { id: String(contacts.length + 101), properties, isIndexed: isIndexing };
    contacts.push(contact);
    return json(shown(contact, Object.keys(properties)), 201);
  };

  const log = (kind: string, { properties, associations }: ReturnType<typeof Object>) => {
    const [{ to, types }] = associations;
    const [{ associationCategory, associationTypeId }] = types;
    if (associationCategory !== 'HUBSPOT_DEFINED' || associationTypeId !== associationTypes[kind])
      return refusal(400, `${associationTypeId} is no association type of ${kind}`);
    if (!contacts.some(({ id }) => id === to.id)) return refusal(404, `No contact with id ${to.id}`);
    // HubSpot keeps texts as HTML.
    const html: Properties = Object.fromEntries(
      Object.entries<string>(properties).map(([name, value]) => [
        name,
        /_body$/.test(name) ? `<p>${value}</p>` : value,
      ]),
    );
    const activity = { id: String(activities.length + 901), kind, contactId: to.id, properties: html };
    activities.push(activity);
    return json({ id: activity.id, properties: html }, 201);
  };

  const effectOf = (request: ReceivedRequest) => {
    const { pathname, searchParams } = new URL(request.path, 'http://x');
    const call = `${request.method} ${pathname}`;
    const body = Object(request.text() === '' ? {} : request.json());
    if (request.headers.authorization !== `Bearer ${token}`)
      return refusal(401, 'Authentication credentials not found.', 'INVALID_AUTHENTICATION');
    if (call === 'POST /crm/v3/objects/contacts/search') return search(body);
    if (call === 'POST /crm/v3/objects/contacts') return create(body.properties);
    const [, wanted] = /^\/crm\/v3\/objects\/contacts\/([^/]+)$/.exec(pathname) ?? [];
    if (wanted !== undefined) {
      const by = searchParams.get('idProperty') ?? 'id';
      const value = decodeURIComponent(wanted);
      const contact = contacts.find((each) => (by === 'id' ? each.id : each.properties[by]) === value);
      if (contact === undefined) return refusal(404, 'resource not found', 'OBJECT_NOT_FOUND');
      if (request.method === 'PATCH') Object.assign(contact.properties, body.properties);
      return json(shown(contact, searchParams.get('properties')?.split(',') ?? Object.keys(contact.properties)));
    }
    const [, kind] = /^POST \/crm\/v3\/objects\/(notes|calls)$/.exec(call) ?? [];
    if (kind !== undefined) return log(kind, body);
    const [, read] = /^POST \/crm\/v3\/objects\/(notes|calls)\/batch\/read$/.exec(call) ?? [];
    if (read !== undefined) {
      if (body.inputs.length > 100) return refusal(400, 'The maximum of inputs is 100');
      const ids = body.inputs.map(({ id }: { readonly id: string }) => id);
      return json({
        results: activities.filter((each) => each.kind === read && ids.includes(each.id)).map((each) => ({ ...each })),
      });
    }
    const [, contactId, of] = /^GET \/crm\/v4\/objects\/contacts\/(\w+)\/associations\/(\w+)$/.exec(call) ?? [];
    if (contactId !== undefined) {
      const start = Number(searchParams.get('after') ?? 0);
      const own = activities.filter((each) => each.contactId === contactId && each.kind === of);
      const end = start + Math.min(pageSize, Number(searchParams.get('limit')));
      return json({
        results: own.slice(start, end).map(({ id }) => ({ toObjectId: Number(id), associationTypes: [] })),
        ...(end < own.length && { paging: { next: { after: String(end) } } }),
      });
    }
    return refusal(404, `Cannot ${call}`);
  };

  const far = await receiver((request, index) => {
    if (instead !== null) return instead(request, index);
    const reply = effectOf(request);
    cutAfter -= 1;
    return cutAfter < 0 ? 'reset' : reply;
  });
  return {
    far,
    contacts,
    activities,
    /** A contact that is there already. */
    add: (properties: Properties): FarContact => {
      const contact = { id: String(contacts.length + 101), properties, isIndexed: true };
      contacts.push(contact);
      return contact;
    },
    /** Answers in another way; null = as it should. */
    answers: (behaviour: Behaviour | null) => {
      instead = behaviour;
    },
    cutAfter: (requests: number) => {
      cutAfter = requests;
    },
    /** Whether searches show contacts as soon as they are created. */
    indexes: (isImmediate: boolean) => {
      isIndexing = isImmediate;
    },
    /** Associations in one reply. */
    pages: (size: number) => {
      pageSize = size;
    },
    json,
  };
}
