/** The person of an event: options and values that `hubspot.contact` and `hubspot.call` share. */
import {
  type Delivery,
  deliveryScope,
  isPhoneNumber,
  type JsonValue,
  phoneNormalizer,
  problem,
  rejected,
  type Scope,
  type Template,
  type TextTemplate,
  template,
  text,
  z,
} from '@switchhook/sdk';
import { accountOptions, propertiesOf } from './api.js';
import type { Person } from './contacts.js';

const propertyName = z.string().regex(/^\w+$/, 'expected the internal name of a property');

/** RFC 5321: 256 characters with the brackets around it. What looks for an address in a long text would also take long. */
const longestEmail = 254;

/** Properties by their names, as an option. */
export function propertiesOption(description: string) {
  return z.record(propertyName, template('Value of the property.')).default({}).meta({ description });
}

export const personOptions = {
  ...accountOptions,
  phone: text('Phone number of the contact, with `${{ }}`.').optional(),
  email: text('E-mail address of the contact. By it a contact is found before its phone number.').optional(),
  initial: propertiesOption(
    'Properties that only a new contact gets, by their internal names, such as `lifecyclestage: lead`. HubSpot creates no contact without an `email`, a `firstname` or a `lastname`.',
  ),
};

interface PersonRow {
  readonly phone?: TextTemplate | undefined;
  readonly email?: TextTemplate | undefined;
  readonly initial: Readonly<Record<string, Template>>;
  readonly properties: Readonly<Record<string, Template>>;
}

/** Reports a row by which no contact can be found, or, where `names` are all of a new contact's properties, none created. */
export function checkPerson({ phone, email }: PersonRow, names: readonly string[] | null, ctx: z.RefinementCtx): void {
  if (phone === undefined && email === undefined)
    ctx.addIssue({ ...problem('expected `phone`, `email` or both: by them a contact is found'), path: [] });
  else if (email === undefined && names !== null && !names.some((name) => /^(email|firstname|lastname)$/.test(name)))
    ctx.addIssue({
      ...problem(
        'HubSpot creates no contact without an email, a firstname or a lastname: add a `firstname` for new contacts here',
      ),
      path: ['initial'],
    });
}

/** Fills in the options of one row for one delivery. */
export class Filling {
  readonly #row: PersonRow;
  readonly #scope: Scope;
  readonly #country: string | null;

  constructor(row: PersonRow, delivery: Delivery, country: string | null) {
    this.#row = row;
    this.#scope = deliveryScope(delivery);
    this.#country = country;
  }

  text(option: TextTemplate | undefined): string {
    return option?.render(this.#scope).trim() ?? '';
  }

  value(option: Template | undefined): JsonValue {
    return option?.render(this.#scope) ?? null;
  }

  properties(map: PersonRow['properties']): Readonly<Record<string, string>> {
    return propertiesOf(Object.fromEntries(Object.entries(map).map(([name, value]) => [name, this.value(value)])));
  }

  /** Throws an `OutcomeError` where it is empty: then all events would count as one. */
  once(option: TextTemplate): string {
    const once = this.text(option);
    if (once === '') throw rejected('once: it is empty once it is filled in');
    return once;
  }

  /** What is no phone number or e-mail address counts as none. Throws an `OutcomeError` where there is neither. */
  person(): Person {
    const phone = phoneNormalizer(this.#country)(this.text(this.#row.phone));
    const email = this.text(this.#row.email).toLowerCase();
    const person = {
      phone: isPhoneNumber(phone) ? phone : null,
      email: email.length <= longestEmail && /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email) ? email : null,
    };
    if (person.phone !== null || person.email !== null) return person;
    const options = [this.#row.phone && 'phone', this.#row.email && 'email'].filter((name) => name !== undefined);
    throw rejected(`${options.join(', ')}: the event has no phone number or e-mail address there`);
  }
}
