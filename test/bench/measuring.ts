/** What every scenario does: it loads a server, waits for a receiver, repeats itself, and makes rows of the report. */
import type { Load, Measured } from './load.js';
import { measure, receivedBy, type Server, secret } from './servers.js';

/** One line of the report. */
export interface Row {
  readonly id: string;
  readonly what: string;
  readonly figures: string;
  readonly ratio: number;
  readonly setTarget: string;
}

/** How much to do. */
export interface Size {
  readonly rounds: number;
  readonly requests: number;
  readonly backlog: number;
  readonly calls: number;
  /** Of a table. */
  readonly rows: number;
  /** For which a transaction is held open. */
  readonly minutes: number;
}

export const connections = 64;
/** Requests before a measurement: the first thousands run on code that is not compiled yet. */
export const warmUp = 5_000;

/** What was measured, and what it is compared with. */
export type Pair = readonly [measured: number, compared: number];

/** Loads a server once its code is compiled, then ends it. Throws where not all was accepted. */
export async function loaded(
  server: Server,
  load: Pick<Load, 'path' | 'requests' | 'label'>,
  end: (server: Server) => Promise<void> = (started) => started.stop(),
): Promise<Measured> {
  const whole = { ...load, port: server.port, secret, connections };
  await measure({ ...whole, requests: warmUp, label: `${load.label}-warm` });
  const measured = await measure(whole);
  await end(server);
  if (measured.statuses['200'] !== load.requests)
    throw new Error(`not all were accepted: ${JSON.stringify(measured.statuses)}`);
  return measured;
}

/** When a receiver has had so many requests. */
export async function arrived(receiver: Server, count: number): Promise<void> {
  while ((await receivedBy(receiver)) < count) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** The results of so many rounds. */
export async function repeated<T>(rounds: number, run: (round: number) => Promise<T>): Promise<readonly T[]> {
  const results: T[] = [];
  for (let round = 0; round < rounds; round += 1) results.push(await run(round));
  return results;
}

/** The medians of both sides; the rounds are told, too. */
export function perSecondRow(id: string, what: string, setTarget: string, pairs: readonly Pair[]): Row {
  const spread = pairs.map(([measured, compared]) => (measured / compared).toFixed(2)).join(' ');
  const [measured, compared] = [0, 1].map((side) => median(pairs.map((pair) => pair[side] ?? 0)));
  const row = ratioRow(id, what, setTarget, measured ?? 0, compared ?? 1);
  return { ...row, figures: `${row.figures} (rounds ${spread})` };
}

export function ratioRow(
  id: string,
  what: string,
  setTarget: string,
  measured: number,
  compared: number,
  digits = 0,
): Row {
  return {
    id,
    what,
    figures: `${measured.toFixed(digits)} ÷ ${compared.toFixed(digits)}`,
    ratio: measured / compared,
    setTarget,
  };
}

export function median(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
}
