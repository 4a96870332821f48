/** Bodies to try the source with: those of OpenAI's guide to Realtime with SIP and of the types of `openai` 7.59.0. */
import type { JsonObject } from '@switchhook/sdk';

const headers = [
  { name: 'From', value: 'sip:+142555512112@sip.example.com' },
  { name: 'To', value: 'sip:+18005551212@sip.example.com' },
  { name: 'Call-ID', value: '03782086-4ce9-44bf-8b0d-4e303d2cc590' },
];

export const callSamples: Readonly<Record<string, JsonObject>> = {
  'realtime.call.incoming': {
    object: 'event',
    id: 'evt_685343a1381c819085d44c354e1b330e',
    type: 'realtime.call.incoming',
    created_at: 1_750_287_018,
    data: { call_id: 'rtc_some_unique_id', sip_headers: headers },
  },
  'live.transport.incoming': {
    object: 'event',
    id: 'evt_685343a1381c819085d44c354e1b330f',
    type: 'live.transport.incoming',
    created_at: 1_750_287_018,
    data: { type: 'sip', session_id: 'live_some_unique_id', sip_headers: headers },
  },
};
