import { expect } from 'chai';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { workplace } from '../support/workplace.js';

/** A destination that lets errors loose: one in a timer, one in a promise that nobody awaits. */
const careless = `
import { defineDestination, definePlugin, z } from '@switchhook/core/plugin';
export default definePlugin({
  name: 'careless',
  components: [
    defineDestination({
      type: 'careless',
      description: 'Lets errors loose.',
      options: z.strictObject({}),
      create: (_options, { clock }) => ({
        async deliver() {
          clock.after(0, () => { throw new Error('thrown in a timer'); });
          Promise.reject(new Error('nobody awaits this'));
          return { kind: 'delivered' };
        },
      }),
    }),
  ],
});
`;

describe('a plugin that throws where nobody can catch it', () => {
  it('does not end the router, and its errors are in the log', async () => {
    const place = await workplace();
    await place.write('careless.mjs', careless);
    await place.link();
    const file = await place.write(
      'switchhook.yaml',
      `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: sqlite, path: ./switchhook.db }
plugins: [./careless.mjs]
sources:
  agents: { use: sigmamind.events, secrets: [${secret}] }
destinations:
  careless: { use: careless }
routes:
  - { to: careless }
`,
    );
    const router = await place.start(file);
    await postSigned(`${router.url}/hooks/agents`, endedBody());
    for (let number = 2; router.log.filter(({ event }) => event === 'process.error-uncaught').length < 2; number += 1)
      expect(
        (await postSigned(`${router.url}/hooks/agents`, endedBody({ conversationId: `c${number}` }))).status,
      ).to.equal(200);
    const messages = router.log
      .filter(({ event }) => event === 'process.error-uncaught')
      .map(({ error }) => (error as { message: string }).message);
    expect(messages).to.include.members(['thrown in a timer', 'nobody awaits this']);
    expect(await router.stop()).to.equal(0);
    await place.close();
  });
});
