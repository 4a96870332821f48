/**
 * Lines: where a destination is ordered, the open deliveries of a subject stand one behind the other. Those behind are
 * kept out of the index of what is due, so that a claim does not walk past them, however long a line is.
 */
import type { Database } from 'better-sqlite3';
import { lineStatements } from './sql.js';

export class Lines {
  readonly #sql: ReturnType<typeof lineStatements>;
  #ordered: ReadonlySet<string>;

  constructor(db: Database) {
    this.#sql = lineStatements(db);
    this.#ordered = this.#read();
  }

  /** The line a delivery stands in while it is open; null = in none. */
  lineOf(destination: string, subject: string | null): string | null {
    return this.#ordered.has(destination) ? subject : null;
  }

  /** To be called when a delivery has come into a line, left it, or stopped running. */
  realign(destination: string, line: string | null): void {
    if (line === null) return;
    const oldest = this.#sql.oldest.get(...[destination, line, destination, line, destination, line])?.id ?? null;
    if (oldest === null) return;
    this.#sql.callForward.run(oldest);
    this.#sql.holdBack.run(destination, line, oldest);
  }

  /** Forms or dissolves the lines of a destination, where the configuration has changed. Touches all its open deliveries, once. */
  follow(destination: string, ordered: boolean): void {
    if (this.#ordered.has(destination) === ordered) return;
    if (ordered) {
      this.#sql.addDestination.run(destination);
      this.#sql.form.run(destination);
      this.#sql.holdBackAll.run(destination);
    } else {
      this.#sql.dropDestination.run(destination);
      this.#sql.dissolve.run(destination);
    }
    this.#ordered = this.#read();
  }

  rollback(): void {
    this.#ordered = this.#read();
  }

  #read(): ReadonlySet<string> {
    return new Set(this.#sql.destinations.all().map(({ destination }) => destination));
  }
}
