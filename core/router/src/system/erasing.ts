/** What the parts of the router that keep something in memory need to know of an erasure, and the salted hashes of what was erased. */
import { createHash } from 'node:crypto';
import { type NamedToken, token } from '@switchhook/sdk';

/** What may be about the erased person, conversation or agent. */
export interface Candidate {
  /** What is searched for numbers, and for the id of a conversation. */
  readonly text: () => string;
  readonly subject: string | null;
  readonly agent: string | null;
  /** As it was read. */
  readonly party: string | null;
  readonly receivedAtMs: number;
}

/** What has been erased, or in a dry run would be. */
export interface ErasedThings {
  readonly eventIds: ReadonlySet<string>;
  /** Conversations of the events. */
  readonly subjects: ReadonlySet<string>;
  /** The number that was named, as it stands in events; where none was named, those of the other persons of the events. None is withheld. */
  readonly numbers: ReadonlySet<string>;
  /** That was named, and nothing beside it; null otherwise. */
  readonly agent: string | null;
  /** Whether all that was named holds for something else: for what is no event yet, or never became one. */
  isAbout(candidate: Candidate): boolean;
}

/** How many entries were removed from memory, by kind. */
export type Removed = { readonly [Kind in (typeof removedKinds)[number]]?: number };

/** `calls`: answers kept for repeated requests. `facts`: what resolvers found. `refused`: refused requests, whole or listed. */
export const removedKinds = ['calls', 'facts', 'refused', 'duplicates', 'incomplete', 'unrecorded'] as const;

/** A part that keeps something of events or calls in memory, or in the store beside the events. */
export interface Forgetful {
  /** Removes what is about it. In a dry run it only counts. */
  forget(erased: ErasedThings, isDryRun: boolean): Removed | Promise<Removed>;
}

/** All of them. */
export const ForgetfulParts: NamedToken<readonly Forgetful[]> = token('switchhook.ForgetfulParts');

/** Removes the entries of a map that fit, and returns how many. In a dry run it only counts. */
export function removeFitting<K, V>(
  entries: Iterable<readonly [K, V]>,
  fits: (key: K, value: V) => boolean,
  remove: (key: K) => void,
  isDryRun: boolean,
): number {
  const found = [...entries].filter(([key, value]) => fits(key, value));
  if (!isDryRun) for (const [key] of found) remove(key);
  return found.length;
}

/** SHA-256 of `salt:value` in hex: shows whether a value was erased to those who know the value. */
export function saltedHash(salt: string, value: string): string {
  return createHash('sha256').update(`${salt}:${value}`).digest('hex');
}
