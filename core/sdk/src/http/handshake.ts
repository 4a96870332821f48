/** Handshakes of senders that verify a URL before they use it: a request with a challenge, which is the reply. */
import type { HttpReply, RawRequest } from '../contract/source.js';
import { refuse } from '../errors/refusal.js';
import { sameText } from './signature.js';

/** Where a sender puts what. */
export interface HandshakeSettings {
  /** Query parameter with the challenge, such as `hub.challenge`. */
  readonly challenge: string;
  /** Query parameter with a token that the sender was given, and the tokens that are accepted; null = the sender has none. */
  readonly token: { readonly parameter: string; readonly tokens: readonly string[] } | null;
}

/** Printable ASCII without spaces and without what is markup: `<`, `>`, `&` and quotes. */
const challengePattern = /^[!#-%(-;=?-~]{1,1024}$/;

/**
 * The reply to a handshake by query parameters: the challenge as plain text. Refuses as `UNVERIFIED` a token that is not a configured one,
 * compared in constant time, and as `MALFORMED` a challenge that is missing, longer than 1,024 characters, or could be markup.
 */
export function handshakeReply({ query }: Pick<RawRequest, 'query'>, settings: HandshakeSettings): HttpReply {
  const { token } = settings;
  if (token !== null) {
    const sent = query[token.parameter] ?? '';
    if (token.tokens.filter((one) => sameText(one, sent)).length === 0)
      throw refuse('UNVERIFIED', `the query parameter ${token.parameter} is not a configured token`);
  }
  const challenge = query[settings.challenge] ?? '';
  if (!challengePattern.test(challenge))
    throw refuse('MALFORMED', `the query parameter ${settings.challenge} is missing, or is no challenge`);
  return { status: 200, text: challenge };
}
