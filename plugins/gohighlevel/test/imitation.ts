/** A local imitation of GoHighLevel's API: contacts, tags, notes, opportunities and workflows of one sub-account. */
import type { JsonObject } from '@switchhook/sdk';
import { type Behaviour, type ReceivedRequest, receiver } from '@switchhook/testkit';

export const token = 'pit-secret-token';
export const locationId = 'loc_1';

export interface FarContact {
  readonly id: string;
  phone: string;
  readonly fields: JsonObject;
  readonly tags: Set<string>;
  readonly notes: string[];
  readonly workflows: Set<string>;
}

export async function goHighLevel(account = { token, locationId }) {
  const contacts: FarContact[] = [];
  const opportunities: (JsonObject & { readonly id: string })[] = [];
  let instead: Behaviour | null = null;
  /** After how many more requests the connection is cut, once the request has had its effect. */
  let cutAfter = Number.POSITIVE_INFINITY;

  const json = (body: JsonObject, status = 200) => ({
    status,
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });

  const effectOf = (request: ReceivedRequest) => {
    const { pathname, searchParams } = new URL(request.path, 'http://x');
    const call = `${request.method} ${pathname}`;
    const body = Object(request.text() === '' ? {} : request.json());
    if (request.headers.authorization !== `Bearer ${account.token}`)
      return json({ message: 'Invalid Private Integration token' }, 401);
    if (request.headers.version === undefined) return json({ message: 'version header was not found.' }, 400);
    if ((body.locationId ?? searchParams.get('locationId') ?? account.locationId) !== account.locationId)
      return json({ message: 'The token does not have access to this location.' }, 403);
    if (call === 'GET /contacts/search/duplicate') {
      const contact = contacts.find(({ phone }) => phone === searchParams.get('number'));
      return json({
        contact:
          contact === undefined
            ? null
            : { id: contact.id, phone: contact.phone, ...contact.fields, tags: [...contact.tags] },
      });
    }
    if (call === 'POST /contacts/upsert') {
      const { phone, locationId: _, ...fields } = body;
      if (!/^\+/.test(phone)) return json({ message: ['phone must be a valid phone number'] }, 422);
      const known = contacts.find((each) => each.phone === phone);
      const contact = known ?? {
        id: `c${contacts.length + 1}`,
        phone,
        fields: {},
        tags: new Set(),
        notes: [],
        workflows: new Set(['nurture']),
      };
      if (known === undefined) contacts.push(contact);
      Object.assign(contact.fields, fields);
      return json({ new: known === undefined, contact: { id: contact.id, phone } }, known === undefined ? 201 : 200);
    }
    const [, id, what, workflow] = /^\/contacts\/(\w+)\/(\w+)(?:\/([\w-]+))?$/.exec(pathname) ?? [];
    const contact = contacts.find((each) => each.id === id);
    if (contact !== undefined && what === 'tags') {
      for (const tag of body.tags) request.method === 'POST' ? contact.tags.add(tag) : contact.tags.delete(tag);
      return json({ tags: [...contact.tags] });
    }
    if (contact !== undefined && what === 'notes') {
      if (request.method === 'POST') contact.notes.push(body.body);
      return json({ notes: contact.notes.map((text, index) => ({ id: String(index), body: text })) });
    }
    if (contact !== undefined && what === 'workflow') {
      if (request.method === 'POST') contact.workflows.add(String(workflow));
      else if (!contact.workflows.delete(String(workflow)))
        return json({ message: 'Contact is not in the workflow' }, 404);
      return json({ succeded: true });
    }
    if (call === 'GET /opportunities/search')
      return json({
        opportunities: opportunities.filter(
          (each) =>
            each.contactId === searchParams.get('contact_id') && each.pipelineId === searchParams.get('pipeline_id'),
        ),
      });
    if (call === 'POST /opportunities/') {
      opportunities.push({ id: `o${opportunities.length + 1}`, ...body });
      return json({ opportunity: {} }, 201);
    }
    const opportunity = opportunities.find((each) => call === `PUT /opportunities/${each.id}`);
    if (opportunity !== undefined) {
      Object.assign(opportunity, body);
      return json({ opportunity });
    }
    return json({ message: `Cannot ${call}` }, 404);
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
    opportunities,
    /** Answers in another way; null = as it should. */
    answers: (behaviour: Behaviour | null) => {
      instead = behaviour;
    },
    cutAfter: (requests: number) => {
      cutAfter = requests;
    },
    json,
  };
}
