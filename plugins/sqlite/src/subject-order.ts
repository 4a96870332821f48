/**
 * Order by subject: at an ordered destination only the oldest open delivery of a subject can be claimed. The others have the
 * state `behind`, which the index of due deliveries excludes, so that a claim does not scan them, however many there are.
 */

import { orderStatements } from './sql.js';
import type { Database } from './sql-connection.js';

export class SubjectOrder {
  readonly #sql: ReturnType<typeof orderStatements>;
  #ordered: ReadonlySet<string>;

  constructor(db: Database) {
    this.#sql = orderStatements(db);
    this.#ordered = this.#read();
  }

  /** The subject whose order a delivery keeps while it is open; null = none, because its destination is not ordered. */
  orderedSubject(destination: string, subject: string | null): string | null {
    return this.#ordered.has(destination) ? subject : null;
  }

  /** Makes the oldest open delivery of a subject claimable. Called after a delivery of it was added, settled or changed. */
  advance(destination: string, subject: string | null): void {
    if (subject === null) return;
    const oldest =
      this.#sql.oldest.get(...[destination, subject, destination, subject, destination, subject])?.id ?? null;
    if (oldest === null) return;
    this.#sql.makeWaiting.run(oldest);
    this.#sql.makeBehind.run(destination, subject, oldest);
  }

  /** Applies a changed `ordered` of a destination. Updates all its open deliveries, once. */
  setOrdered(destination: string, ordered: boolean): void {
    if (this.#ordered.has(destination) === ordered) return;
    if (ordered) {
      this.#sql.addDestination.run(destination);
      this.#sql.setSubjects.run(destination);
      this.#sql.makeAllBehind.run(destination);
    } else {
      this.#sql.dropDestination.run(destination);
      this.#sql.clearSubjects.run(destination);
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
