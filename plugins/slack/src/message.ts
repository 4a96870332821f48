/** `slack.message`: posts a message through an incoming webhook, or as a bot. */
import {
  apiUrl,
  Clock,
  defineDestination,
  deliveryScope,
  excerptLimits,
  HttpClient,
  type JsonObject,
  outcomeOfFailure,
  problem,
  type Scope,
  State,
  scopes,
  secret,
  stringifyJson,
  template,
  text,
  z,
} from '@switchhook/sdk';
import { fittedBlocks } from './blocks.js';
import { post, whoAmI } from './bot.js';
import { cut, marked, unmarked } from './mrkdwn.js';
import { outcomeFrom } from './outcome.js';

/** Slack cuts longer texts itself: https://docs.slack.dev/changelog/2018-truncating-really-long-messages */
const maxText = 40_000;

const options = z
  .strictObject({
    webhookUrl: secret('URL of the incoming webhook. Either this or token.')
      .refine(isHttpUrl, problem('expected an http or https URL'))
      .optional(),
    token: secret('Token of a bot (`xoxb-…`) with the scope `chat:write`, which posts to `channel`.').optional(),
    channel: text('Id of the channel, such as `C0123456789`. Required with token.').optional(),
    thread: text(
      'With token: messages for which it comes to the same text form a thread, e.g. `${{ event.subject }}`. Default, and where it is empty: no thread.',
    ).optional(),
    baseUrl: apiUrl('https://slack.com/api', "URL of Slack's Web API, for token."),
    text: text(
      'Text in mrkdwn. Required without blocks; with blocks, the text of notifications. Values of `${{ }}` are escaped.',
      scopes.destination,
      marked,
    ).optional(),
    blocks: template('List of Block Kit blocks. Values of `${{ }}` are escaped.', scopes.destination, marked)
      .refine((blocks) => !blocks.constant || Array.isArray(blocks.render({})), {
        error: 'expected a list of blocks',
        params: { problem: 'WRONG_TYPE' },
      })
      .optional(),
  })
  .superRefine((row, ctx) => {
    const report = (path: string, message: string, kind = 'MISSING_KEY') =>
      ctx.addIssue({ code: 'custom', path: [path], message, params: { problem: kind } });
    if (row.text === undefined && row.blocks === undefined) report('text', 'expected text, blocks or both');
    const byBot = row.token !== undefined;
    if (!byBot && row.webhookUrl === undefined) report('webhookUrl', 'expected webhookUrl, or token and channel');
    if (byBot && row.webhookUrl !== undefined)
      report('webhookUrl', 'expected webhookUrl or token, not both', 'INVALID_VALUE');
    if (byBot && row.channel === undefined) report('channel', 'a bot posts to a channel: expected its id');
    for (const name of ['channel', 'thread'] as const)
      if (!byBot && row[name] !== undefined)
        report(name, `${name} is for a bot: a webhook belongs to one channel, and has no threads`, 'INVALID_VALUE');
  });

type Row = z.output<typeof options>;

export const message = defineDestination({
  type: 'slack.message',
  description: 'Posts a message to a Slack channel, by an incoming webhook or as a bot with a thread per conversation.',
  options,
  // One message a second for each channel or webhook, in short bursts more: https://docs.slack.dev/apis/web-api/rate-limits
  limits: { rateLimit: '60/m' },
  inject: { http: HttpClient, clock: Clock, state: State },
  create: (row, { http, clock, state }) => {
    const { webhookUrl = '', token = '', baseUrl } = row;
    const bot = { http, state, baseUrl, token };
    return {
      deliver: async (delivery, signal) => {
        try {
          const message = messageFor(row, deliveryScope(delivery));
          if (typeof message === 'string') return { kind: 'rejected', reason: message };
          const { content, channel, thread } = message;
          if (channel !== null) return await post(bot, { ...content, channel }, thread, clock.now(), signal);
          const response = await http.fetch(webhookUrl, {
            method: 'POST',
            headers: { 'content-type': 'application/json; charset=utf-8' },
            body: stringifyJson(content),
            ...excerptLimits,
            signal,
          });
          return outcomeFrom(response, clock.now());
        } catch (error) {
          return outcomeOfFailure(error);
        }
      },
      preview: (delivery) => {
        const message = messageFor(row, deliveryScope(delivery));
        if (typeof message === 'string') throw new Error(message);
        const { content, channel, thread } = message;
        return { ...(channel === null ? {} : { channel }), ...(thread === null ? {} : { thread }), ...content };
      },
      probe: async (signal) => {
        if (token !== '') return whoAmI(bot, clock.now(), signal);
        await http.fetch(new URL(webhookUrl).origin, { method: 'HEAD', signal, maxBytes: 0 });
        return null;
      },
    };
  },
});

/** A message. `channel` is null for a webhook, `thread` where there is none. */
interface Message {
  readonly content: JsonObject;
  readonly channel: string | null;
  readonly thread: string | null;
}

/** What Slack is sent, or why there is nothing to send. */
function messageFor(row: Row, scope: Scope): Message | string {
  const rendered = cut(unmarked(row.text?.render(scope) ?? '', 'mrkdwn'), maxText);
  const list = row.blocks?.render(scope) ?? [];
  if (!Array.isArray(list)) return 'blocks is not a list once it is filled in';
  const blocks = fittedBlocks(list);
  if (rendered.trim() === '' && blocks.length === 0) return 'the message is empty once it is filled in';
  const content = { ...(rendered === '' ? {} : { text: rendered }), ...(blocks.length === 0 ? {} : { blocks }) };
  const channel = row.channel?.render(scope).trim() ?? null;
  if (channel === '') return 'channel is empty once it is filled in';
  return { content, channel, thread: row.thread?.render(scope).trim() || null };
}

function isHttpUrl(address: string): boolean {
  return URL.canParse(address) && /^https?:$/.test(new URL(address).protocol);
}
