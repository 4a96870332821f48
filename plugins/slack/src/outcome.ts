/** What Slack's answer means. */
import { type FetchResponse, type Outcome, outcomeOf } from '@switchhook/sdk';

/**
 * Slack's error codes about the webhook or its channel, not about the message: an operator can fix it, and the message is still
 * wanted then. https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
 */
const mendable = new Set([
  'action_prohibited',
  'channel_is_archived',
  'channel_not_found',
  'invalid_token',
  'no_active_hooks',
  'no_service',
  'no_service_id',
  'no_team',
  'posting_to_general_channel_denied',
  'team_disabled',
  'user_not_found',
]);

/** The outcome of a response: as with any HTTP endpoint, except for error codes that are more precise than the status. */
export function outcomeFrom(response: FetchResponse, nowMs: number): Outcome {
  const outcome = outcomeOf(response, nowMs);
  const word = response.text().trim();
  if (outcome.kind === 'delivered' || !/^[a-z_]{3,60}$/.test(word)) return outcome;
  const reason = `${outcome.reason}: ${word}`;
  return mendable.has(word)
    ? { kind: 'unavailable', reason, needsOperator: true, response: word }
    : { ...outcome, reason };
}
