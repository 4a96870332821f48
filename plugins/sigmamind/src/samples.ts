/**
 * Bodies to try the sources with. That of the call is SigmaMind's own; the shape of the others is our assumption, made
 * only from names its API uses for calls and chats. What an analysis adds is not known, so nothing stands for it.
 */
import type { JsonObject } from '@switchhook/sdk';

const ids = { agentId: 'agent_sales', conversationId: 'conv_AuUK7d2Qx', callId: 'call-AuUK7d2Qx' };
const variables = { first_name: 'Jim', last_name: 'Smith' };
const conversation = { ...ids, callType: 'inbound', variables, startTime: '2026-02-02T13:00:42.000Z' };
const terminationReason = 'customer_ended_call';
const ended = { status: 'ended', endTime: '2026-02-02T13:01:55.000Z', duration: 73, terminationReason };
const recordingUrl = 'https://recordings.example.com/call-AuUK7d2Qx.mp3';
const transcript = 'Agent: Hello Jim, how can I help?\nJim: I would like to move my appointment to Friday.';

/** Of `sigmamind.events`. */
export const eventSamples: Readonly<Record<string, JsonObject>> = {
  conversation_started: { event: 'conversation_started', ...conversation, status: 'in-progress' },
  conversation_ended: { event: 'conversation_ended', ...conversation, ...ended },
  conversation_analysed: { event: 'conversation_analysed', ...conversation, ...ended, recordingUrl, transcript },
};

/** Of `sigmamind.call`. */
export const callSamples: Readonly<Record<string, JsonObject>> = {
  inbound_call: { event: 'inbound_call', from_number: '+12345678912', to_number: '+12345678913' },
};
