/** Types of LiveKit's webhooks, and bodies to try the source with: fields as the types of @livekit/protocol, which livekit-server-sdk 2.19.2 uses, have them. */
import type { JsonObject } from '@switchhook/sdk';

/** Those that LiveKit documents. */
export const types = [
  'room_started',
  'room_finished',
  'participant_joined',
  'participant_left',
  'participant_connection_aborted',
  'track_published',
  'track_unpublished',
  'egress_started',
  'egress_updated',
  'egress_ended',
  'ingress_started',
  'ingress_ended',
  'agent_job_pending',
  'agent_job_started',
  'agent_job_ended',
];

const room = { sid: 'RM_7f3b2a91c4d8', name: 'call-7f3b2a91', creationTime: '1767225600' };
const participant = { sid: 'PA_1b2c3d4e5f60', identity: 'caller', state: 'ACTIVE', joinedAt: '1767225602' };
const ofAgent = { job: { id: 'AJ_0a1b2c3d4e5f', room, agentName: 'agent_sales' } };
const at = (id: string, createdAt: string) => ({ id: `EV_${id}`, createdAt });

/** By type. Integers of 64 bits are texts. */
export const samples: Readonly<Record<string, JsonObject>> = {
  room_started: { event: 'room_started', room, ...at('a1', '1767225600') },
  participant_joined: { event: 'participant_joined', room, participant, ...at('a2', '1767225602') },
  agent_job_started: { event: 'agent_job_started', ...ofAgent, ...at('a3', '1767225603') },
  participant_left: { event: 'participant_left', room, participant, ...at('a4', '1767225672') },
  room_finished: { event: 'room_finished', room, ...at('a5', '1767225673') },
};
