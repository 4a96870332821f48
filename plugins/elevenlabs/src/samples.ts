/** Bodies to try the sources with: the documented envelopes, with fields of `metadata` as the types of @elevenlabs/elevenlabs-js 2.73.0 have them. */
import type { JsonObject } from '@switchhook/sdk';

const ids = { agent_id: 'agent_sales', conversation_id: 'conv_01jxk4m2p7r9s3t5v8w0y1z2a3' };
const numbers = { agent_number: '+12345678913', external_number: '+12345678912' };
const transcription = {
  ...ids,
  status: 'done',
  user_id: null,
  transcript: [
    { role: 'agent', message: 'Hello Jim, how can I help?', time_in_call_secs: 0 },
    { role: 'user', message: 'I would like to move my appointment to Friday.', time_in_call_secs: 4 },
  ],
  metadata: {
    start_time_unix_secs: 1_767_225_600,
    call_duration_secs: 73,
    phone_call: { type: 'twilio', direction: 'inbound', ...numbers },
  },
  analysis: { call_successful: 'success', transcript_summary: 'Jim moves his appointment to Friday.' },
  conversation_initiation_client_data: { dynamic_variables: { first_name: 'Jim' } },
};

/** Of `elevenlabs.events`. */
export const eventSamples: Readonly<Record<string, JsonObject>> = {
  post_call_transcription: { type: 'post_call_transcription', event_timestamp: 1_767_225_680, data: transcription },
  post_call_audio: { type: 'post_call_audio', event_timestamp: 1_767_225_681, data: ids },
  call_initiation_failure: { type: 'call_initiation_failure', event_timestamp: 1_767_225_600, data: ids },
};

/** Of `elevenlabs.call`. */
export const callSamples: Readonly<Record<string, JsonObject>> = {
  inbound_call: {
    caller_id: '+12345678912',
    agent_id: 'agent_sales',
    called_number: '+12345678913',
    call_sid: 'CA7f3b2a91c4d8e6f05a1b2c3d4e5f6071',
  },
};
