/** Room for bodies that are being read, of all requests together: a thousand senders that stall must not fill the memory. */

/** A body that is being read. */
export interface Guest {
  /** Bytes so far. */
  readonly length: number;
  /** Makes room for others: it is read no further. */
  leave(): void;
}

export class BodyRoom {
  readonly #mostBytes: number;
  readonly #guests = new Set<Guest>();
  #taken = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /**
   * Room for so many bytes more of a body, which its length does not count yet. Where there is none, the longest body
   * leaves, and so on: a few that stall shut nobody out. False where that would be this one.
   */
  take(guest: Guest, bytes: number): boolean {
    while (this.#taken + bytes > this.#mostBytes) {
      const longest = this.#longestBut(guest);
      if (longest === null) break;
      if (longest.length <= guest.length + bytes) return false;
      longest.leave();
    }
    this.#guests.add(guest);
    this.#taken += bytes;
    return true;
  }

  /** Its bytes are free again. */
  free(guest: Guest): void {
    if (this.#guests.delete(guest)) this.#taken -= guest.length;
  }

  #longestBut(guest: Guest): Guest | null {
    let longest: Guest | null = null;
    for (const other of this.#guests) if (other !== guest && other.length > (longest?.length ?? -1)) longest = other;
    return longest;
  }
}
