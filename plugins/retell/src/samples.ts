/** Bodies to try the sources with: the documented envelopes, with fields of a call and a chat as the types of retell-sdk 5.66.1 have them. */
import type { JsonObject } from '@switchhook/sdk';

const call = {
  call_id: 'call_7f3b2a91c4d8e6f05a1b2c3d4e5',
  agent_id: 'agent_sales',
  agent_version: 1,
  call_type: 'phone_call',
  direction: 'inbound',
  from_number: '+12345678912',
  to_number: '+12345678913',
  start_timestamp: 1_767_225_600_000,
};
const ongoing = { ...call, call_status: 'ongoing' };
const ended = {
  ...call,
  call_status: 'ended',
  end_timestamp: 1_767_225_673_000,
  duration_ms: 73_000,
  disconnection_reason: 'user_hangup',
  transcript: 'Agent: Hello Jim, how can I help?\nUser: I would like to move my appointment to Friday.\n',
};
const call_analysis = { call_summary: 'Jim moves his appointment to Friday.', user_sentiment: 'Positive' };
const chat = { chat_id: 'chat_98c1a2b3', agent_id: 'agent_chat', start_timestamp: 1_767_225_600_000 };

/** Of `retell.events`. */
export const eventSamples: Readonly<Record<string, JsonObject>> = {
  call_started: { event: 'call_started', call: ongoing },
  call_ended: { event: 'call_ended', call: ended },
  call_analyzed: { event: 'call_analyzed', call: { ...ended, call_analysis } },
  transcript_updated: { event: 'transcript_updated', call: { ...ongoing, transcript: 'Agent: Hello Jim.\n' } },
  chat_ended: { event: 'chat_ended', chat: { ...chat, chat_status: 'ended', end_timestamp: 1_767_225_673_000 } },
};

const numbers = { from_number: '+12345678912', to_number: '+12345678913' };

/** Of `retell.call`. */
export const callSamples: Readonly<Record<string, JsonObject>> = {
  call_inbound: { event: 'call_inbound', call_inbound: { agent_id: 'agent_sales', agent_version: 1, ...numbers } },
  chat_inbound: { event: 'chat_inbound', chat_inbound: { agent_id: 'agent_chat', agent_version: 1, ...numbers } },
};
