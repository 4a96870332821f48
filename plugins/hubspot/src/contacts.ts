/** Contacts of HubSpot: found by e-mail address or phone number, created once. */
import {
  type Clock,
  fingerprint,
  isOutcomeError,
  type JsonApi,
  type JsonObject,
  OutcomeError,
  phoneKeys,
  type State,
  writtenForms,
} from '@switchhook/sdk';
import { type Account, isObject, listIn } from './api.js';

/** Whose contact it is. One of both is known. */
export interface Person {
  readonly phone: string | null;
  readonly email: string | null;
}

/** What becomes of the contact of a person. */
export interface Wishes {
  readonly properties: Readonly<Record<string, string>>;
  /** Only of a contact that is created. */
  readonly initial: Readonly<Record<string, string>>;
  /** Whether to create it where there is none. */
  readonly create: boolean;
}

interface Contact {
  readonly id: string;
  readonly properties: JsonObject;
}

/** What is kept of a contact that was created, or is being created. */
interface Entry {
  /** Null: it is being created, or its creation failed. */
  readonly id: string | null;
  /** The delivery that creates it. Until `untilMs` no other one does. */
  readonly owner: string;
  readonly untilMs: number;
  /** When its creation began, if it is not known whether it was created. */
  readonly unsureSinceMs: number | null;
}

/** For how long a new contact may be missing in searches: an assumption, HubSpot calls it a few moments. */
const indexMs = 60_000;
const retryMs = 10_000;
/** For how long another delivery waits for one that is in progress: longer than an attempt by default. */
export const holdMs = 60_000;
/** For how long a new contact is found without a search. */
const keepMs = 3_600_000;

const contactsPath = '/crm/v3/objects/contacts';

export interface ContactsSettings {
  readonly api: JsonApi;
  readonly account: Account;
  readonly phoneProperties: readonly string[];
  readonly state: State;
  readonly clock: Clock;
}

export class Contacts {
  readonly #settings: ContactsSettings;

  constructor(settings: ContactsSettings) {
    this.#settings = settings;
  }

  /**
   * The id of the contact, updated or created; null where there is none and none is to be created. `owner` is the id of the delivery. A
   * contact that was created and is not in the searches yet is not created again, by any row or router.
   */
  async upsert(person: Person, wishes: Wishes, owner: string, signal: AbortSignal): Promise<string | null> {
    const { account, state } = this.#settings;
    const key = `contact:${fingerprint(JSON.stringify([account.baseUrl, account.token, person.phone ?? person.email]))}`;
    const kept = await state.get(key);
    const entry = kept === null ? null : (kept.value as unknown as Entry);
    const contact = await this.#find(person, entry?.id ?? null, signal);
    if (contact === null && !wishes.create) return null;
    if (contact === null)
      return this.#create({ key, entry, version: kept?.version ?? null }, person, wishes, owner, signal);
    const { id, properties } = contact;
    const isNewNumber = person.phone !== null && !properties.phone && !properties.mobilephone;
    await this.#update(contact, person, { ...(isNewNumber && { phone: person.phone }), ...wishes.properties }, signal);
    // Now a delivery that knows the number only finds it, too.
    if (isNewNumber) await this.#keep(key, { id, owner, untilMs: 0, unsureSinceMs: null });
    return id;
  }

