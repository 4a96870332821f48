/** A server in the place of the helpdesk: it gives access tokens, keeps tickets and knows one customer. */
import { type ReceivedRequest, type Response, receiver } from '@switchhook/testkit';

export const account = { clientId: 'client-1', clientSecret: 'secret-of-the-client' };

export async function imitation(phone: string) {
  const tickets = new Map<string, unknown>();
  const valid = new Set<string>();
  let tokens = 0;
  let instead: (request: ReceivedRequest) => Response | null = () => null;
  const json = (status: number, body: unknown) => ({ status, body: JSON.stringify(body) });
  const reply = (request: ReceivedRequest) => {
    const [path = ''] = request.path.split('?');
    if (path === '/oauth/token') {
      if (new URLSearchParams(request.text()).get('client_secret') !== account.clientSecret)
        return json(400, { message: 'unknown client' });
      const token = `token-${++tokens}`;
      valid.add(token);
      return json(200, { access_token: token, expires_in: 3_600 });
    }
    if (!valid.has(request.headers.authorization?.replace('Bearer ', '') ?? '')) return json(401, {});
    if (path === `/customers/${encodeURIComponent(phone)}`)
      return json(200, { name: 'Ada', openTickets: 2, since: 2020 });
    const [, ticket] = /^\/tickets\/(.+)$/.exec(path) ?? [];
    if (ticket === undefined) return path === '/tickets' ? json(200, {}) : json(404, {});
    tickets.set(decodeURIComponent(ticket), request.json());
    return json(200, {});
  };
  const far = await receiver((request) => instead(request) ?? reply(request));
  return {
    far,
    tickets,
    options: { url: far.url, ...account },
    /** How many tokens were given. */
    tokens: () => tokens,
    revoke: () => valid.clear(),
    /** Answers some requests in another way; where it returns null, as it should. */
    answers: (other: (request: ReceivedRequest) => Response | null) => {
      instead = other;
    },
  };
}
