/** What a source masks is never kept: not in the store, not in what routes and destinations see. */
import { readdir, readFile } from 'node:fs/promises';
import { Store } from '@switchhook/sdk';
import { type Receiver, receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { ring, token } from '../support/phones.js';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { type Workplace, workplace } from '../support/workplace.js';

const number = '+14155550100';
const yaml = (crm: Receiver, mask: string) => `
version: 1
country: US
server: { host: 127.0.0.1, port: 0 }
store: { use: sqlite, path: ./switchhook.db }
sources:
  agents: { use: sigmamind.events, secrets: [${secret}], mask: ${mask} }
  calls: { use: sigmamind.call, token: ${token}, mask: ${mask} }
resolvers:
  people: { use: http.lookup, url: "${crm.url}/people?number=\${{ call.from }}", allowPrivate: true }
destinations:
  crm: { use: http.post, url: ${crm.url}/hooks }
routes:
  - { from: agents, where: 'event.data.note == "call [phone] or [email]"', to: crm }
answers:
  - { from: calls, resolve: [people], variables: { name: "\${{ people.name }}", mail: "\${{ people.mail }}" } }
`;

describe('a source with mask', () => {
  let place: Workplace;
  let crm: Receiver;
  beforeEach(async () => {
    [place, crm] = await Promise.all([workplace(), receiver()]);
    crm.answer(({ path }) =>
      path.startsWith('/people') ? { status: 200, body: '{"name":"Ada","mail":"ada@x.test"}' } : 200,
    );
  });
  afterEach(async () => {
    await place.close();
    await crm.close();
  });

  const kept = async (): Promise<string> => {
    const names = (await readdir(place.directory)).filter((name) => name.startsWith('switchhook.db'));
    return (await Promise.all(names.map((name) => readFile(place.path(name), 'latin1')))).join('');
  };

  it('keeps and passes on masked bodies, with conversation and key as they were', async () => {
    const mask = '{ recordings: true, names: [ssn], paths: [analysis.*.private], except: [orderId] }';
    const { url, router } = await place.router(yaml(crm, mask));
    const note = `call ${number} or ada@x.test`;
    const body = endedBody({
      ...{ conversationId: 'conv_77', note, ssn: 123, orderId: '4155550199' },
      ...{ recordingUrl: 'https://cdn.x.test/a/1.wav?sig=1', analysis: [{ private: { a: 'hush' }, open: 'yes' }] },
    });
    expect((await postSigned(`${url}/hooks/agents`, body)).status).to.equal(200);
    await crm.received(1);
    const delivered = crm.requests[0]?.json() as { readonly data: Readonly<Record<string, unknown>> };
    expect(delivered.data).to.deep.include({
      ...{ conversationId: 'conv_77', note: 'call [phone] or [email]', ssn: '[masked]', orderId: '4155550199' },
      ...{ recordingUrl: '[recording]', analysis: [{ private: '[masked]', open: 'yes' }], duration: 73 },
    });
    const { items } = await router.get(Store).events({ limit: 10 });
    expect(items.map(({ subject, agent }) => [subject, agent])).to.deep.equal([['conv_77', 'agent_sales']]);
    expect((await postSigned(`${url}/hooks/agents`, body)).body.duplicate).to.equal(true);
    const files = await kept();
    for (const text of [number, 'ada@x.test', 'hush', 'cdn.x.test']) expect(files.includes(text), text).to.equal(false);
  });

  it('keeps nothing of a field that the body has twice', async () => {
    const { url } = await place.router(yaml(crm, '{}'));
    const body = endedBody({ note: 'call [phone] or [email]' }).replace('{', `{"note":"${number}",`);
    expect((await postSigned(`${url}/hooks/agents`, body)).status).to.equal(200);
    expect((await kept()).includes(number)).to.equal(false);
  });

  it('answers calls with the number as it was sent, and masks what is recorded of the answer', async () => {
    const { url, router } = await place.router(yaml(crm, '{ names: [party] }'));
    expect((await ring(url, number)).variables).to.deep.equal({ name: 'Ada', mail: 'ada@x.test' });
    expect(crm.requests[0]?.path).to.equal(`/people?number=${encodeURIComponent(number)}`);
    const [event] = await eventually(async () => {
      const { items } = await router.get(Store).events({ limit: 1 });
      return items.length > 0 && items;
    });
    const data = JSON.parse(Buffer.from(event?.body ?? []).toString());
    expect([event?.party, data.from_number, data.answer.from, data.answer.variables]).to.deep.equal([
      ...[null, '[phone]', '[phone]', { name: 'Ada', mail: '[email]' }],
    ]);
  });

  it('shows what would be kept when a body is explained', async () => {
    const { router } = await place.router(yaml(crm, '{}'));
    const [explained] = await router.explain('agents', JSON.parse(endedBody({ note: `call ${number}` })));
    expect(explained?.event.data).to.deep.include({ note: 'call [phone]' });
  });

  it('reports a wrong path with its place in the file', async () => {
    const text = yaml(crm, '{ paths: [a..b] }');
    const failure = await place.router(text).catch((error: Error) => error);
    expect(String(failure)).to.match(
      /switchhook\.yaml:7:\d+ +INVALID_VALUE +sources\.agents\.mask\.paths\[0\]: expected a path/,
    );
  });
});
