/** The endpoints by which a browser signs in and out. */

import { nothing, sessionBody } from '../api/requests.js';
import { isoOrNull, session as reply } from '../api/responses.js';
import { type Endpoint, endpoint } from './endpoint.js';
import type { SessionState } from './sessions.js';

const path = '/api/session';
const open = true;

export const sessionEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    ...{ path, open, query: nothing, body: nothing, reply, refusals: [] },
    summary: 'Whether this browser is signed in, and whether it needs a token.',
    answer: async ({ session }) => sessionJson(session.state()),
  }),
  endpoint({
    method: 'POST',
    ...{ path, open, query: nothing, body: sessionBody, reply, refusals: ['SIGN_IN_LIMITED'] },
    summary: 'Sign in: sets a cookie that replaces the token for twelve hours.',
    answer: async ({ body: { token }, session }) => sessionJson(session.signIn(token)),
  }),
  endpoint({
    method: 'DELETE',
    ...{ path, open, query: nothing, body: nothing, reply, refusals: [] },
    summary: 'Sign out: the cookie is removed, and counts no longer.',
    answer: async ({ session }) => sessionJson(session.signOut()),
  }),
];

function sessionJson({ untilMs, ...state }: SessionState) {
  return { ...state, until: isoOrNull(untilMs) };
}
