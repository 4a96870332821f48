/** Numbers of deliveries per destination, kept in memory so that no query counts rows. They follow each transaction and its rollback. */
import type { Backlog } from '@switchhook/sdk';
import { backlogStatements } from './sql.js';
import type { Database } from './sql-connection.js';
import type { Counted } from './state-codes.js';

type Numbers = Record<Counted, number>;

export class BacklogCounters {
  readonly #sql: ReturnType<typeof backlogStatements>;
  readonly #committed = new Map<string, Numbers>();
  #changes: { readonly destination: string; readonly from: Counted | null; readonly to: Counted | null }[] = [];

  constructor(db: Database) {
    this.#sql = backlogStatements(db);
    for (const { destination, count } of this.#sql.open.all()) this.#of(destination).waiting = count;
    for (const { destination, count } of this.#sql.dead.all()) this.#of(destination).dead = count;
    for (const { destination, count } of this.#sql.running.all()) {
      this.#of(destination).waiting -= count;
      this.#of(destination).running = count;
    }
  }

  /** Moves a delivery from one counter to another. Takes effect at the commit. */
  move(destination: string, from: Counted | null, to: Counted | null): void {
    if (from !== to) this.#changes.push({ destination, from, to });
  }

  commit(): void {
    for (const { destination, from, to } of this.#changes.splice(0)) this.#move(destination, from, to);
  }

  rollback(): void {
    this.#changes = [];
  }

  /** How many deliveries are open. */
  get open(): number {
    return [...this.#committed.values()].reduce((sum, { waiting, running }) => sum + waiting + running, 0);
  }

  backlog(): readonly Backlog[] {
    return [...this.#committed]
      .filter(([, { waiting, running, dead }]) => waiting + running + dead > 0)
      .map(([destination, numbers]) => {
        const oldestOpenMs = this.#sql.oldest.get(destination)?.created_at ?? null;
        return { destination, ...numbers, oldestOpenMs };
      });
  }

  #move(destination: string, from: Counted | null, to: Counted | null): void {
    const numbers = this.#of(destination);
    if (from !== null) numbers[from] -= 1;
    if (to !== null) numbers[to] += 1;
  }

  #of(destination: string): Numbers {
    let numbers = this.#committed.get(destination);
    if (numbers === undefined) {
      numbers = { waiting: 0, running: 0, dead: 0 };
      this.#committed.set(destination, numbers);
    }
    return numbers;
  }
}
