/** The endpoints that change a running router as a whole. */
import { reloadReport, restartReport } from '../api/reload-responses.js';
import { nothing, reloadBody, restartBody } from '../api/requests.js';
import { type Endpoint, endpoint } from './endpoint.js';

export const changeEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/api/reload',
    summary: 'Read the configuration file anew, and switch to it in one step. Where it is wrong, nothing changes.',
    ...{ query: nothing, body: reloadBody, reply: reloadReport, refusals: ['CONFIG_REJECTED'] },
    answer: async ({ body }, { reload }) => reload(body),
  }),
  endpoint({
    method: 'POST',
    path: '/api/restart',
    summary: 'Have a new process take over, without refusing a request. The reply comes when the new process listens.',
    ...{ query: nothing, body: restartBody, reply: restartReport },
    refusals: ['NOT_REPLACEABLE', 'RESTART_FAILED'],
    answer: async (_, { restart }) => restart(),
  }),
];
