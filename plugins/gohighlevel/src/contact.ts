/** `gohighlevel.contact`: creates or updates the contact of a phone number, and does what follows from a call, once. */
import {
  Clock,
  ComponentInfo,
  type Delivery,
  type Destination,
  defineDestination,
  deliveryScope,
  HttpClient,
  isPhoneNumber,
  type JsonApi,
  type JsonObject,
  type JsonValue,
  Ledger,
  type Outcome,
  outcomeOfFailure,
  problem,
  rejected,
  rejectOnce,
  type Scope,
  State,
  type Step,
  template,
  text,
  z,
} from '@switchhook/sdk';
import { accountOptions, apiOf, contactIn, isObject, probe } from './api.js';

/** Keys of a contact that have an option of their own. */
const taken = ['locationId', 'phone', 'email', 'tags', 'customFields'];
/** For how long another delivery of the same call waits: longer than an attempt by default. */
const holdMs = 60_000;

const id = z.string().regex(/^[\w-]{1,64}$/, 'expected an id of letters, digits, - and _');

const options = z
  .strictObject({
    ...accountOptions,
    phone: text('Phone number of the contact, with `${{ }}`.'),
    email: text('E-mail address of the contact. Default: it is not changed.').optional(),
    fields: z.record(z.string(), template('Value of the field.')).default({}).meta({
      description:
        'Further fields of the contact by their names in the API: `firstName`, `lastName`, `companyName`, … An empty one is not sent.',
    }),
    customFields: z
      .record(id, template('Value of the field.'))
      .default({})
      .meta({ description: 'Values of custom fields by their ids. An empty one is not sent.' }),
    addTags: z.array(text('A tag.')).default([]).meta({ description: 'Tags to add.' }),
    removeTags: z.array(text('A tag.')).default([]).meta({ description: 'Tags to remove.' }),
    note: text('Text of a note for the contact. Default, and where it is empty: none.').optional(),
    opportunity: z
      .strictObject({
        pipelineId: id.meta({ description: 'Id of the pipeline.' }),
        stageId: text('Id of the stage.'),
        name: text('Name of the opportunity, when it is created.'),
        status: z.enum(['open', 'won', 'lost', 'abandoned']).default('open').meta({ description: 'Status to set.' }),
        value: template('Monetary value. Default: it is not changed.').optional(),
      })
      .optional()
      .meta({ description: "Moves the contact's opportunity of a pipeline to a stage; creates it if there is none." }),
    removeFromWorkflows: z
      .array(id)
      .default([])
      .meta({ description: 'Ids of workflows from which the contact is removed, so that they send it nothing more.' }),
    addToWorkflows: z.array(id).default([]).meta({ description: 'Ids of workflows to which the contact is added.' }),
    once: text('Events for which it comes to the same text are handled once, within 30 days.').prefault(
      '${{ event.id }}',
    ),
    whenUnsure: z.enum(['skip', 'add']).default('skip').meta({
      description:
        'What to do if the contact may have been added to a workflow already, because no reply or a 5xx came: `skip` ends the delivery as rejected; `add` adds the contact again, so that the workflow may send its messages twice.',
    }),
  })
  .superRefine(({ fields }, ctx) => {
    for (const name of Object.keys(fields).filter((key) => taken.includes(key)))
      ctx.addIssue({ ...problem(`${name} has an option of its own: leave it out here`), path: ['fields', name] });
  });

type Row = z.output<typeof options>;

export const contact = defineDestination({
  type: 'gohighlevel.contact',
  description: 'Creates or updates a contact of GoHighLevel, with tags, a note, an opportunity stage and workflows.',
  options,
  // An assumption: 100 requests in 10 s for each sub-account, of which a delivery makes one to nine. The headers of a 429 say what holds.
  limits: { rateLimit: '2/s', concurrency: 4, timeout: '30s' },
  inject: { http: HttpClient, clock: Clock, state: State, info: ComponentInfo },
  create: (row, services): Destination => {
    const api = apiOf(row, services);
    const ledger = new Ledger(services.state, services.clock);
    return {
      deliver: async (delivery, signal) => {
        try {
          const plan = planOf(row, delivery);
          const key = JSON.stringify([services.info.name, plan.once]);
          return await ledger.once(key, { owner: delivery.id, holdMs }, (step) =>
            perform({ api, plan, whenUnsure: row.whenUnsure, delivery, signal }, step),
          );
        } catch (error) {
          return outcomeOfFailure(error);
        }
      },
      preview: (delivery) => {
        const isThere = (value: unknown) => value !== null && !(Array.isArray(value) && value.length === 0);
        return Object.fromEntries(Object.entries(planOf(row, delivery)).filter(([, value]) => isThere(value)));
      },
      probe: (signal) => probe(api, row.locationId, signal),
    };
  },
});

/** What an event asks for, filled in. */
interface Plan {
  readonly once: string;
  readonly contact: JsonObject & { readonly locationId: string };
  readonly removeTags: readonly string[];
  readonly addTags: readonly string[];
  readonly note: string | null;
  readonly opportunity: ReturnType<typeof opportunityOf> | null;
  readonly removeFromWorkflows: readonly string[];
  readonly addToWorkflows: readonly string[];
}

