/** Bodies to try the sources with: the documented envelopes with their documented fields. */
import type { JsonObject } from '@switchhook/sdk';

/** Of `synthflow.events`. */
export const eventSamples: Readonly<Record<string, JsonObject>> = {
  post_call: {
    status: 'completed',
    error_message: null,
    lead: { name: 'Jim', phone_number: '+12345678912', prompt_variables: { first_name: 'Jim' } },
    call: {
      status: 'completed',
      end_call_reason: 'human_goodbye',
      model_id: 'agent_sales',
      timezone: 'UTC',
      call_id: '1767225600x768387119913843100',
      duration: 73,
      start_time: '2026-01-01T00:00:00+00:00',
      transcript: '\nbot: Hello Jim, how can I help? \nhuman: I would like to move my appointment to Friday.',
    },
    executed_actions: {},
    analysis: {},
    collected_variables: null,
  },
};

/** Of `synthflow.call`. */
export const callSamples: Readonly<Record<string, JsonObject>> = {
  call_inbound: {
    event: 'call_inbound',
    call_inbound: { model_id: 'agent_sales', from_number: '+12345678912', to_number: '+12345678913' },
  },
};
