/** Room for bodies that are being read, of all requests together: a thousand senders that stall must not fill the memory. */

export class BodyRoom {
  readonly #mostBytes: number;
  #taken = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** False where there is no room for so many bytes more. */
  take(bytes: number): boolean {
    if (this.#taken > 0 && this.#taken + bytes > this.#mostBytes) return false;
    this.#taken += bytes;
    return true;
  }

  free(bytes: number): void {
    this.#taken -= bytes;
  }
}
