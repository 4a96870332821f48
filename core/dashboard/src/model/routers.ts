/** The routers that share the store, as the API returns them. */

/** One of them. */
export interface RouterStatus {
  readonly id: string;
  readonly name: string;
  readonly self: boolean;
  readonly version: string;
  readonly since: string;
  readonly goneSince: string | null;
  readonly configuration: string;
  readonly deliveries: Readonly<Record<string, number>>;
}

/** How many configurations those that are there run. */
export function configurationsOf(routers: readonly RouterStatus[]): number {
  const there = routers.filter(({ goneSince }) => goneSince === null);
  return new Set(there.map(({ configuration }) => configuration)).size;
}
