/** What a failure of SMTP means: the one table from reply codes to outcomes. */
import type { Outcome } from '@switchhook/sdk';
import type { NodemailerError } from 'nodemailer';

/** A recipient that the server refused. */
export interface Refusal {
  readonly recipient: string;
  readonly reply: string;
  /** True where the server may accept it later. */
  readonly isPassing: boolean;
}

/** The outcome of a failure, and whether the server gave it, so that it is certain. */
export interface Verdict {
  readonly outcome: Exclude<Outcome, { readonly kind: 'delivered' }>;
  readonly isAnswered: boolean;
}

/** A reply may repeat the whole message. */
const longestReply = 300;
/** RFC 4954: authentication required. */
const authenticationRequired = 530;
/** RFC 5321: the message is too large. */
const tooLarge = 552;

/** The outcome of an error. `ownsSender`: the sender is the operator's, who has to change it where the server does not accept it. */
export function verdictOf(error: NodemailerError, ownsSender: boolean): Verdict {
  const { code, response, responseCode, permanent, command = '' } = error;
  if (response === undefined || responseCode === undefined) return { outcome: withoutReply(error), isAnswered: false };
  const reason = `${stepOf(command)}: ${oneLine(response)}`;
  // What is no reply to anything leaves open what became of the message.
  const isAnswered = code !== 'EPROTOCOL';
  if (permanent !== true) return { outcome: { kind: 'unavailable', reason }, isAnswered };
  const isAboutMessage =
    command === 'MAIL FROM' ? !ownsSender || responseCode === tooLarge : ['RCPT TO', 'DATA'].includes(command);
  return isAboutMessage && responseCode !== authenticationRequired
    ? { outcome: { kind: 'rejected', reason }, isAnswered }
    : { outcome: { kind: 'unavailable', reason, needsOperator: true }, isAnswered };
}

/** The recipients that were refused. */
export function refusalsIn(error: NodemailerError): readonly Refusal[] {
  const { recipient, response = error.message, permanent } = error;
  return recipient === undefined ? [] : [{ recipient, reply: oneLine(response), isPassing: permanent !== true }];
}

function withoutReply(error: NodemailerError): Verdict['outcome'] {
  const { code = '', originalCode = '', message } = error;
  switch (code) {
    case 'EENVELOPE':
    case 'EMESSAGE':
    case 'EMAXRECIPIENTS':
      return { kind: 'rejected', reason: oneLine(message) };
    case 'EABORT':
      return { kind: 'unavailable', reason: 'no reply in time' };
    case 'EAUTH':
    case 'ETLS':
      return { kind: 'unavailable', reason: oneLine(message), needsOperator: true };
    case 'ECONNECTION':
      return { kind: 'unavailable', reason: 'the server closed the connection' };
  }
  const isCertificate = /CERT|SIGNATURE|ALTNAME|ERR_SSL/.test(originalCode || code);
  return {
    kind: 'unavailable',
    reason: oneLine(message),
    ...(isCertificate && { needsOperator: true }),
  };
}

function stepOf(command: string): string {
  if (command === 'MAIL FROM') return 'the server does not accept the sender';
  if (command === 'RCPT TO') return 'the server accepts no recipient';
  if (command === 'DATA') return 'the server does not accept the message';
  if (command === 'STARTTLS') return 'the server offers no encryption by STARTTLS';
  if (command.startsWith('AUTH')) return 'the server refuses the log-in';
  return 'the server refuses the connection';
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, longestReply);
}