  #keep(key: string, entry: Entry, ifVersion?: string | null): Promise<boolean> {
    const options = { expiresInMs: keepMs, ...(ifVersion !== undefined && { ifVersion }) };
    return this.#settings.state.set(key, { ...entry }, options);
  }

  /** An address is looked up at once; a number is searched, and new contacts are missing there for some moments. */
  async #find({ phone, email }: Person, knownId: string | null, signal: AbortSignal): Promise<Contact | null> {
    const { api, phoneProperties } = this.#settings;
    const get = async (id: string, by: Readonly<Record<string, string>>) => {
      const query = { ...by, properties: 'email,phone,mobilephone' };
      const path = `${contactsPath}/${encodeURIComponent(id)}`;
      const { status, body } = await api.request({ method: 'GET', path, query, signal, allow: [404], whole: true });
      return status === 404 ? null : contactIn(body);
    };
    return (
      (email === null ? null : await get(email, { idProperty: 'email' })) ??
      (knownId === null ? null : await get(knownId, {})) ??
      (phone === null ? null : await findByPhone(api, phone, { phoneProperties, properties: ['email'] }, signal))
    );
  }

  /** Neither an address nor a number that the contact has is replaced: they may be of another person who uses the same phone. */
  async #update(contact: Contact, { email }: Person, changes: Wishes['properties'], signal: AbortSignal) {
    const properties = { ...(email !== null && !contact.properties.email && { email }), ...changes };
    if (Object.keys(properties).length === 0) return;
    const path = `${contactsPath}/${encodeURIComponent(contact.id)}`;
    await this.#settings.api.request({ method: 'PATCH', path, body: { properties }, signal });
  }

  async #create(
    { key, entry, version }: { readonly key: string; readonly entry: Entry | null; readonly version: string | null },
    { phone, email }: Person,
    { properties, initial }: Wishes,
    owner: string,
    signal: AbortSignal,
  ): Promise<string> {
    const { api, clock } = this.#settings;
    const nowMs = clock.now();
    if (entry !== null && entry.id === null && entry.owner !== owner && entry.untilMs > nowMs) throw busy();
    const sinceMs = entry?.unsureSinceMs ?? null;
    // With an address it would have been found.
    if (sinceMs !== null && email === null && nowMs < sinceMs + indexMs)
      throw new OutcomeError({
        kind: 'unavailable',
        reason: 'an earlier attempt may have created the contact, which is not in the searches of HubSpot yet',
        retryAfterMs: retryMs,
      });
    const keep = (changes: Partial<Entry>, ifVersion?: string | null) =>
      this.#keep(key, { id: null, owner, untilMs: nowMs + holdMs, unsureSinceMs: nowMs, ...changes }, ifVersion);
    if (!(await keep({}, version))) throw busy();
    const given = { ...(phone !== null && { phone }), ...(email !== null && { email }), ...initial, ...properties };
    try {
      const { body } = await api.request({ method: 'POST', path: contactsPath, body: { properties: given }, signal });
      const { id } = body;
      if (typeof id !== 'string')
        throw new OutcomeError(
          { kind: 'unavailable', reason: `POST ${contactsPath}: the reply has no id of a contact` },
          { isUnsure: true },
        );
      await keep({ id, unsureSinceMs: null });
      return id;
    } catch (error) {
      const isRefused = isOutcomeError(error) && !error.isUnsure;
      await keep({ untilMs: 0, ...(isRefused && { unsureSinceMs: null }) });
      throw error;
    }
  }
}

function busy(): OutcomeError {
  const reason = 'another delivery creates the contact of the same person';
  return new OutcomeError({ kind: 'unavailable', reason, retryAfterMs: 1_000 });
}

/** Beyond the first ones, a number is searched in vain: they are numbers of other countries that only end alike. */
const mostFound = 20;

/** The oldest contact with a phone number, with some of its properties; null where there is none. */
export async function findByPhone(
  api: JsonApi,
  phone: string,
  {
    phoneProperties,
    properties,
  }: { readonly phoneProperties: readonly string[]; readonly properties: readonly string[] },
  signal: AbortSignal,
): Promise<Contact | null> {
  const { country, texts } = writtenForms(phone);
  const body = {
    filterGroups: phoneProperties.map((propertyName) => ({
      filters: [{ propertyName, operator: 'IN', values: texts }],
    })),
    properties: [...new Set([...phoneProperties, 'phone', 'mobilephone', ...properties])],
    sorts: [{ propertyName: 'createdate', direction: 'ASCENDING' }],
    limit: mostFound,
  };
  const path = `${contactsPath}/search`;
  const { body: found } = await api.request({ method: 'POST', path, body, signal, whole: true });
  // What HubSpot calculates for searches lacks the country: what was typed decides.
  const typed = [...new Set([...phoneProperties, 'phone', 'mobilephone'])].filter((name) => !calculated.test(name));
  const keyOf = phoneKeys(country);
  const isOfPhone = ({ properties: own }: Contact) =>
    typed.some((name) => typeof own[name] === 'string' && keyOf(own[name]) === keyOf(phone));
  return (
    listIn(found.results)
      .map(contactIn)
      .find((contact) => contact !== null && isOfPhone(contact)) ?? null
  );
}

const calculated = /^hs_searchable_calculated_/;

function contactIn({ id, properties }: JsonObject): Contact | null {
  return typeof id === 'string' && isObject(properties) ? { id, properties } : null;
}

/** Shows that the token works and may read contacts, by a search that changes nothing. */
export async function probe(api: JsonApi, phoneProperties: readonly string[], signal: AbortSignal): Promise<void> {
  await findByPhone(api, '+12025550100', { phoneProperties, properties: [] }, signal);
}
