/** Two phone calls, as the platform sends them: the phone rings, the conversation starts, ends and is analysed. */
import type { Router } from '@switchhook/core';

/** What came back. */
export interface ScenarioRun {
  readonly answer: { readonly body: unknown; readonly ms: number };
  readonly statuses: readonly {
    readonly what: string;
    readonly status: number;
    readonly body: Readonly<Record<string, unknown>>;
  }[];
}

const conversation = { conversationId: 'conv_demo_1', callId: 'call_demo_1', agentId: 'agent_sales' };
const started = { event: 'conversation_started', ...conversation, startTime: '2026-01-01T09:00:00.000Z' };
const ended = {
  ...started,
  event: 'conversation_ended',
  status: 'ended',
  duration: 73,
  endTime: '2026-01-01T09:01:13.000Z',
};
const analysed = { ...ended, event: 'conversation_analyzed', analysis: { summary: 'Jim wants to renew.' } };

/** Of a caller that the database does not have. */
export const secondConversation = 'conv_demo_2';

/** Plays the first against a running router, with a repeated and a forged event. */
export async function playCall(router: Router, url: string): Promise<ScenarioRun> {
  const post = posting(router, url);
  const rangAt = performance.now();
  const rung = await post('calls', ringing('+12345678912'));
  const answer = { body: rung.body, ms: Math.round(performance.now() - rangAt) };
  const forge = (text: string): string => text.replace('"duration":73', '"duration":74');
  return {
    answer,
    statuses: [
      { what: 'conversation_started', ...(await post('agents', started)) },
      { what: 'conversation_ended', ...(await post('agents', ended)) },
      { what: 'conversation_ended again', ...(await post('agents', ended)) },
      { what: 'conversation_analyzed', ...(await post('agents', analysed)) },
      { what: 'a forged conversation_ended', ...(await post('agents', ended, forge)) },
    ],
  };
}

/** Plays the second. Returns what its agent got, and the id of the event of its end. */
export async function playSecondCall(router: Router, url: string) {
  const post = posting(router, url);
  const { body: answer } = await post('calls', ringing('+12345678999'));
  const { body } = await post('agents', {
    ...ended,
    conversationId: secondConversation,
    callId: 'call_demo_2',
    duration: 45,
  });
  return { answer, ended: String(body.id) };
}

function ringing(from: string) {
  return { event: 'inbound_call', from_number: from, to_number: '+12345678913' };
}

/** Sends bodies as the platform does: signed, and with `change` forged afterwards. */
function posting(router: Router, url: string) {
  return async (source: string, sent: object, change: (text: string) => string = (text) => text) => {
    const text = JSON.stringify(sent);
    const signature = router.signed(source, Buffer.from(text));
    const headers = { 'content-type': 'application/json', ...signature?.headers };
    const response = await fetch(`${url}/hooks/${source}${signature?.rest ?? ''}`, {
      method: 'POST',
      headers,
      body: change(text),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
}
