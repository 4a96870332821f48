/** Bodies to try the source with: the documented envelope `{ event, call }`, with the fields of a call that the defaults of `fields` assume. */
import type { JsonObject } from '@switchhook/sdk';

const call = {
  callId: '4f2c1a90-7b3d-4e58-9c61-0d2e8f7a5b34',
  agentId: 'agent_sales',
  created: '2026-01-01T00:00:00.000000Z',
  joined: '2026-01-01T00:00:02.000000Z',
};
const ended = { ...call, ended: '2026-01-01T00:01:13.000000Z', endReason: 'hangup' };

/** By type. */
export const samples: Readonly<Record<string, JsonObject>> = {
  'call.started': { event: 'call.started', call },
  'call.joined': { event: 'call.joined', call },
  'call.ended': { event: 'call.ended', call: ended },
  'call.billed': { event: 'call.billed', call: ended },
};
