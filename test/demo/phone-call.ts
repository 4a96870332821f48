/** One phone call, as the platform tells it: the phone rings, the conversation starts, ends and is analysed. */
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

/** Plays it against a running router, with a repeated and a forged event. */
export async function playCall(router: Router, url: string): Promise<ScenarioRun> {
  const post = async (source: string, sent: object, change: (text: string) => string = (text) => text) => {
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

  const rangAt = performance.now();
  const rung = await post('calls', { event: 'inbound_call', from_number: '+12345678912', to_number: '+12345678913' });
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
