/** `runRouter` of the testkit: a whole router in a test, with plugins that are objects, a fake clock and a receiver. */
import {
  Clock,
  defineDestination,
  definePlugin,
  defineResolver,
  HttpClient,
  JsonApi,
  outcomeOfFailure,
  provide,
  provideOptions,
  secret,
  token,
  z,
} from '@switchhook/sdk';
import { runRouter } from '@switchhook/testkit';
import { expect } from 'chai';

interface Account {
  readonly url: string;
  readonly token: string;
}
const Account = token<Account>('test-crm.Account');
const crm = definePlugin({
  name: 'test-crm',
  options: provideOptions(
    Account,
    z.strictObject({ url: z.url().meta({ description: 'URL.' }), token: secret('Token.') }),
  ),
  services: [
    provide(JsonApi, {
      inject: { account: Account, http: HttpClient, clock: Clock },
      create: ({ account: { url, token }, http, clock }) =>
        new JsonApi({ http, clock, baseUrl: url, headers: { authorization: `Bearer ${token}` }, reasonIn: () => null }),
    }),
  ],
  components: [
    defineDestination({
      type: 'crm.note',
      description: 'Notes.',
      options: z.strictObject({}),
      inject: { api: JsonApi },
      create: (_options, { api }) => ({
        deliver: async ({ event }, signal) => {
          try {
            await api.request({ method: 'POST', path: '/notes', body: { call: event.subject }, signal });
            return { kind: 'delivered' };
          } catch (error) {
            return outcomeOfFailure(error);
          }
        },
      }),
    }),
    defineResolver({
      type: 'crm.contact',
      description: 'Contacts.',
      options: z.strictObject({}),
      inject: { api: JsonApi },
      create: (_options, { api }) => ({
        resolve: async ({ from }, _known, signal) =>
          (await api.request({ method: 'GET', path: `/contacts/${encodeURIComponent(from)}`, signal })).body,
      }),
    }),
  ],
});

const yaml = `version: 1
plugins: [{ use: test-crm, options: { url: "\${RECEIVER_URL}", token: "\${CRM_TOKEN}" } }]
sources:
  agents: { use: retell.events, secrets: only-for-tests }
  calls: { use: retell.call, secrets: only-for-tests }
destinations: { notes: { use: crm.note, retry: { first: 10s } } }
resolvers: { customer: { use: crm.contact } }
routes: [{ from: agents, to: notes }]
answers:
  - { from: calls, resolve: customer, variables: { name: "\${{ customer.name }}" }, defaults: { name: there } }
`;
const variables = { CRM_TOKEN: 'token-of-the-crm' };
const ended = { event: 'call_ended', call: { call_id: 'call_1', agent_id: 'agent_sales' } };

describe('runRouter', () => {
  it('sends a signed event through the router to the receiver, and again when the clock has come to the retry', async () => {
    const router = await runRouter(yaml, [crm], { variables });
    router.receiver.answer((_request, index) => (index === 0 ? 503 : 200));
    expect(await router.send('agents', ended)).to.have.property('status', 200);
    expect(await router.attempts(1)).to.deep.equal([
      { destination: 'notes', attempt: 1, outcome: 'unavailable', reason: 'POST /notes: HTTP 503 Service Unavailable' },
    ]);
    expect(router.receiver.requests).to.have.length(1);
    await router.clock.advance(10_000);
    expect((await router.attempts(2)).map(({ outcome }) => outcome)).to.deep.equal(['unavailable', 'delivered']);
    const [, note] = router.receiver.requests;
    expect(note?.json()).to.deep.equal({ call: 'call_1' });
    expect(note?.headers.authorization).to.equal('Bearer token-of-the-crm');
    await router.close();
  });

  it('answers a call with the facts of a resolver, and with defaults where it fails', async () => {
    const router = await runRouter(yaml, [crm], { variables });
    router.receiver.answer(({ path }) => {
      return path === '/contacts/%2B12345678912' ? { status: 200, body: '{"name":"Jim"}' } : 500;
    });
    const answerTo = async (from: string) => (await router.call('calls', { from })).answer?.variables;
    expect(await answerTo('+12345678912')).to.deep.equal({ name: 'Jim' });
    expect(await answerTo('+12345678919')).to.deep.equal({ name: 'there' });
    await router.close();
  });

  it('refuses a configuration that is wrong, at its line, and a plugin that is', async () => {
    const problems = await runRouter(yaml.replace('use: crm.note', 'use: crm.nte'), [crm], { variables }).catch(String);
    expect(problems).to.include('switchhook.yaml:6:31').and.to.include('test-crm has no destination crm.nte');
    expect(await runRouter(yaml, [crm]).catch(String)).to.include('ENV_MISSING');
    const wrong = { ...crm, components: crm.components.map((component) => ({ ...component, type: 'a b' })) };
    expect(await runRouter(yaml, [wrong], { variables }).catch(String)).to.include('test-crm: destination a b');
  });

  it('names what a test asks for in vain', async () => {
    const router = await runRouter(yaml, [crm], { variables });
    expect(await router.send('agnts', ended).catch(String)).to.include('there is no source agnts');
    expect(await router.call('agents', {}).catch(String)).to.include('agents is no source of calls');
    await router.close();
  });
});
