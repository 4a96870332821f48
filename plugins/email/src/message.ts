/** `email.message`: sends a mail for an event, once. */
import { domainToASCII } from 'node:url';
import {
  Clock,
  ComponentInfo,
  type Delivery,
  type Destination,
  defineDestination,
  deliveryScope,
  fingerprint,
  isOutcomeError,
  Ledger,
  type Outcome,
  OutcomeError,
  outcomeOfFailure,
  problem,
  rejected,
  rejectOnce,
  type Scope,
  State,
  type Step,
  scopes,
  type TextTemplate,
  text,
  z,
} from '@switchhook/sdk';
import type { SendMailOptions } from 'nodemailer';
import { type Sent, SmtpAccount } from './account.js';
import { type Address, addressIn, oneLine } from './address.js';
import { inHtml } from './html.js';
import { accountOptions, checkAccount } from './options.js';

/** For how long another delivery with the same `once` waits: longer than an attempt by default. */
const holdMs = 120_000;
/** Longer ones are cut. RFC 5322 allows lines of 998 characters. */
const longestSubject = 255;
/** RFC 5321: a server takes at least so many recipients of one message. */
const mostRecipients = 100;
const longestReason = 500;

const recipients = (description: string) =>
  z
    .union([text(description), z.array(text('An address.')).min(1).max(mostRecipients)])
    .transform((value) => (Array.isArray(value) ? value : [value]))
    .meta({ description });

const options = z
  .strictObject({
    ...accountOptions,
    from: text('Sender: `calls@example.com` or `Calls <calls@example.com>`.'),
    to: recipients('Recipient, or a list of them, each one address with or without a name. Empty ones are left out.'),
    cc: recipients('Recipients of a copy, as in `to`.').optional(),
    bcc: recipients('Recipients of a copy that the others do not see, as in `to`.').optional(),
    replyTo: text('Address for replies. Default, and where it is empty: the sender.').optional(),
    subject: text('Subject. Line breaks become spaces, and it is cut to 255 characters.'),
    text: text('Text of the mail. Either this, html or both.').optional(),
    html: text(
      'HTML of the mail. Values of `${{ }}` are escaped, and their line breaks become `<br>`.',
      scopes.destination,
      inHtml,
    ).optional(),
    once: text('Events for which it comes to the same text are sent once, within 30 days.').prefault('${{ event.id }}'),
    whenUnsure: z.enum(['send', 'skip']).default('send').meta({
      description:
        'What to do after a connection that broke between the message and the reply: `send` it again, so that it may arrive twice, or `skip` it, so that it may be lost.',
    }),
  })
  .superRefine((row, ctx) => {
    checkAccount(row, ctx);
    if (row.text === undefined && row.html === undefined)
      ctx.addIssue({ ...problem('expected text, html or both'), path: ['text'], params: { problem: 'MISSING_KEY' } });
    for (const name of ['from', 'to', 'cc', 'bcc', 'replyTo'] as const)
      for (const [index, part] of [row[name] ?? []].flat().entries())
        if (part.constant && addressIn(part.render({})) === null)
          ctx.addIssue({
            ...problem('expected one e-mail address, with or without a name: Calls <calls@example.com>'),
            path: Array.isArray(row[name]) && row[name].length > 1 ? [name, index] : [name],
          });
  });

type Row = z.output<typeof options>;

export const message = defineDestination({
  type: 'email.message',
  description: 'Sends an e-mail over SMTP.',
  options,
  // What a provider allows is unknown here. A server may take minutes to check a message: the longer it is waited for, the fewer come twice.
  limits: { concurrency: 2, timeout: '60s' },
  inject: { account: SmtpAccount, clock: Clock, state: State, info: ComponentInfo },
  create: (row, services): Destination => {
    const ledger = new Ledger(services.state, services.clock);
    return {
      deliver: async (delivery, signal) => {
        try {
          const letter = letterOf(row, delivery);
          const key = JSON.stringify([services.info.name, letter.once]);
          return await ledger.once(key, { owner: delivery.id, holdMs }, (step) =>
            send(services.account, row, letter, step, { delivery, signal }),
          );
        } catch (error) {
          return outcomeOfFailure(error);
        }
      },
      preview: (delivery) => {
        const { recipients: _, from, to, cc, bcc, replyTo, ...rest } = letterOf(row, delivery);
        const people = Object.entries({ from: [from], to, cc, bcc, replyTo: replyTo === null ? [] : [replyTo] });
        return Object.fromEntries([
          ...people.flatMap(([name, list]) => (list.length === 0 ? [] : [[name, list.map(written).join(', ')]])),
          ...Object.entries(rest).filter(([, value]) => value !== null),
        ]);
      },
      probe: (signal) => services.account.probe(signal),
    };
  },
});

/** A mail, filled in. */
interface Letter {
  readonly once: string;
  /** The same in each attempt, so that the receiving side can recognise a copy. */
  readonly messageId: string;
  readonly from: Address;
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  readonly bcc: readonly Address[];
  readonly replyTo: Address | null;
  readonly subject: string;
  readonly text: string | null;
  readonly html: string | null;
  /** The addresses of all recipients, each once, by what they are called in reasons: an address is personal data. */
  readonly recipients: ReadonlyMap<string, string>;
}

