import { openCatalog } from '@switchhook/core/internal';
import elevenlabs from '@switchhook/plugin-elevenlabs';
import openai from '@switchhook/plugin-openai';
import retell from '@switchhook/plugin-retell';
import sigmamind from '@switchhook/plugin-sigmamind';
import synthflow from '@switchhook/plugin-synthflow';
import telnyx from '@switchhook/plugin-telnyx';
import vapi from '@switchhook/plugin-vapi';
import type { Answer, JsonObject } from '@switchhook/sdk';
import { receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { repository, workplace } from '../support/workplace.js';

const plugins = [sigmamind, retell, vapi, elevenlabs, telnyx, synthflow, openai];

/** Per platform: its row of the configuration, and which agent its reply names where the answer names none or another. */
const platforms: readonly {
  readonly use: string;
  /** `PLATFORM` stands for the URL of an API. */
  readonly row: string;
  readonly agents: readonly [own: string | null, gold: string | null];
}[] = [
  { use: 'sigmamind.call', row: 'token: a-token', agents: [null, 'agent_gold'] },
  { use: 'retell.call', row: 'secrets: [key_added, key_old]', agents: [null, 'agent_gold'] },
  { use: 'vapi.call', row: 'secrets: a-secret, assistant: asst_1, signature: {}', agents: ['asst_1', 'agent_gold'] },
  { use: 'synthflow.call', row: 'tokens: [token_added, token_old]', agents: [null, 'agent_gold'] },
  // Their replies have no field for another agent.
  { use: 'elevenlabs.call', row: 'secrets: a-secret', agents: [null, null] },
  { use: 'telnyx.call', row: 'testKey: a-key, tokens: [token_added, token_old]', agents: [null, null] },
  {
    use: 'openai.call',
    row: `secrets: whsec_${'MDEyMzQ1Njc4OWFiY2RlZg=='}, apiKey: a-key, model: gpt-realtime, baseUrl: PLATFORM,
      session: { prompt: { id: "\${{ agent == null ? 'pmpt_1' : agent }}", variables: "\${{ variables }}" } }`,
    agents: ['pmpt_1', 'agent_gold'],
  },
];

/** The answer in a request to OpenAI's API. */
function sentAnswer({ prompt }: JsonObject): Answer {
  const { id: overrideAgent, variables } = Object(prompt);
  return { variables, overrideAgent };
}

const configuration = (use: string, row: string): string => `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: memory }
sources:
  calls: { use: ${use}, ${row} }
resolvers:
  customer: { use: table.lookup, file: ./customers.csv, key: phone }
answers:
  - name: front-desk
    from: calls
    resolve: customer
    variables: { first_name: "\${{ customer.first_name }}", tier: "\${{ customer.tier }}" }
    defaults: { first_name: there, tier: basic }
    overrideAgent: "\${{ customer.tier == 'gold' ? 'agent_gold' : '' }}"
`;

describe('One configuration of answers', () => {
  it('is tried with every source of calls that there is', async () => {
    const installed = await openCatalog(repository).all();
    const answering = installed
      .flatMap((loaded) => ('plugin' in loaded ? loaded.plugin.components : []))
      .flatMap((component) => (component.kind === 'source' && component.calls === true ? [component.type] : []));
    expect(platforms.map(({ use }) => use).toSorted()).to.deep.equal(answering.toSorted());
  });

  for (const { use, row, agents } of platforms)
    it(`serves the callers of ${use} with its row changed alone`, async () => {
      const place = await workplace();
      await place.write('customers.csv', 'phone,first_name,tier\n+12025551001,Ada,gold\n+12025551002,Jim,basic\n');
      const platform = await receiver();
      const { router, url, lines } = await place.router(configuration(use, row.replace('PLATFORM', platform.url)));
      const component = plugins.flatMap(({ components }) => components).find(({ type }) => type === use);
      const post = async (body: JsonObject, isSigned = true) => {
        const text = JSON.stringify(body);
        const { headers, rest } = (isSigned && router.signed('calls', Buffer.from(text))) || { headers: {}, rest: '' };
        const json = { 'content-type': 'application/json' };
        const response = await fetch(`${url}/hooks/calls${rest}`, {
          method: 'POST',
          headers: { ...json, ...headers },
          body: text,
        });
        return { status: response.status, body: (await response.json()) as JsonObject };
      };
      const bodyFrom = (from: string) => component?.callBody?.({ from, to: '+12345678913', agent: null }) ?? {};
      const sent = new Map<string, Answer>();
      const answerTo = async (from: string): Promise<Answer | null> => {
        const { status, body } = await post(bodyFrom(from));
        expect(status).to.equal(200);
        if (component?.answerBy !== 'call') return component?.answerIn?.(body) ?? null;
        // The answer to a repeated request is the one that was sent.
        const isRepeated = sent.has(from);
        const request = isRepeated ? undefined : (await platform.received(sent.size + 1)).at(-1);
        if (request !== undefined) sent.set(from, sentAnswer(Object(request.json())));
        return sent.get(from) ?? null;
      };

      const [own, gold] = agents;
      expect(await answerTo('+12025551002')).to.deep.equal({
        variables: { first_name: 'Jim', tier: 'basic' },
        overrideAgent: own,
      });
      const ada = { variables: { first_name: 'Ada', tier: 'gold' }, overrideAgent: gold };
      expect(await answerTo('+12025551001')).to.deep.equal(ada);
      expect(await answerTo('+12025551001'), 'a repeated request').to.deep.equal(ada);
      const byDefault = { variables: { first_name: 'there', tier: 'basic' }, overrideAgent: own };
      expect(await answerTo('+12025559999')).to.deep.equal(byDefault);
      expect(await answerTo('')).to.deep.equal(byDefault);
      expect((await post(bodyFrom('+12025551001'), false)).status).to.equal(401);
      const ignored = lines.filter((line) => line.includes('"override.ignored"'));
      expect(ignored).to.have.length(gold === null ? 1 : 0);
      expect(platform.requests).to.have.length(sent.size);
      await place.close();
      await platform.close();
    });
});
