/** A local imitation of OpenAI's API: pending calls, which the first accept or reject takes, by either API. */
import type { JsonObject } from '@switchhook/sdk';
import { type Behaviour, cutOffResponse, type ReceivedRequest, receiver } from '@switchhook/testkit';

export const apiKey = 'sk-proj-secret-of-the-tests';

/** What the imitation does instead of what it should. */
export type Fault = 'well' | 'refusing' | 'down' | 'breaking' | 'hanging' | 'cut-off';

export async function openAi() {
  /** Ids of calls that ring. Any call rings that is not listed in `ended`. */
  const ended = new Set<string>();
  const decisions: { readonly path: string; readonly body: JsonObject }[] = [];
  let fault: Fault = 'well';
  /** Connections that are cut after a request has had its effect. */
  let lostResponses = 0;

  const error = (status: number, message: string, code: string | null = null) => ({
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ error: { message, type: 'invalid_request_error', code } }),
  });

  const decided = (request: ReceivedRequest) => {
    const [, api, id = '', verb] =
      /^\/v1\/(realtime\/calls|live\/sessions)\/([^/]+)\/(accept|reject)$/.exec(request.path) ?? [];
    if (request.headers.authorization !== `Bearer ${apiKey}`) return error(401, 'Incorrect API key provided');
    if (api === undefined || request.method !== 'POST') return error(404, 'Invalid URL');
    const body = Object(request.json());
    const session = api === 'live/sessions' && verb === 'accept' ? Object(body.session) : body;
    if (verb === 'accept' && session.type !== (api === 'live/sessions' ? 'live' : 'realtime'))
      return error(400, "Missing required parameter: 'session.type'.");
    if (ended.has(id)) return error(404, 'No session found for the provided call_id', 'call_id_not_found');
    ended.add(id);
    decisions.push({ path: request.path, body });
    return 200;
  };

  const behaviour: Behaviour = (request) => {
    if (fault === 'down') return error(503, 'The server is overloaded');
    if (fault === 'breaking') return 'reset';
    if (fault === 'hanging') return 'hang';
    if (fault === 'refusing') return error(400, `The model does not exist: ${request.text().length} bytes`);
    const response = decided(request);
    if (fault === 'cut-off' && response === 200) return cutOffResponse;
    if (lostResponses === 0) return response;
    lostResponses -= 1;
    return 'reset';
  };
  const server = await receiver(behaviour);
  return {
    ...{ server, ended, decisions },
    url: `${server.url}/v1`,
    behave: (how: Fault): void => {
      fault = how;
    },
    loseResponses: (count: number): void => {
      lostResponses = count;
    },
    close: () => server.close(),
  };
}
