/** Bodies to try the sources with: the documented envelopes with their documented fields. */
import type { JsonObject } from '@switchhook/sdk';

const call = {
  call_control_id: 'v3:7f3b2a91c4d8e6f05a1b2c3d4e5f',
  call_leg_id: '0194c8a1-6f2e-7d3b-9a51-2f7c08e4b6d1',
  call_session_id: '0194c8a1-6f2e-7d3b-9a51-2f7c08e4b6d0',
  connection_id: '1684641123236054244',
  client_state: null,
  from: '+12345678912',
  to: '+12345678913',
};
const conversation = {
  ...call,
  assistant_id: 'assistant-sales',
  conversation_id: '0194c8a1-7a10-7c44-8be2-5d1e9f3a2b7c',
};

const event = (event_type: string, id: string, occurred_at: string, payload: JsonObject): JsonObject => ({
  data: { record_type: 'event', event_type, id: `0194c8a1-0000-7000-8000-00000000000${id}`, occurred_at, payload },
});

/** Of `telnyx.events`. */
export const eventSamples: Readonly<Record<string, JsonObject>> = {
  'call.initiated': event('call.initiated', '1', '2026-01-01T00:00:00.000000Z', call),
  'call.conversation.ended': event('call.conversation.ended', '2', '2026-01-01T00:01:13.000000Z', {
    ...conversation,
    duration_sec: 73,
  }),
  'call.conversation_insights.generated': event(
    'call.conversation_insights.generated',
    '3',
    '2026-01-01T00:01:20.000000Z',
    conversation,
  ),
};

/** Of `telnyx.call`. */
export const callSamples: Readonly<Record<string, JsonObject>> = {
  'assistant.initialization': event('assistant.initialization', '4', '2026-01-01T00:00:00.000000Z', {
    telnyx_conversation_channel: 'phone_call',
    telnyx_agent_target: '+12345678913',
    telnyx_end_user_target: '+12345678912',
    telnyx_end_user_target_verified: false,
  }),
};
