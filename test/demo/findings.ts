/** What the demo shows, and whether it is as it must be. */
import { isDeepStrictEqual } from 'node:util';

export class Findings {
  readonly #say: (text: string) => void;
  /** False once anything was not as expected. */
  right = true;

  constructor(say: (text: string) => void) {
    this.#say = say;
  }

  /** Begins a part. */
  section(title: string): void {
    this.#say(`\n${title}`);
  }

  /** Shows something that was found. */
  show(text: string): void {
    this.#say(`  ${text}`);
  }

  /** Says whether a claim holds. */
  expect(claim: string, found: unknown, expected: unknown): void {
    if (isDeepStrictEqual(found, expected)) this.#say(`  ✔ ${claim}`);
    else {
      this.right = false;
      this.#say(`  ✘ ${claim}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`);
    }
  }
}
