import { parseJson, Store } from '@switchhook/sdk';
import { receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { ring, token } from '../support/phones.js';
import { postSigned, secret } from '../support/signing.js';
import { workplace } from '../support/workplace.js';

const one = '8202522731445525542';
const other = '8202522731445525543';

describe('numbers beyond 2^53', () => {
  it('arrive with the digits that were sent: in keys, subjects, conditions, bodies, templates and URLs, also when replayed', async () => {
    const place = await workplace();
    const crm = await receiver();
    const file = `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: sqlite, path: ./switchhook.db }
sources:
  agents: { use: sigmamind.events, secrets: [${secret}], fields: { key: body.messageId, subject: body.callId } }
destinations:
  whole: { use: http.post, url: "${crm.url}/whole" }
  parts:
    use: http.post
    url: "${crm.url}/parts/\${{ event.data.callId }}"
    allowPrivate: true
    body: { id: "\${{ event.data.callId }}", text: "call \${{ event.data.callId }}", json: "\${{ json(event.data.parent) }}" }
routes:
  - { to: whole }
  - { to: parts, where: 'event.data.callId == ${one} && event.data.callId != ${other} && event.data.callId > ${one} - 1' }
`;
    const { url, router } = await place.router(file);
    const body = (id: string, call: string) =>
      `{"event":"conversation_ended","parent":{"callId":${other},"big":1e400},"callId":${call},"messageId":${id}}`;
    const first = await postSigned(`${url}/hooks/agents`, body(one, one));
    const second = await postSigned(`${url}/hooks/agents`, body(other, other));
    expect([first.body.duplicate, second.body.duplicate]).to.deep.equal([undefined, undefined]);
    expect((await postSigned(`${url}/hooks/agents`, body(one, one))).body.duplicate).to.equal(true);
    await crm.received(3);
    const arrived = () => crm.requests.map(({ path, text }) => `${path} ${text()}`).sort();
    const [parts, ...wholes] = arrived();
    expect(parts).to.equal(
      `/parts/${one} {"id":${one},"text":"call ${one}","json":"{\\"callId\\":${other},\\"big\\":\\"1e400\\"}"}`,
    );
    expect(wholes.map((text) => new RegExp(`"callId":(${one}|${other}),"messageId"`).exec(text)?.[1])).to.have.members([
      one,
      other,
    ]);
    const { items } = await router.get(Store).events({ limit: 10 });
    expect(items.map(({ subject }) => subject)).to.have.members([one, other]);

    const listed = await (await fetch(`${url}/api/events/${first.body.id}`)).text();
    expect(parseJson(listed)).to.have.nested.property('data.callId', BigInt(one));
    const { items: deliveries } = await router.get(Store).deliveries({ limit: 10, destination: 'parts' });
    await fetch(`${url}/api/deliveries/${deliveries[0]?.id}/replay`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    await crm.received(4);
    expect(arrived().filter((text) => text === parts)).to.have.length(2);
    await place.close();
    await crm.close();
  });

  it('lead from one look-up to the next about the same customer', async () => {
    const place = await workplace();
    const crm = await receiver(({ path }) =>
      path.startsWith('/by-phone')
        ? { status: 200, body: `{"id":${one}}` }
        : { status: 200, body: JSON.stringify({ name: path === `/customers/${one}` ? 'Ada' : 'somebody else' }) },
    );
    await place.write('plans.json', `[{"customer":${one},"plan":"gold"},{"customer":${other},"plan":"none"}]`);
    await place.write(
      'regions.yaml',
      `- { customer: ${one}, region: 8202522731445525541 }\n- { customer: ${other}, region: 1 }\n`,
    );
    const { url } = await place.router(`
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: memory }
sources: { calls: { use: sigmamind.call, token: ${token} } }
resolvers:
  ids: { use: http.lookup, url: "${crm.url}/by-phone" }
  customers: { use: http.lookup, url: "${crm.url}/customers/\${{ known.ids.id }}", allowPrivate: true, after: [ids] }
  plans: { use: table.lookup, file: ./plans.json, key: customer, match: "\${{ known.ids.id }}", compare: text, after: [ids] }
  regions: { use: table.lookup, file: ./regions.yaml, key: customer, match: "\${{ known.ids.id }}", compare: text, after: [ids] }
answers:
  - from: calls
    resolve: [ids, customers, plans, regions]
    variables: { name: "\${{ customers.name }}", id: "\${{ ids.id }}", plan: "\${{ plans.plan }}", region: "\${{ regions.region }}" }
    defaults: { account: ${other} }
`);
    expect((await ring(url, '+12025550123')).variables).to.deep.equal({
      ...{ name: 'Ada', id: one, plan: 'gold', region: '8202522731445525541', account: other },
    });
    await place.close();
    await crm.close();
  });
});
