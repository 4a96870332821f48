/** Refused requests, as the API returns them, and how the page words them. */
import { count } from './wording.js';

/** Whose secret it is: that of an agent, or of the whole source. */
export interface SecretOwner {
  readonly source: string;
  readonly agent: string | null;
}

/** What a refused request has in common with those of its group. */
export interface Refusal {
  readonly code: string;
  readonly reason: string;
  /** As the request names it, not verified; null where the source does not know it. */
  readonly agent: string | null;
  /** Null where it was refused for another reason. `expected`: null = that of any agent. */
  readonly secret: { readonly expected: SecretOwner | null; readonly fits: readonly SecretOwner[] } | null;
}

export interface RefusedRequest extends Refusal {
  readonly id: string;
  readonly at: string;
  /** Empty: there is no such source. */
  readonly source: string;
  readonly remoteAddress: string;
  readonly method: string;
  /** Whether it is kept whole. */
  readonly captured: boolean;
  readonly bytes: number | null;
}

/** Requests that were refused for the same reason. */
export interface RefusalGroup extends Refusal {
  /** Empty: there is no such source. */
  readonly source: string;
  /** What to do about it. */
  readonly advice: string;
  readonly requests: number;
  readonly firstAt: string;
  readonly lastAt: string;
}

/** Where the refused requests of a source are listed. Those without a source have a code of their own. */
export function refusedQuery(source: string): Readonly<Record<string, string>> {
  return source === '' ? { code: 'NOT_FOUND' } : { source };
}

/** Whose secret was expected, and whose the request has. Empty where the secret is not the reason. */
export function secretText({ secret }: Pick<Refusal, 'secret'>): string {
  if (secret === null) return '';
  const expected = secret.expected === null ? 'an agent' : ownerText(secret.expected);
  return `That of ${expected} was expected. ${ownersText(secret)}`.trim();
}

/** Whose secret a request has instead of the expected one. Empty where none was found. */
export function ownersText({ fits }: NonNullable<Refusal['secret']>): string {
  return fits.length === 0 ? '' : `The secret is that of ${fits.map(ownerText).join(', ')}.`;
}

function ownerText({ source, agent }: SecretOwner): string {
  return agent ?? source;
}

/** Where a request came from: `POST from 127.0.0.1, 312 bytes`. */
export function originText({ method, remoteAddress, bytes }: RefusedRequest): string {
  const size = bytes === null ? '' : `, ${count(bytes, 'byte', 'bytes')}`;
  return `${method} from ${remoteAddress}${size}`;
}
