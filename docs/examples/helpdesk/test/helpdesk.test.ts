import { deepStrictEqual, match, strictEqual } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import retell from '@switchhook/plugin-retell';
import type { JsonObject } from '@switchhook/sdk';
import {
  aCall,
  aDelivery,
  anEvent,
  createComponent,
  cutOffResponse,
  destinationSuite,
  fakeServices,
  resolverSuite,
  runRouter,
} from '@switchhook/testkit';
import { customer } from '../src/customer.ts';
import plugin from '../src/index.ts';
import { ticket } from '../src/ticket.ts';
import { account, imitation } from './imitation.ts';

const callEnded = JSON.parse(readFileSync(new URL('./fixtures/call-ended.json', import.meta.url), 'utf8'));
const known = aCall();
const patience = () => new AbortController().signal;

const usualRow = { subject: 'Call ${{ event.subject }}', text: '${{ event.data.call.disconnection_reason }}' };

/** Both components, and the helpdesk. The services of the plugin are made for each of them. */
async function setup(given = {}, row: JsonObject = usualRow) {
  const helpdesk = await imitation(known.from);
  const services = fakeServices();
  const options = { ...helpdesk.options, ...given };
  return {
    ...helpdesk,
    services,
    destination: createComponent('destination', ticket, row, services, plugin, options),
    resolver: createComponent('resolver', customer, {}, services, plugin, options),
    close: async () => {
      await services.close();
      await helpdesk.far.close();
    },
  };
}

const delivery = (id: string) => aDelivery({ id, event: anEvent({ subject: 'call_1', data: callEnded }) });

const others = { refusing: 422, down: 503, hanging: 'hang', 'cut-off': cutOffResponse } as const;

destinationSuite('helpdesk.ticket', async () => {
  const { destination, tickets, answers, close } = await setup({}, { subject: 'A call', text: 'It has ended' });
  return {
    destination,
    secrets: [account.clientSecret],
    arrived: () => [...tickets.keys()],
    behave: (how) => answers(({ path }) => (how === 'well' || path === '/oauth/token' ? null : others[how])),
    close,
  };
}, ['erase', 'emits']);

resolverSuite('helpdesk.customer', async () => {
  const { resolver, answers, close } = await setup();
  return {
    resolver,
    known,
    hang: () => answers(() => 'hang'),
    down: () => answers(() => 503),
    cutOff: () => answers(() => cutOffResponse),
    close,
  };
});

describe('The plugin', () => {
  it('opens a ticket once, however often its delivery is repeated', async () => {
    const { destination, tickets, close } = await setup();
    for (const _attempt of [1, 2])
      deepStrictEqual(await destination.deliver(delivery('d1'), patience()), { kind: 'delivered' });
    deepStrictEqual([...tickets], [['d1', { subject: 'Call call_1', text: 'user_hangup', priority: 'normal' }]]);
    deepStrictEqual(destination.preview?.(delivery('d1')), {
      method: 'PUT',
      path: '/tickets/d1',
      body: { subject: 'Call call_1', text: 'user_hangup', priority: 'normal' },
    });
    await close();
  });

  it('uses a token until it expires or is revoked', async () => {
    const { destination, services, tokens, revoke, close } = await setup();
    const deliver = async () => strictEqual((await destination.deliver(delivery('d1'), patience())).kind, 'delivered');
    await deliver();
    await deliver();
    strictEqual(tokens(), 1);
    revoke();
    await deliver();
    strictEqual(tokens(), 2);
    await services.clock.advance(3_600_000);
    await deliver();
    strictEqual(tokens(), 3);
    await close();
  });

  it('rejects what the helpdesk refuses, and keeps events for an operator while the client is refused', async () => {
    const { destination, answers, close } = await setup();
    answers(({ path }) => (path.startsWith('/tickets') ? { status: 422, body: '{"message":"no subject"}' } : null));
    const refused = await destination.deliver(delivery('d1'), patience());
    strictEqual(refused.kind, 'rejected');
    match(JSON.stringify(refused), /no subject/);
    await close();
    const other = await setup({ clientSecret: 'an-earlier-secret' });
    const unknown = await other.destination.deliver(delivery('d1'), patience());
    deepStrictEqual([unknown.kind, 'needsOperator' in unknown && unknown.needsOperator], ['unavailable', true]);
    match(JSON.stringify(unknown), /unknown client/);
    await other.close();
  });

  it('shares one token between a destination and a resolver of a router', async () => {
    const { options, tickets, tokens, close } = await setup();
    const router = await runRouter(configuration, [plugin, retell], {
      variables: { HELPDESK_URL: options.url, HELPDESK_SECRET: options.clientSecret },
    });
    const { answer } = await router.call('calls', { from: known.from });
    deepStrictEqual(answer?.variables, { name: 'Ada', open_tickets: '2' });
    strictEqual((await router.send('agents', callEnded)).status, 200);
    strictEqual((await router.attempts(1))[0]?.outcome, 'delivered');
    deepStrictEqual([tickets.size, tokens()], [1, 1]);
    await router.close();
    await close();
  });
});

const configuration = `
version: 1
plugins:
  - use: "@acme/switchhook-helpdesk"
    options: { url: "\${HELPDESK_URL}", clientId: client-1, clientSecret: "\${HELPDESK_SECRET}" }
sources:
  agents: { use: retell.events, secrets: only-for-tests }
  calls: { use: retell.call, secrets: only-for-tests }
destinations:
  tickets: { use: helpdesk.ticket, subject: "Call \${{ event.subject }}", text: It has ended }
resolvers:
  customer: { use: helpdesk.customer }
routes: [{ from: agents, to: tickets }]
answers:
  - from: calls
    resolve: customer
    variables: { name: "\${{ customer.name }}", open_tickets: "\${{ customer.openTickets }}" }
`;