/** Throws an `OutcomeError` where the event cannot be made a mail. */
function letterOf(row: Row, delivery: Delivery): Letter {
  const scope = deliveryScope(delivery);
  const addresses = (name: 'to' | 'cc' | 'bcc') => addressesOf(name, row[name] ?? [], scope);
  const [from] = addressesOf('from', [row.from], scope);
  const [to, cc, bcc] = [addresses('to'), addresses('cc'), addresses('bcc')];
  const once = row.once.render(scope).trim();
  if (from === undefined) throw rejected('from: the address is empty once it is filled in');
  if (to.length === 0) throw rejected('to: the event has no e-mail address there');
  if (once === '') throw rejected('once: it is empty once it is filled in');
  const recipients = new Map<string, string>();
  for (const [name, list] of Object.entries({ to, cc, bcc }))
    for (const [index, { address }] of list.entries())
      if (!recipients.has(address)) recipients.set(address, list.length === 1 ? name : `${name} ${index + 1}`);
  if (recipients.size > mostRecipients) throw rejected(`more than ${mostRecipients} recipients`);
  const domain = domainToASCII(from.address.slice(from.address.lastIndexOf('@') + 1)) || 'localhost';
  return {
    once,
    messageId: `<${delivery.id.replace(/[^\w.-]/g, '_')}@${domain}>`,
    from,
    to,
    cc,
    bcc,
    replyTo: addressesOf('replyTo', row.replyTo === undefined ? [] : [row.replyTo], scope)[0] ?? null,
    subject: [...oneLine(row.subject.render(scope))].slice(0, longestSubject).join(''),
    text: row.text?.render(scope) ?? null,
    html: row.html?.render(scope) ?? null,
    recipients,
  };
}

function addressesOf(name: string, templates: readonly TextTemplate[], scope: Scope): readonly Address[] {
  return templates.flatMap((template) => {
    const rendered = template.render(scope).trim();
    if (rendered === '') return [];
    const address = addressIn(rendered);
    if (address === null) throw rejected(`${name}: it is not one e-mail address once it is filled in`);
    return [address];
  });
}

/** Sends to those whom no earlier attempt has reached. */
async function send(
  account: SmtpAccount,
  row: Row,
  letter: Letter,
  step: Step,
  { delivery, signal }: { readonly delivery: Delivery; readonly signal: AbortSignal },
): Promise<Outcome> {
  const { recipients } = letter;
  const reached = new Set<string>();
  for (let time = 1; ; time += 1) {
    const left = [...recipients.keys()].filter((address) => !reached.has(fingerprint(address)));
    if (left.length === 0) return { kind: 'delivered', response: 'sent before' };
    let outcome = null as Outcome | null;
    const accepted = await step(`mail ${time}`, async (isUnsure) => {
      if (isUnsure && row.whenUnsure === 'skip') return null;
      const envelope = { from: letter.from.address, to: left };
      const sent = await account.send({ ...contentOf(letter), envelope }, row.from.constant, signal);
      outcome = outcomeFrom(sent, recipients);
      const refused = new Set(sent.refusals.map(({ recipient }) => recipient));
      return left.filter((address) => !refused.has(address)).map((address) => fingerprint(address));
    }).catch((error: unknown) => {
      if (!isOutcomeError(error)) throw error;
      throw new OutcomeError({ ...error.outcome, reason: anonymous(error.outcome.reason, recipients) });
    });
    if (outcome !== null) return outcome;
    for (const mark of accepted ?? []) reached.add(mark);
    // If an operator replays the delivery, the next step sends the mail.
    if (accepted === null)
      await rejectOnce(
        step,
        delivery,
        `skipped ${time}`,
        'the server may have accepted the mail: not sent again, because of whenUnsure',
      );
  }
}

function contentOf({ messageId, from, to, cc, replyTo, subject, text, html }: Letter): SendMailOptions {
  return {
    messageId,
    from,
    to: [...to],
    cc: [...cc],
    ...(replyTo !== null && { replyTo }),
    subject,
    ...(text !== null && { text }),
    ...(html !== null && { html }),
    // RFC 3834: an out-of-office assistant does not reply.
    headers: { 'auto-submitted': 'auto-generated' },
    xMailer: false,
  };
}

function outcomeFrom({ response, refusals }: Sent, recipients: Letter['recipients']): Outcome {
  if (refusals.length === 0) return { kind: 'delivered', response: anonymous(response, recipients) };
  const replies = refusals.map(({ recipient, reply }) => `${recipients.get(recipient) ?? 'one'}: ${reply}`);
  return {
    kind: refusals.some(({ isPassing }) => isPassing) ? 'unavailable' : 'rejected',
    reason: anonymous(`sent, but not to ${replies.join('; ')}`, recipients).slice(0, longestReason),
  };
}

/** Addresses by what they are called. */
function anonymous(reply: string, recipients: Letter['recipients']): string {
  return [...recipients].reduce((text, [address, name]) => text.replaceAll(address, name), reply);
}

/** An address as it is written. */
function written({ name, address }: Address): string {
  return name === '' ? address : `${name} <${address}>`;
}
