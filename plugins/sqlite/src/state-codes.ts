/** How the states of a delivery are written in the file. */
import type { DeliveryState, Settlement } from '@switchhook/sdk';

/** `behind` is waiting, behind an older delivery of its line: it becomes `waiting` when its turn comes. */
export const codes = { waiting: 0, running: 1, behind: 2, delivered: 3, skipped: 4, dead: 5 } as const;

/** What the backlog counts. */
export type Counted = 'waiting' | 'running' | 'dead';

const names: readonly DeliveryState[] = ['waiting', 'running', 'waiting', 'delivered', 'skipped', 'dead'];

/** The state that a number stands for. */
export function stateOf(code: number): DeliveryState {
  const name = names[code];
  if (name === undefined) throw new Error(`the file holds a delivery in the unknown state ${code}`);
  return name;
}

/** What a delivery counts as in the backlog; null = as nothing. */
export function countedAs(code: number, reason: string | null): Counted | null {
  const state = stateOf(code);
  if (state === 'dead') return reason === 'discarded' ? null : state;
  return state === 'waiting' || state === 'running' ? state : null;
}

/** The number for what a settlement makes of a delivery. */
export function codeAfter(settlement: Settlement): number {
  return codes[settlement.state];
}
