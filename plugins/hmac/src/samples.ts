/** Bodies to try the source with: one in the form of each preset. */
import type { JsonObject } from '@switchhook/sdk';

/** By the name of the preset. */
export const samples: Readonly<Record<string, JsonObject>> = {
  custom: { type: 'call.ended', call_id: 'call_1', duration: 73, timestamp: '2026-02-02T13:01:55Z' },
  github: { action: 'opened', number: 1, repository: { full_name: 'octocat/hello-world' } },
  stripe: {
    id: 'evt_1',
    object: 'event',
    type: 'invoice.paid',
    created: 1_770_037_315,
    data: { object: { id: 'in_1', object: 'invoice' } },
  },
  slack: {
    type: 'event_callback',
    team_id: 'T1',
    api_app_id: 'A1',
    event_id: 'Ev1',
    event_time: 1_770_037_315,
    event: { type: 'app_mention', text: 'hello' },
  },
};
