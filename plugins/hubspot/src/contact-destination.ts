/** What the destinations share: a plan from the event, done once for its key, beginning with the contact. */
import {
  Clock,
  ComponentInfo,
  type Delivery,
  type Destination,
  HttpClient,
  type Injected,
  type JsonApi,
  type JsonObject,
  Ledger,
  type Outcome,
  outcomeOfFailure,
  State,
  type Step,
} from '@switchhook/sdk';
import { type Account, apiOf } from './api.js';
import { Contacts, holdMs, type Person, probe } from './contacts.js';

/** Services of a destination. */
export const services = { http: HttpClient, clock: Clock, state: State, info: ComponentInfo };

/** HubSpot's own client makes a search every 550 ms at most, for all that use one account; a delivery makes one. */
export const limits = { rateLimit: '1/s', concurrency: 4, timeout: '30s' };

interface Plan {
  readonly once: string;
  readonly person: Person;
}

/** What a delivery is done with. */
export interface Work {
  readonly api: JsonApi;
  readonly contacts: Contacts;
  readonly step: Step;
  /** Id of the delivery. */
  readonly owner: string;
  readonly signal: AbortSignal;
}

/** `planOf` fills in the options, and throws an `OutcomeError` where the event lacks what is needed. */
export function contactDestination<P extends Plan & Readonly<Record<string, unknown>>>(
  row: Account & { readonly phoneProperties: readonly string[] },
  { state, clock, http, info }: Injected<typeof services>,
  planOf: (delivery: Delivery, country: string | null) => P,
  perform: (plan: P, work: Work) => Promise<Outcome>,
): Destination {
  const api = apiOf(row, { http, clock });
  const contacts = new Contacts({ api, account: row, phoneProperties: row.phoneProperties, state, clock });
  const ledger = new Ledger(state, clock);
  return {
    deliver: async (delivery, signal) => {
      try {
        const owner = delivery.id;
        const plan = planOf(delivery, info.country);
        const key = JSON.stringify([info.name, plan.once]);
        return await ledger.once(key, { owner, holdMs }, (step) =>
          perform(plan, { api, contacts, step, owner, signal }),
        );
      } catch (error) {
        return outcomeOfFailure(error);
      }
    },
    preview: (delivery) => {
      const { person, ...plan } = planOf(delivery, info.country);
      const shown = Object.entries({ ...person, ...plan }).filter(([, value]) => value !== null);
      // Plans are JSON.
      return Object.fromEntries(shown) as JsonObject;
    },
    probe: (signal) => probe(api, row.phoneProperties, signal),
  };
}
