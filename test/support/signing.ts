/** Signs bodies as the default of `sigmamind.events` has it, without any code of the router. */
import { createHmac } from 'node:crypto';

export const secret = 'a-secret-of-the-tests';

/** The headers that make a body acceptable. */
export function signedHeaders(body: string | Uint8Array): Record<string, string> {
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  return { 'content-type': 'application/json', 'x-sigmamind-signature': signature };
}

/** Posts a body with a signature; `change` alters the headers before they are sent. */
export async function postSigned(
  url: string,
  body: string | Uint8Array,
  change: (headers: Record<string, string>) => Record<string, string | undefined> = (headers) => headers,
): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> {
  const headers = change(signedHeaders(body));
  const given = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  const response = await fetch(url, { method: 'POST', body, headers: given as [string, string][] });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** A body of an event that has ended. */
export function endedBody(given: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    event: 'conversation_ended',
    conversationId: 'conv_1',
    agentId: 'agent_sales',
    duration: 73,
    ...given,
  });
}
