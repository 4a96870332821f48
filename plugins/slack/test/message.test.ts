import slack from '@switchhook/plugin-slack';
import type { Delivery, JsonObject } from '@switchhook/sdk';
import {
  aDelivery,
  anEvent,
  type Behaviour,
  createComponent,
  cutOffResponse,
  destinationSuite,
  fakeServices,
  receiver,
} from '@switchhook/testkit';
import { expect } from 'chai';

const component = slack.components.find(({ type }) => type === 'slack.message');
const patience = (): AbortSignal => new AbortController().signal;
const withData = (data: JsonObject): Delivery => aDelivery({ event: anEvent({ data }) });

/** A destination and a receiver that stands in for Slack. */
async function slackWorld(options: JsonObject, behaviour: Behaviour = () => ({ status: 200, body: 'ok' })) {
  const far = await receiver(behaviour);
  const services = fakeServices();
  const close = async () => {
    await far.close();
    await services.close();
  };
  try {
    const row = { webhookUrl: `${far.url}/services/T000/B000/secret-token`, ...options };
    return { far, services, close, destination: createComponent('destination', component, row, services) };
  } catch (error) {
    await close();
    throw error;
  }
}

destinationSuite('slack.message', async () => {
  const accepted: string[] = [];
  const well: Behaviour = (request) => {
    accepted.push((request.json() as { text: string }).text);
    return { status: 200, body: 'ok' };
  };
  const { destination, far, close } = await slackWorld({ text: '${{ delivery.id }}' }, well);
  const refusing: Behaviour = () => ({ status: 400, body: 'invalid_payload' });
  return {
    destination,
    secrets: [`${far.url}/services/T000/B000/secret-token`, 'secret-token'],
    arrived: () => accepted,
    behave: (how) => {
      const hanging: Behaviour = () => 'hang';
      far.answer({ well, refusing, down: () => 503, hanging, 'cut-off': () => cutOffResponse }[how]);
    },
    close,
  };
}, ['erase', 'emits']);