/** Throws an `OutcomeError` where the event has no phone number or no key. */
function planOf(row: Row, delivery: Delivery): Plan {
  const scope = deliveryScope(delivery);
  const filled = (map: Row['fields']) =>
    Object.entries(map)
      .map(([name, value]) => [name, value.render(scope)] as const)
      .filter(([, value]) => value !== null && value !== '');
  const tags = (list: Row['addTags']) => list.map((tag) => tag.render(scope).trim()).filter((tag) => tag !== '');
  const textOf = (name: 'phone' | 'email' | 'note' | 'once') => row[name]?.render(scope).trim() ?? '';
  const required = (name: 'phone' | 'once', isRight: (value: string) => boolean, wrong: string) => {
    if (isRight(textOf(name))) return textOf(name);
    throw rejected(`${name}: ${wrong}`);
  };
  const email = textOf('email');
  const customFields = filled(row.customFields).map(([field, value]) => ({ id: field, field_value: value }));
  return {
    once: required('once', (value) => value !== '', 'it is empty once it is filled in'),
    contact: {
      locationId: row.locationId,
      phone: required('phone', isPhoneNumber, 'the event has no phone number there'),
      ...(email !== '' && { email }),
      ...Object.fromEntries(filled(row.fields)),
      ...(customFields.length > 0 && { customFields }),
    },
    removeTags: tags(row.removeTags),
    addTags: tags(row.addTags),
    note: textOf('note') || null,
    opportunity: row.opportunity === undefined ? null : opportunityOf(row.opportunity, scope),
    removeFromWorkflows: row.removeFromWorkflows,
    addToWorkflows: row.addToWorkflows,
  };
}

function opportunityOf({ pipelineId, stageId, name, status, value }: NonNullable<Row['opportunity']>, scope: Scope) {
  const monetaryValue = value?.render(scope) ?? null;
  return {
    pipelineId,
    pipelineStageId: stageId.render(scope).trim(),
    name: name.render(scope).trim(),
    status,
    ...(monetaryValue !== null && { monetaryValue }),
  };
}

/** One delivery. */
interface Work {
  readonly api: JsonApi;
  readonly plan: Plan;
  readonly whenUnsure: Row['whenUnsure'];
  readonly delivery: Delivery;
  readonly signal: AbortSignal;
}

/** Stops what could reach the contact meanwhile first; what is not to be done twice are steps. */
async function perform(work: Work, step: Step): Promise<Outcome> {
  const { api, plan, signal } = work;
  const { body } = await api.request({ method: 'POST', path: '/contacts/upsert', body: plan.contact, signal });
  const contactId = contactIn(body)?.id;
  if (contactId === undefined)
    return { kind: 'unavailable', reason: 'POST /contacts/upsert: the reply has no contact with an id' };
  const path = `/contacts/${encodeURIComponent(contactId)}`;
  for (const workflow of plan.removeFromWorkflows)
    await api.request({ method: 'DELETE', path: `${path}/workflow/${workflow}`, body: {}, signal, allow: [404] });
  if (plan.removeTags.length > 0)
    await api.request({ method: 'DELETE', path: `${path}/tags`, body: { tags: plan.removeTags }, signal });
  if (plan.addTags.length > 0)
    await api.request({ method: 'POST', path: `${path}/tags`, body: { tags: plan.addTags }, signal });
  if (plan.note !== null) await addNote(api, path, plan.note, step, signal);
  if (plan.opportunity !== null) await moveOpportunity(api, contactId, plan, step, signal);
  for (const workflow of plan.addToWorkflows) await addToWorkflow(work, `${path}/workflow/${workflow}`, workflow, step);
  return { kind: 'delivered', response: `contact ${contactId}` };
}

/** Where an earlier attempt may have added it, looks for it first. */
async function addNote(api: JsonApi, path: string, note: string, step: Step, signal: AbortSignal): Promise<void> {
  await step('note', async (isUnsure) => {
    if (isUnsure) {
      const { body } = await api.request({ method: 'GET', path: `${path}/notes`, signal });
      if (listIn(body.notes).some((kept) => typeof kept.body === 'string' && kept.body.trim() === note)) return null;
    }
    await api.request({ method: 'POST', path: `${path}/notes`, body: { body: note }, signal });
    return null;
  });
}

/** GoHighLevel does not say whether a contact has been added. If an operator replays the delivery, the next step adds it. */
async function addToWorkflow(work: Work, path: string, workflow: string, step: Step) {
  const { api, whenUnsure, delivery, signal } = work;
  for (let time = 1; ; time += 1) {
    const isAdded = await step(`workflow ${workflow} ${time}`, async (isUnsure) => {
      if (isUnsure && whenUnsure === 'skip') return false;
      await api.request({ method: 'POST', path, body: {}, signal });
      return true;
    });
    if (isAdded) return;
    await rejectOnce(
      step,
      delivery,
      `skipped ${workflow} ${time}`,
      `the contact may have been added to the workflow ${workflow}: not added again, because of whenUnsure`,
    );
  }
}

async function moveOpportunity(api: JsonApi, contactId: string, plan: Plan, step: Step, signal: AbortSignal) {
  const { opportunity, contact } = plan;
  if (opportunity === null) return;
  const { pipelineId, name, ...changes } = opportunity;
  const { locationId } = contact;
  await step('opportunity', async () => {
    const query = { location_id: locationId, contact_id: contactId, pipeline_id: pipelineId, limit: '1' };
    const { body } = await api.request({ method: 'GET', path: '/opportunities/search', query, signal });
    const [known] = listIn(body.opportunities);
    if (typeof known?.id === 'string') {
      const path = `/opportunities/${encodeURIComponent(known.id)}`;
      await api.request({ method: 'PUT', path, body: { pipelineId, ...changes }, signal });
    } else
      await api.request({
        method: 'POST',
        path: '/opportunities/',
        body: { pipelineId, name, ...changes, locationId, contactId },
        signal,
      });
    return null;
  });
}

function listIn(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
