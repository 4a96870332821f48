import { expect } from 'chai';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { workplace } from '../support/workplace.js';

const yaml = `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: sqlite, path: ./switchhook.db }
sources:
  agents: { use: sigmamind.events, secrets: [the-new-secret, ${secret}] }
  forms: { use: bearer, tokens: [token-of-the-forms] }
destinations:
  console: { use: log }
routes:
  - { name: all, to: console }
`;

describe('the secret that a request has', () => {
  it('is kept with its event, also over a restart, and shows whether an old secret is still used', async () => {
    const place = await workplace();
    try {
      const { router, url } = await place.router(yaml);
      const { body } = await postSigned(`${url}/hooks/agents`, endedBody());
      const headers = { 'content-type': 'application/json', authorization: 'Bearer token-of-the-forms' };
      await fetch(`${url}/hooks/forms`, { method: 'POST', headers, body: '{"type":"filled"}' });
      const run = (...args: readonly string[]) =>
        place.command([...args, '--url', url, '--config', place.path('switchhook.yaml')]);
      const json = async (...args: readonly string[]) => JSON.parse((await run(...args, '--json')).stdout);

      const event = await json('events', String(body.id));
      expect(event).to.deep.include({ verifiedBy: { secret: 2, of: 2 }, bytes: endedBody().length });
      expect((await run('events', String(body.id))).stdout).to.include('bytes, verified by secret 2 of 2\n');
      const { events } = await json('events', '--source', 'forms');
      expect((await json('events', events[0].id)).verifiedBy).to.deep.equal({ secret: 1, of: 1 });

      const bySecret = await json('events', '--secret', '2', '--source', 'agents');
      expect(bySecret.events.map(({ id }: { readonly id: string }) => id)).to.deep.equal([body.id]);
      expect(bySecret.search).to.include({ examined: 1, isComplete: true, withoutData: 0 });
      expect((await json('events', '--secret', '1')).events).to.deep.equal(events);
      expect((await json('events', '--secret', '1', '--text', 'conv_1')).events).to.deep.equal([]);
      expect((await run('events', '--secret', '3')).stderr).to.include('Looked at 2 events');
      const wrong = await run('events', '--secret', 'old');
      expect([wrong.code, wrong.stderr]).to.satisfy(
        ([code, text]: readonly [number, string]) =>
          code !== 0 && /secret: expected a whole number from 0 to 1000/.test(text),
      );

      const { sources } = await json('status', '--once');
      const [used] = sources.find(({ source }: { readonly source: string }) => source === 'agents').secrets;
      expect(used).to.deep.include({ secret: 2, of: 2, requests: 1 });
      expect(Date.parse(used.lastAt)).to.be.at.least(Date.parse(event.receivedAt));
      const status = (await run('status', '--once')).stdout;
      expect(status).to.match(
        /^agents: secret 1 of 2 not used since the start; secret 2 of 2 in 1 request, the last one .* ago$/m,
      );
      expect(status).not.to.include('forms: secret');
      expect(await (await fetch(`${url}/metrics`)).text()).to.include(
        'switchhook_requests_verified_total{source="agents",secret="2"} 1',
      );

      // The event as a file: what it was made of can be sent and explained again without naming its source.
      const file = await place.write('event.json', JSON.stringify(event));
      const explained = await place.command(['explain', file, '--config', place.path('switchhook.yaml'), '--json']);
      expect(JSON.parse(explained.stdout).explanations[0].event).to.include({ source: 'agents', subject: 'conv_1' });
      const sent = await run('send', file, '--json');
      expect(JSON.parse(sent.stdout)).to.deep.include({ source: 'agents', status: 200 });
      const planned = await place.command(['plan', '--fixtures', file, '--config', place.path('switchhook.yaml')]);
      expect(planned.stdout + planned.stderr).to.match(/1 event/);
      await router.close();

      const again = await place.router(yaml);
      const reply = await (await fetch(`${again.url}/api/events/${body.id}`)).json();
      expect(reply).to.deep.include({ verifiedBy: { secret: 2, of: 2 } });
      await again.router.close();
    } finally {
      await place.close();
    }
  });
});
