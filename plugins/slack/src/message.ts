/** `slack.message`: posts a message through an incoming webhook. */
import {
  Clock,
  defineDestination,
  deliveryScope,
  excerptLimits,
  HttpClient,
  type JsonObject,
  outcomeOfFailure,
  type Scope,
  scopes,
  secret,
  template,
  text,
  z,
} from '@switchhook/sdk';
import { fittedBlocks } from './blocks.js';
import { cut, marked, unmarked } from './mrkdwn.js';
import { outcomeFrom } from './outcome.js';

/** Slack cuts longer texts itself: https://docs.slack.dev/changelog/2018-truncating-really-long-messages */
const maxText = 40_000;

const options = z
  .strictObject({
    webhookUrl: secret('URL of the incoming webhook.').refine(isHttpUrl, {
      error: 'expected an http or https URL',
      params: { problem: 'INVALID_VALUE' },
    }),
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
  .refine((row) => row.text !== undefined || row.blocks !== undefined, {
    error: 'expected text, blocks or both',
    path: ['text'],
    params: { problem: 'MISSING_KEY' },
  });

export const message = defineDestination({
  type: 'slack.message',
  description: 'Posts a message to a Slack channel.',
  options,
  inject: { http: HttpClient, clock: Clock },
  create: (row, { http, clock }) => ({
    deliver: async (delivery, signal) => {
      try {
        const payload = payloadFor(row, deliveryScope(delivery));
        if (typeof payload === 'string') return { kind: 'rejected', reason: payload };
        const response = await http.fetch(row.webhookUrl, {
          method: 'POST',
          headers: { 'content-type': 'application/json; charset=utf-8' },
          body: JSON.stringify(payload),
          ...excerptLimits,
          signal,
        });
        return outcomeFrom(response, clock.now());
      } catch (error) {
        return outcomeOfFailure(error);
      }
    },
    preview: (delivery) => {
      const payload = payloadFor(row, deliveryScope(delivery));
      if (typeof payload === 'string') throw new Error(payload);
      return payload;
    },
    probe: async (signal) => {
      await http.fetch(new URL(row.webhookUrl).origin, { method: 'HEAD', signal, maxBytes: 0 });
    },
  }),
});

/** What Slack is sent, or why there is nothing to send. */
function payloadFor(row: z.output<typeof options>, scope: Scope): JsonObject | string {
  const rendered = cut(unmarked(row.text?.render(scope) ?? '', 'mrkdwn'), maxText);
  const list = row.blocks?.render(scope) ?? [];
  if (!Array.isArray(list)) return 'blocks is not a list once it is filled in';
  const blocks = fittedBlocks(list);
  if (rendered.trim() === '' && blocks.length === 0) return 'the message is empty once it is filled in';
  return { ...(rendered === '' ? {} : { text: rendered }), ...(blocks.length === 0 ? {} : { blocks }) };
}

function isHttpUrl(address: string): boolean {
  return URL.canParse(address) && /^https?:$/.test(new URL(address).protocol);
}
