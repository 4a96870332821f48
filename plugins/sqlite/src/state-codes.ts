/** The codes that stand for the states of a delivery in the file. */
import type { DeliveryState, Settlement } from '@switchhook/sdk';

/** `behind`: waiting behind an older delivery of its subject; becomes `waiting` when that one is settled. */
export const stateCodes = {
  waiting: 0,
  running: 1,
  behind: 2,
  delivered: 3,
  skipped: 4,
  dead: 5,
  gathered: 6,
} as const;

/** The states that the backlog counts. */
export type Counted = 'waiting' | 'running' | 'dead';

const names: readonly DeliveryState[] = ['waiting', 'running', 'waiting', 'delivered', 'skipped', 'dead', 'gathered'];

/** The state of a code. */
export function stateOf(code: number): DeliveryState {
  const name = names[code];
  if (name === undefined) throw new Error(`the file holds a delivery in the unknown state ${code}`);
  return name;
}

/** The counter that includes a delivery; null = none. */
export function countedAs(code: number, reason: string | null): Counted | null {
  const state = stateOf(code);
  if (state === 'dead') return reason === 'discarded' ? null : state;
  return state === 'waiting' || state === 'running' ? state : null;
}

/** The code of a delivery after a settlement. */
export function codeAfter(settlement: Settlement): number {
  return stateCodes[settlement.state];
}
