import { createRouter } from '@switchhook/core';
import { receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { workplace } from '../support/workplace.js';

const configuration = (journal: string) => `
version: 1
country: DE
server: { host: 127.0.0.1, port: 0 }
store: { use: sqlite, path: ./switchhook.db }
sources:
  calls: { use: sigmamind.call, token: token-of-the-tests }
  agents: { use: sigmamind.events, secrets: one-secret, fields: { party: body.customer } }
resolvers:
  recent: { use: recent }
destinations:
  journal: { use: http.post, url: "${journal}" }
routes:
  - { to: journal }
answers:
  - from: calls
    resolve: [recent]
    variables:
      calls: \${{ recent.calls }}
      status: \${{ recent.last_status }}
    defaults: { calls: none, status: none }
`;

describe('a caller who calls again', () => {
  it('is known from the router’s own store: calls before this one, and how the last conversation went, however the number is written', async () => {
    const place = await workplace();
    const journal = await receiver();
    const { router, url } = await place.router(configuration(`${journal.url}/`));
    let sent = 0;
    /** Sends, and waits until what was sent is kept and delivered. */
    const post = async (path: string, body: object, headers: Readonly<Record<string, string>> = {}) => {
      const response = await fetch(`${url}/hooks/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      });
      sent += 1;
      await journal.received(sent);
      return response;
    };
    const ring = async (from: string, to: string) => {
      const response = await post('calls/token-of-the-tests', {
        event: 'inbound_call',
        from_number: from,
        to_number: to,
      });
      return ((await response.json()) as { readonly dynamic_variables: unknown }).dynamic_variables;
    };

    expect(await ring('+4930901820', '+1')).to.deep.equal({ calls: 'none', status: 'none' });
    expect(await ring('030 901820', '+2')).to.deep.equal({ calls: '1', status: 'none' });
    const ended = {
      event: 'conversation_ended',
      conversationId: 'conv_1',
      customer: '0049-30-901820',
      status: 'voicemail',
    };
    const signed = router.signed('agents', Buffer.from(JSON.stringify(ended)));
    expect((await post('agents', ended, signed?.headers)).status).to.equal(200);
    expect(await ring('sip:+4930901820@gateway.example.com', '+3')).to.deep.equal({ calls: '2', status: 'voicemail' });
    expect(await ring('+4930901821', '+3')).to.deep.equal({ calls: 'none', status: 'none' });

    const listed = async (...question: readonly string[]) =>
      JSON.parse((await place.command([...question, '--json', '--url', url])).stdout) as Record<
        string,
        readonly unknown[]
      >;
    for (const number of ['+4930901820', '030/901820']) {
      expect((await listed('events', '--number', number, '--type', 'inbound_call')).events).to.have.length(3);
      expect((await listed('calls', '--number', number)).calls).to.have.length(3);
      for (const name of ['number', 'party']) {
        const asked = new URLSearchParams({ type: 'inbound_call', [name]: number });
        const { events } = (await (await fetch(`${url}/api/events?${asked}`)).json()) as { readonly events: object[] };
        expect(events, name).to.have.length(3);
      }
    }
    await Promise.all([place.close(), journal.close()]);
  });

  it('is unknown in a dry run, which opens no store; the call is answered', async () => {
    const place = await workplace();
    const file = await place.write('switchhook.yaml', configuration('http://127.0.0.1:9/'));
    const router = await createRouter(file, { logTo: { write: () => {} } });
    await router.openComponents();
    const { trace } = await router.ring('calls', { event: 'inbound_call', from_number: '+49301', to_number: '+1' });
    expect(trace.variables).to.deep.equal({ calls: 'none', status: 'none' });
    await router.close();
    await place.close();
  });
});
