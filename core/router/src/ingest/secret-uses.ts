/** Which of the secrets of each source senders have used since the router started: whether an old one can be removed. */
import type { VerifiedBy } from '@switchhook/sdk';

/** A secret by its position, and how often requests had it. */
export interface SecretUse extends VerifiedBy {
  readonly requests: number;
  /** When one had it last. */
  readonly lastMs: number;
}

export class SecretUses {
  /** By source, then by position and length of the list: agents of a source may have lists of their own. */
  readonly #bySource = new Map<string, Map<string, SecretUse>>();

  note(source: string, { secret, of }: VerifiedBy, nowMs: number): void {
    const uses = this.#bySource.get(source) ?? new Map<string, SecretUse>();
    this.#bySource.set(source, uses);
    const key = `${secret}/${of}`;
    uses.set(key, { secret, of, requests: (uses.get(key)?.requests ?? 0) + 1, lastMs: nowMs });
  }

  /** The shortest list first, then by position. */
  of(source: string): readonly SecretUse[] {
    return [...(this.#bySource.get(source)?.values() ?? [])].sort((a, b) => a.of - b.of || a.secret - b.secret);
  }
}
