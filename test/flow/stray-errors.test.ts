import { expect } from 'chai';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { workplace } from '../support/workplace.js';

/** A destination that lets errors loose: one in a timer, one in a promise that nobody awaits. */
const careless = `
import { Clock, defineDestination, definePlugin, z } from '@switchhook/sdk';
export default definePlugin({
  name: 'careless',
  components: [
    defineDestination({
      type: 'careless',
      description: 'Lets errors loose.',
      options: z.strictObject({}),
      inject: { clock: Clock },
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

/** The same in TypeScript, with its error on line 12. */
const typed = `
interface Nothing {
  readonly nothing?: never;
}

import { Clock, defineDestination, definePlugin, z } from '@switchhook/sdk';
const hardCoded: string = 'a secret that somebody wrote down';
const thrown = (_: Nothing): never => {
  const known: { readonly length: number } = hardCoded;

  // It is thrown here.
  throw new Error(\`fails with \${known.length}\`);
};
export default definePlugin({
  name: 'careless',
  components: [
    defineDestination({
      type: 'careless',
      description: 'Lets errors loose.',
      options: z.strictObject({}),
      inject: { clock: Clock },
      create: (_options, { clock }) => ({
        async deliver() {
          clock.after(0, () => thrown({}));
          return { kind: 'delivered' };
        },
      }),
    }),
  ],
});
`;

const configuration = (plugin: string): string => `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: sqlite, path: ./switchhook.db }
plugins: [./${plugin}]
sources:
  agents: { use: sigmamind.events, secrets: [${secret}] }
destinations:
  careless: { use: careless }
routes:
  - { to: careless }
`;

/** A resolver that does so while it is opened and while it looks. */
const carelessResolver = `
import { definePlugin, defineResolver, z } from '@switchhook/sdk';
export default definePlugin({
  name: 'careless-resolver',
  components: [
    defineResolver({
      type: 'careless.lookup',
      description: 'Lets errors loose.',
      options: z.strictObject({}),
      create: () => ({
        async open() {
          Promise.reject(new Error('nobody awaits the opening'));
        },
        async resolve() {
          Promise.reject(new Error('nobody awaits the look-up'));
          return { first_name: 'Ada' };
        },
      }),
    }),
  ],
});
`;
const answering = `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: memory }
plugins: [./careless-resolver.mjs]
sources:
  calls: { use: sigmamind.call, token: token-of-the-tests }
resolvers:
  customer: { use: careless.lookup }
answers:
  - { from: calls, resolve: customer, variables: { first_name: "\${{ customer.first_name }}" }, defaults: { first_name: there } }
`;

describe('a plugin that throws where nobody can catch it', () => {
  it('does not end the router, and its errors are in the log', async () => {
    const place = await workplace();
    await place.write('careless.mjs', careless);
    await place.link();
    const router = await place.start(await place.write('switchhook.yaml', configuration('careless.mjs')));
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

  for (const type of ['module', 'commonjs'])
    it(`is named by file and line, and its source is nowhere, where it is TypeScript in a package of type ${type}`, async () => {
      const place = await workplace();
      await place.write('package.json', JSON.stringify({ type }));
      const plugin = await place.write('careless.ts', typed);
      await place.link();
      const router = await place.start(await place.write('switchhook.yaml', configuration('careless.ts')));
      for (let number = 1; !router.log.some(({ event }) => event === 'process.error-uncaught'); number += 1)
        await postSigned(`${router.url}/hooks/agents`, endedBody({ conversationId: `c${number}` }));
      const { error } = router.log.find(({ event }) => event === 'process.error-uncaught') ?? {};
      expect((error as { stack: string }).stack)
        .to.match(/^Error: fails with 33\n/)
        .and.to.include(`${plugin}:12:`);
      expect(JSON.stringify(router.log)).not.to.include('somebody');
      expect(await router.stop()).to.equal(0);
      await place.close();
    });

  it('ends no call that is tried out without a router, is a line there, and ends no simulation', async () => {
    const place = await workplace();
    await place.write('careless-resolver.mjs', carelessResolver);
    await place.link();
    const file = await place.write('switchhook.yaml', answering);
    const numbers = ['--from', '+12025551001', '--to', '+12345678913'];
    for (const repeat of [[], ['--repeat', '2']]) {
      const { code, stdout, stderr } = await place.run(['call', ...numbers, '--offline', ...repeat, '--config', file]);
      expect([code, stdout.includes('Ada')], stderr).to.deep.equal([0, true]);
      const lines = stderr.trimEnd().split('\n');
      expect(lines).to.have.length(2);
      expect(lines[0]).to.match(/^process\.error-uncaught: nobody awaits the opening \(.*careless-resolver\.mjs:\d+/);
      expect(lines[1]).to.match(/^process\.error-uncaught: nobody awaits the look-up \(.*careless-resolver\.mjs:\d+/);
    }
    const { code, stdout } = await place.run(['simulate', 'platform-retries', '--start', '--config', file]);
    expect([code, stdout.includes('first_name=Ada')]).to.deep.equal([0, true]);
    await place.close();
  });
});