describe('slack.message', () => {
  it('shows what it would post, without posting it', async () => {
    const { destination, far, close } = await slackWorld({ text: 'Call ${{ event.subject }} & more' });
    expect(destination.preview?.(aDelivery())).to.deep.equal({ text: 'Call conv_1 & more' });
    expect(far.requests).to.deep.equal([]);
    await close();
  });

  it('says why there would be nothing to post', async () => {
    const { destination, close } = await slackWorld({ text: '${{ event.data.summary }}' });
    expect(() => destination.preview?.(withData({ summary: '' }))).to.throw('the message is empty');
    await close();
  });

  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });
  const setup = async (options: JsonObject, behaviour?: Behaviour) => {
    const fixture = await slackWorld(options, behaviour);
    closing.push(fixture.close);
    return fixture;
  };
  /** What Slack gets for these options and this event. */
  const posted = async (options: JsonObject, data: JsonObject): Promise<JsonObject> => {
    const { destination, far } = await setup(options);
    const outcome = await destination.deliver(withData(data), patience());
    expect(outcome.kind).to.equal('delivered');
    return far.requests[0]?.json() as JsonObject;
  };

  it('posts text and blocks as JSON', async () => {
    const { destination, far } = await setup({
      text: 'Call ${{ event.subject }} ended after ${{ event.data.duration }} s',
      blocks: [
        { type: 'header', text: { type: 'plain_text', text: 'Call ended' } },
        { type: 'section', text: { type: 'mrkdwn', text: '*${{ event.agent }}*: ${{ event.data.duration }} s' } },
      ],
    });
    await destination.deliver(aDelivery(), patience());
    const [request] = far.requests;
    expect(request?.method).to.equal('POST');
    expect(request?.path).to.equal('/services/T000/B000/secret-token');
    expect(request?.headers['content-type']).to.equal('application/json; charset=utf-8');
    expect(request?.json()).to.deep.equal({
      text: 'Call conv_1 ended after 73 s',
      blocks: [
        { type: 'header', text: { type: 'plain_text', text: 'Call ended' } },
        { type: 'section', text: { type: 'mrkdwn', text: '*agent_sales*: 73 s' } },
      ],
    });
  });

  describe('what the caller said', () => {
    const said = 'R&D <!channel> <@U123> <https://evil.test|click> @channel';
    const shown = 'R&amp;D &lt;!channel&gt; &lt;@U123&gt; &lt;https://evil.test|click&gt; @\u2060channel';

    it('rings nobody and links to nothing, while the operator’s own markup works', async () => {
      const { text } = await posted({ text: '<!here> ${{ event.data.said }} <https://crm.test|CRM> & more' }, { said });
      expect(text).to.equal(`<!here> ${shown} <https://crm.test|CRM> & more`);
      const loud = await posted({ text: '${{ event.data.said }}' }, { said: '@Here @EVERYONE @group @jim' });
      expect(loud.text).to.equal('@\u2060Here @\u2060EVERYONE @\u2060group @jim');
    });

    it('does not change the label of a link', async () => {
      const section = {
        type: 'section',
        text: { type: 'mrkdwn', text: '<https://crm.test/${{ event.data.id }}|CRM>' },
      };
      const { text, blocks } = await posted({ text: section.text.text, blocks: [section] }, { id: '1&2|Pay> <!here>' });
      const shown = '<https://crm.test/1&amp;2%7CPay%3E &lt;!here&gt;|CRM>';
      expect([text, blocks]).to.deep.equal([shown, [{ ...section, text: { type: 'mrkdwn', text: shown } }]]);
    });

    it('is escaped in mrkdwn, and left as it is where Slack shows text literally', async () => {
      const literal = { type: 'plain_text', text: '${{ event.data.said }}' };
      const options = {
        blocks: [
          { type: 'header', text: literal },
          { type: 'section', text: { type: 'mrkdwn', text: '<!here> ${{ event.data.said }}' }, fields: [literal] },
          { type: 'not_invented_yet', text: '${{ event.data.said }}' },
          {
            type: 'actions',
            elements: [{ type: 'button', text: literal, url: 'https://crm.test/?a=1&b=${{ event.data.n }}' }],
          },
          {
            type: 'rich_text',
            elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: '${{ event.data.said }}' }] }],
          },
        ],
      };
      const { blocks } = await posted(options, { said, n: '1&c=2' });
      expect(blocks).to.deep.equal([
        { type: 'header', text: { type: 'plain_text', text: said } },
        {
          type: 'section',
          text: { type: 'mrkdwn', text: `<!here> ${shown}` },
          fields: [{ type: 'plain_text', text: said }],
        },
        { type: 'not_invented_yet', text: shown },
        {
          type: 'actions',
          elements: [
            { type: 'button', text: { type: 'plain_text', text: said }, url: 'https://crm.test/?a=1&b=1&c=2' },
          ],
        },
        { type: 'rich_text', elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: said }] }] },
      ]);
    });

    it('is text in a markdown block, whatever markdown it contains', async () => {
      for (const [value, expected] of [
        [said, 'R&amp;D &lt;\\!channel&gt; &lt;\\@U123&gt; &lt;https\\://evil.test\\|click&gt; \\@\u2060channel'],
        ['[text](https://evil.test)', '\\[text\\]\\(https\\://evil.test\\)'],
        ['![](https://evil.test/a.png)', '\\!\\[\\]\\(https\\://evil.test/a.png\\)'],
        ['[text]: https://evil.test', '\\[text\\]: https\\://evil.test'],
        [
          'see HTTPS://evil.test, www.evil.test, jim@evil.test',
          'see HTTPS\\://evil.test, www\\.evil.test, jim\\@evil.test',
        ],
        ['**a** __b__ ~~c~~ `d` \\[e', '\\*\\*a\\*\\* \\_\\_b\\_\\_ \\~\\~c\\~\\~ \\`d\\` \\\\\\[e'],
        ['# a\n- b\n1. c\n> d\n---\n===', '\\# a\n\\- b\n1\\. c\n&gt; d\n\\---\n\\==='],
        ['conv_1-a.b +12025550123 1.5', 'conv_1-a.b +12025550123 1.5'],
      ] as const) {
        const { blocks } = await posted(
          {
            blocks: [{ type: 'markdown', text: '# **Said** ${{ event.data.value }} [CRM](https://crm.test) <!here>' }],
          },
          { value },
        );
        const text = `# **Said** ${expected} [CRM](https://crm.test) <!here>`;
        expect(blocks).to.deep.equal([{ type: 'markdown', text }]);
      }
    });

    it('is part of the address where the operator wrote one in a markdown block', async () => {
      const url = 'https://rec.test/a_b(1)?c=1&d=[2]#e';
      const encoded = 'https://rec.test/a_b%281%29?c=1&d=%5B2%5D#e';
      const text =
        '[CRM](https://crm.test/${{ event.data.url }}) [Recording](${{ event.data.url }}) <${{ event.data.url }}>';
      const { blocks } = await posted({ blocks: [{ type: 'markdown', text }] }, { url });
      const expected = `[CRM](https://crm.test/${encoded}) [Recording](${encoded}) <${encoded}>`;
      expect(blocks).to.deep.equal([{ type: 'markdown', text: expected }]);
      const bare = [{ type: 'markdown', text: 'https://crm.test/${{ event.data.url }} _' }];
      const { blocks: posts } = await posted({ blocks: bare }, { url });
      expect(posts).to.deep.equal([{ type: 'markdown', text: `https://crm.test/${encoded} _` }]);
      const ended = await posted({ blocks: [{ type: 'markdown', text }] }, { url: 'a) [b](https://evil.test)' });
      expect(JSON.stringify(ended.blocks)).to.include('[Recording](a%29 \\\\[b\\\\]\\\\(https\\\\://evil.test\\\\))');
    });

    it('does not reach the type of a block, nor a field that Slack does not show', async () => {
      const block = { type: 'rich_text', block_id: 'a_[b]', elements: [] };
      expect((await posted({ blocks: '${{ event.data.list }}' }, { list: [block] })).blocks).to.deep.equal([block]);
      const markdown = { type: 'markdown', text: '[a](https://evil.test)' };
      const { blocks } = await posted({ blocks: '${{ event.data.list }}' }, { list: [markdown] });
      expect(blocks).to.deep.equal([{ type: 'markdown', text: '\\[a\\]\\(https\\://evil.test\\)' }]);
      const { blocks: raw } = await posted(
        { blocks: [{ type: '${{ event.data.a }}', alt_text: '${{ event.data.a }}' }] },
        { a: '_x_' },
      );
      expect(raw).to.deep.equal([{ type: '_x_', alt_text: '_x_' }]);
    });

    it('is escaped wherever it is within a value, keys of a map in a text too', async () => {
      const { text, blocks } = await posted(
        { text: '${{ event.data.map }}', blocks: '${{ event.data.blocks }}' },
        { map: { '<!channel>': '<!here>' }, blocks: [{ type: 'section', text: { type: 'mrkdwn', text: '<!here>' } }] },
      );
      expect(text).to.equal('{"&lt;!channel&gt;":"&lt;!here&gt;"}');
      expect(blocks).to.deep.equal([{ type: 'section', text: { type: 'mrkdwn', text: '&lt;!here&gt;' } }]);
    });
  });

  describe('a value that is no text', () => {
    it('is a dash where Slack would refuse an empty text', async () => {
      const section = { type: 'section', text: { type: 'mrkdwn', text: '${{ event.data.name }}' } };
      const { blocks } = await posted({ blocks: [section] }, { name: null });
      expect(blocks).to.deep.equal([{ type: 'section', text: { type: 'mrkdwn', text: '–' } }]);
    });

    it('is written as text where it is a number or a map', async () => {
      const text = (expression: string) => ({ type: 'mrkdwn', text: expression });
      const { blocks } = await posted(
        { blocks: [{ type: 'context', elements: [text('${{ event.data.n }}'), text('${{ event.data.map }}')] }] },
        { n: 73, map: { '<!here>': '&' } },
      );
      expect(blocks).to.deep.equal([{ type: 'context', elements: [text('73'), text('{"&lt;!here&gt;":"&amp;"}')] }]);
    });

    it('is left out where a block comes to null', async () => {
      const { blocks } = await posted(
        { text: 'a', blocks: ['${{ event.data.none }}', { type: 'divider' }] },
        { none: null },
      );
      expect(blocks).to.deep.equal([{ type: 'divider' }]);
    });

    it('is no message where it is all there is', async () => {
      const { destination, far } = await setup({ text: '${{ event.data.name }}' });
      expect(await destination.deliver(withData({ name: null }), patience())).to.deep.equal({
        kind: 'rejected',
        reason: 'the message is empty once it is filled in',
      });
      expect(far.requests).to.have.length(0);
    });
  });

  describe('what Slack answers', () => {
    const outcomeOf = async (status: number, body: string, headers: Record<string, string> = {}) => {
      const { destination } = await setup({ text: 'a' }, () => ({ status, body, headers }));
      return destination.deliver(aDelivery(), patience());
    };

    it('200 is delivered', async () => {
      expect(await outcomeOf(200, 'ok')).to.deep.equal({ kind: 'delivered', response: 'ok' });
    });

    for (const [status, word] of [
      [400, 'invalid_payload'],
      [400, 'invalid_blocks'],
      [400, 'no_text'],
      [400, 'too_many_attachments'],
      [413, ''],
    ] as const)
      it(`${status} ${word} is rejected: the message is wrong and stays wrong`, async () => {
        const outcome = await outcomeOf(status, word);
        expect(outcome.kind).to.equal('rejected');
        expect(outcome).to.have.property('reason').that.contains(word);
      });

    for (const [status, word] of [
      [400, 'user_not_found'],
      [403, 'action_prohibited'],
      [403, 'invalid_token'],
      [403, 'posting_to_general_channel_denied'],
      [404, 'channel_not_found'],
      [404, 'no_service'],
      [404, 'no_team'],
      [410, 'channel_is_archived'],
    ] as const)
      it(`${status} ${word} waits for an operator: the channel or webhook can be mended`, async () => {
        const outcome = await outcomeOf(status, word);
        expect(outcome).to.include({ kind: 'unavailable', needsOperator: true });
        expect(outcome).to.have.property('reason').that.contains(word);
      });

    it('429 and 5xx wait, as long as Slack wishes', async () => {
      expect(await outcomeOf(429, 'rate_limited', { 'retry-after': '30' })).to.deep.equal({
        kind: 'unavailable',
        reason: 'HTTP 429 Too Many Requests: rate_limited',
        retryAfterMs: 30_000,
        response: 'rate_limited',
      });
      const dated = await outcomeOf(429, '', { 'retry-after': 'Thu, 01 Jan 2026 00:01:00 GMT' });
      expect(dated).to.include({ kind: 'unavailable', retryAfterMs: 60_000 });
      expect(await outcomeOf(500, 'rollup_error'))
        .to.include({ kind: 'unavailable' })
        .and.not.have.property('needsOperator');
    });

    it('a redirect is not followed', async () => {
      const elsewhere = await setup({ text: 'a' });
      const outcome = await outcomeOf(302, '', { location: elsewhere.far.url });
      expect(outcome).to.include({ kind: 'unavailable', needsOperator: true });
      expect(elsewhere.far.requests).to.have.length(0);
    });
  });

  it('never lets the webhook URL into an outcome', async () => {
    const { destination, far } = await setup({ text: 'a' });
    await far.close();
    const said = JSON.stringify(await destination.deliver(aDelivery(), patience()));
    expect(said).to.contain('unavailable').and.not.to.contain('secret-token');
  });

  it('rejects what cannot be filled in, with the reason', async () => {
    const { destination } = await setup({ text: 'Hello ${{ event.data.nobody }}' });
    const outcome = await destination.deliver(aDelivery(), patience());
    expect(outcome.kind).to.equal('rejected');
    expect(outcome).to.have.property('reason').that.contains('event.data.nobody');
    const listless = await setup({ blocks: '${{ event.data.duration }}' });
    expect(await listless.destination.deliver(aDelivery(), patience())).to.deep.equal({
      kind: 'rejected',
      reason: 'blocks is not a list once it is filled in',
    });
  });

  describe('the options', () => {
    const refused = (options: JsonObject): Promise<string> => setup(options).then(() => 'accepted', String);

    it('need a text or blocks', async () => {
      expect(await refused({})).to.contain('expected text, blocks or both');
    });

    it('take only a list as blocks', async () => {
      expect(await refused({ blocks: { type: 'divider' } })).to.contain('expected a list of blocks');
    });

    it('take only a URL as webhook, and do not repeat what they refuse', async () => {
      const said = await refused({ text: 'a', webhookUrl: 'T000/B000/abc' });
      expect(said).to.contain('expected an http or https URL').and.not.to.contain('abc');
    });
  });

  it('probes by reaching the host, without posting', async () => {
    const { destination, far } = await setup({ text: 'a' }, () => 302);
    await destination.probe?.(patience());
    expect(far.requests.map(({ method, path }) => `${method} ${path}`)).to.deep.equal(['HEAD /']);
  });
});
