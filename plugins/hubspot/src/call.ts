/** `hubspot.call`: logs a call on the timeline of a contact, once for a conversation. */
import {
  type Delivery,
  type Destination,
  defineDestination,
  type JsonValue,
  problem,
  rejected,
  scopes,
  sentTimeMs,
  template,
  text,
  z,
} from '@switchhook/sdk';
import { asHtml, bodyOf, logOnce } from './activities.js';
import { propertiesOf } from './api.js';
import { contactDestination, limits, services } from './contact-destination.js';
import { checkPerson, Filling, personOptions, propertiesOption } from './person.js';

const directions = ['INBOUND', 'OUTBOUND'] as const;
const statuses = [
  'BUSY',
  'CALLING_CRM_USER',
  'CANCELED',
  'COMPLETED',
  'CONNECTING',
  'FAILED',
  'IN_PROGRESS',
  'NO_ANSWER',
  'QUEUED',
  'RINGING',
] as const;

/** Properties of a call that have an option of their own. */
const taken: Readonly<Record<string, string>> = {
  hs_timestamp: 'timestamp',
  hs_call_title: 'title',
  hs_call_body: 'body',
  hs_call_direction: 'direction',
  hs_call_status: 'status',
  hs_call_duration: 'durationMs',
  hs_call_from_number: 'from',
  hs_call_to_number: 'to',
  hs_call_recording_url: 'recordingUrl',
};

const options = z
  .strictObject({
    ...personOptions,
    createContact: z.boolean().default(true).meta({
      description: 'Whether a contact is created where there is none. `false`: such a call is not logged.',
    }),
    title: text('Title of the call.').optional(),
    body: text('Text of the call: a summary, a transcript.', scopes.destination, asHtml).optional(),
    direction: text('`inbound` or `outbound`, in small or capital letters. Default: it is not logged.').optional(),
    status: text(
      `One of ${statuses.map((status) => `\`${status}\``).join(', ')}, in small or capital letters.`,
    ).prefault('COMPLETED'),
    durationMs: template('Duration in milliseconds. Default: it is not logged.').optional(),
    from: text('Number that called.').optional(),
    to: text('Number that was called.').optional(),
    recordingUrl: text('URL of the recording, with `https:`. Default, and where it is empty: none.').optional(),
    timestamp: template('When the call began: ISO 8601, or seconds or milliseconds since the epoch.').prefault(
      '${{ event.occurredAt }}',
    ),
    properties: propertiesOption(
      'Further properties of the call by their internal names: `hs_call_disposition`, `hubspot_owner_id`, … An empty one is not sent.',
    ),
    once: text('Events for which it comes to the same text are logged as one call, within 30 days.').prefault(
      '${{ default(event.subject, event.id) }}',
    ),
  })
  .superRefine((row, ctx) => {
    checkPerson(row, row.createContact ? Object.keys(row.initial) : null, ctx);
    for (const name of Object.keys(row.properties))
      if (taken[name] !== undefined)
        ctx.addIssue({
          ...problem(`${name} is the option \`${taken[name]}\`: leave it out here`),
          path: ['properties', name],
        });
  });

type Row = z.output<typeof options>;

export const call = defineDestination({
  type: 'hubspot.call',
  description: 'Logs a call on the timeline of a contact of HubSpot, once for a conversation.',
  options,
  limits,
  inject: services,
  create: (row, injected): Destination =>
    contactDestination(
      row,
      injected,
      (delivery, country) => planOf(row, delivery, country),
      async ({ person, initial, call: properties }, { api, contacts, step, owner, signal }) => {
        const wishes = { properties: {}, initial, create: row.createContact };
        const contactId = await contacts.upsert(person, wishes, owner, signal);
        if (contactId === null) return { kind: 'delivered', response: 'there is no such contact: not logged' };
        const id = await logOnce(api, { kind: 'calls', contactId, properties }, step, signal);
        return { kind: 'delivered', response: `call ${id} of contact ${contactId}` };
      },
    ),
});

/** What an event asks for, filled in. Throws an `OutcomeError` where a value is none that HubSpot takes. */
function planOf(row: Row, delivery: Delivery, country: string | null) {
  const filling = new Filling(row, delivery, country);
  const oneOf = (name: 'direction' | 'status', values: readonly string[]) => {
    const value = filling.text(row[name]).toUpperCase();
    if (value === '' || values.includes(value)) return value;
    throw rejected(`${name}: expected ${values.join(', ')}, found ${JSON.stringify(value)}`);
  };
  const recordingUrl = filling.text(row.recordingUrl);
  if (recordingUrl !== '' && !/^https:/i.test(recordingUrl))
    throw rejected('recordingUrl: HubSpot takes only URLs that begin with https:');
  const atMs = sentTimeMs(filling.value(row.timestamp));
  if (atMs === null) throw rejected('timestamp: the event has no time there');
  return {
    once: filling.once(row.once),
    person: filling.person(),
    initial: filling.properties(row.initial),
    call: propertiesOf({
      hs_timestamp: new Date(atMs).toISOString(),
      hs_call_title: filling.text(row.title),
      hs_call_body: bodyOf(filling.text(row.body)),
      hs_call_direction: oneOf('direction', directions),
      hs_call_status: oneOf('status', statuses),
      hs_call_duration: durationOf(filling.value(row.durationMs)),
      hs_call_from_number: filling.text(row.from),
      hs_call_to_number: filling.text(row.to),
      hs_call_recording_url: recordingUrl,
      ...filling.properties(row.properties),
    }),
  };
}

function durationOf(value: JsonValue): string {
  if (value === null || value === '') return '';
  const ms = Number(value);
  if (ms >= 0 && Number.isFinite(ms)) return String(Math.round(ms));
  throw rejected('durationMs: the event has no number there');
}
