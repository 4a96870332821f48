/** Bodies to try the sources with: the documented envelope, with fields as the types of @vapi-ai/server-sdk 2.0.1 have them. */
import type { JsonObject } from '@switchhook/sdk';

const message = {
  timestamp: 1_767_225_673_000,
  call: { id: '0194c8a1-6f2e-7d3b-9a51-2f7c08e4b6d0', type: 'inboundPhoneCall', assistantId: 'asst_sales' },
  customer: { number: '+12345678912' },
  phoneNumber: { number: '+12345678913' },
};
const report = {
  endedReason: 'customer-ended-call',
  startedAt: '2026-01-01T00:00:00.000Z',
  endedAt: '2026-01-01T00:01:13.000Z',
  analysis: { summary: 'Jim moves his appointment to Friday.', successEvaluation: 'true' },
  artifact: { transcript: 'AI: Hello Jim, how can I help?\nUser: I would like to move my appointment to Friday.\n' },
};

/** Of `vapi.events`. */
export const eventSamples: Readonly<Record<string, JsonObject>> = {
  'status-in-progress': { message: { type: 'status-update', status: 'in-progress', ...message } },
  'status-ended': { message: { type: 'status-update', status: 'ended', endedReason: report.endedReason, ...message } },
  'end-of-call-report': { message: { type: 'end-of-call-report', ...report, ...message } },
};

/** Of `vapi.call`. */
export const callSamples: Readonly<Record<string, JsonObject>> = {
  'assistant-request': {
    message: { type: 'assistant-request', ...message, call: { id: message.call.id, type: 'inboundPhoneCall' } },
  },
};
