/** What is known of senders that sign with HMAC: how they sign, and which values of their bodies are the fields of an event. */
import { commonFields, type EventFields, type SignatureSettings } from '@switchhook/sdk';

/** Settings of the sender's signature, and CEL for the fields. */
interface Preset {
  readonly signature: SignatureSettings;
  readonly fields: { readonly [name in keyof EventFields]?: string };
  /** Query parameters of a handshake by GET; empty = the sender has none. */
  readonly handshake: { readonly challenge?: string; readonly tokenParameter?: string };
}

/** By name. */
export const presets = {
  custom: { signature: {}, fields: commonFields, handshake: {} },
  /** https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries. A delivery that is repeated has the same id. */
  github: {
    signature: { header: 'X-Hub-Signature-256', prefix: 'sha256=' },
    fields: {
      type: 'default(headers["x-github-event"] + default("." + body.action, ""), null)',
      key: 'default(headers["x-github-delivery"], null)',
    },
    handshake: {},
  },
  /** As the library `stripe` verifies it: other versions than `v1` do not count. */
  stripe: {
    signature: { header: 'Stripe-Signature', separator: ',', timestampPrefix: 't=', prefix: 'v1=' },
    fields: {
      type: 'default(body.type, null)',
      key: 'default(body.id, null)',
      subject: 'default(body.data.object.id, null)',
      occurredAt: 'default(body.created, null)',
    },
    handshake: {},
  },
  /** https://api.slack.com/authentication/verifying-requests-from-slack */
  slack: {
    signature: {
      header: 'X-Slack-Signature',
      prefix: 'v0=',
      timestampHeader: 'X-Slack-Request-Timestamp',
      signed: 'v0:{timestamp}:{body}',
    },
    fields: {
      type: 'default(body.event.type, default(body.type, null))',
      key: 'default(body.event_id, null)',
      agent: 'default(body.api_app_id, null)',
      occurredAt: 'default(body.event_time, null)',
    },
    handshake: {},
  },
  /** https://developers.facebook.com/docs/graph-api/webhooks/getting-started. The fields of bodies differ by product. */
  meta: {
    signature: { header: 'X-Hub-Signature-256', prefix: 'sha256=' },
    fields: commonFields,
    handshake: { challenge: 'hub.challenge', tokenParameter: 'hub.verify_token' },
  },
  /** https://www.dropbox.com/developers/reference/webhooks */
  dropbox: {
    signature: { header: 'X-Dropbox-Signature' },
    fields: commonFields,
    handshake: { challenge: 'challenge' },
  },
} satisfies Readonly<Record<string, Preset>>;
