/** A local imitation of the part of SigmaMind's API that manages webhooks: https://docs.sigmamind.ai/api-reference/webhooks. */
import type { JsonObject } from '@switchhook/sdk';
import { type ReceivedRequest, type Receiver, receiver } from '@switchhook/testkit';

export const apiKey = 'key-of-the-workspace';

/** The imitation. */
export interface SigmaMindApi {
  readonly far: Receiver;
  /** The webhooks that exist, with their secrets. */
  readonly webhooks: (JsonObject & { readonly webhookId: string; readonly secret: string })[];
  /** How many webhooks a page holds. */
  pageSize: number;
  /** Fields of the reply to a new webhook that differ. */
  created: JsonObject;
}

export async function sigmaMindApi(secretFor: (count: number) => string): Promise<SigmaMindApi> {
  const json = (status: number, body: JsonObject) => ({ status, body: JSON.stringify(body) });
  let made = 0;
  const replyTo = (request: ReceivedRequest) => {
    const { pathname, searchParams } = new URL(request.path, 'http://x');
    if (request.headers['x-api-key'] !== apiKey)
      return json(401, { message: `The key ${request.headers['x-api-key']} is unknown` });
    const [, id] = /^\/v1\/webhooks\/([^/]+)$/.exec(pathname) ?? [];
    const index = api.webhooks.findIndex(({ webhookId }) => webhookId === id);
    if (id !== undefined && index < 0) return json(404, { message: 'Webhook not found' });
    if (id !== undefined && request.method === 'DELETE') {
      api.webhooks.splice(index, 1);
      return 204;
    }
    if (id !== undefined) return json(200, api.webhooks[index] ?? {});
    if (request.method === 'POST') {
      const body = Object(request.json());
      if (!/^https?:\/\/.+/.test(body.url) || body.events.length === 0 || body.agentId.length > 64)
        return json(400, {});
      const [webhookId, secret] = [`wh_${++made}`, secretFor(made)];
      const webhook = { workspaceId: 'org_1', active: true, ...body, webhookId, secret };
      api.webhooks.push(webhook);
      return json(200, { ...webhook, ...api.created });
    }
    const fitting = api.webhooks.filter(
      ({ agentId, active }) =>
        agentId === (searchParams.get('agentId') ?? agentId) &&
        String(active) === (searchParams.get('active') ?? 'true'),
    );
    const page = Number(searchParams.get('page') ?? 0);
    const end = (page + 1) * api.pageSize;
    return json(200, {
      data: fitting.slice(page * api.pageSize, end),
      ...{ page, size: api.pageSize, totalCount: fitting.length, hasNext: end < fitting.length, hasPrevious: page > 0 },
    });
  };
  const api: SigmaMindApi = { far: await receiver(replyTo), webhooks: [], pageSize: 10, created: {} };
  return api;
}
