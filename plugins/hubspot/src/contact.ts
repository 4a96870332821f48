/** `hubspot.contact`: creates or updates the contact of a phone number or an e-mail address, with a note. */
import { type Delivery, type Destination, defineDestination, scopes, text, z } from '@switchhook/sdk';
import { asHtml, bodyOf, logOnce } from './activities.js';
import { contactDestination, limits, services } from './contact-destination.js';
import { checkPerson, Filling, personOptions, propertiesOption } from './person.js';

const options = z
  .strictObject({
    ...personOptions,
    properties: propertiesOption(
      'Properties of the contact by their internal names: `firstname`, `company`, `hs_lead_status`, … An empty one is not sent.',
    ),
    note: text(
      'Text of a note for the contact. Default, and where it is empty: none.',
      scopes.destination,
      asHtml,
    ).optional(),
    once: text('Events for which it comes to the same text are handled once, within 30 days.').prefault(
      '${{ event.id }}',
    ),
  })
  .superRefine((row, ctx) => checkPerson(row, [...Object.keys(row.initial), ...Object.keys(row.properties)], ctx));

type Row = z.output<typeof options>;

export const contact = defineDestination({
  type: 'hubspot.contact',
  description: 'Creates or updates a contact of HubSpot by phone number or e-mail address, with a note.',
  options,
  limits,
  inject: services,
  create: (row, injected): Destination =>
    contactDestination(
      row,
      injected,
      (delivery, country) => planOf(row, delivery, country),
      async ({ person, note, ...wishes }, { api, contacts, step, owner, signal }) => {
        const contactId = await contacts.upsert(person, { ...wishes, create: true }, owner, signal);
        if (contactId !== null && note !== null)
          await logOnce(api, { kind: 'notes', contactId, properties: note }, step, signal);
        return { kind: 'delivered', response: `contact ${contactId}` };
      },
    ),
});

/** What an event asks for, filled in. Throws an `OutcomeError` where the event does not say whose contact it is. */
function planOf(row: Row, delivery: Delivery, country: string | null) {
  const filling = new Filling(row, delivery, country);
  const note = bodyOf(filling.text(row.note));
  return {
    once: filling.once(row.once),
    person: filling.person(),
    properties: filling.properties(row.properties),
    initial: filling.properties(row.initial),
    note: note === '' ? null : { hs_timestamp: delivery.event.occurredAt, hs_note_body: note },
  };
}
