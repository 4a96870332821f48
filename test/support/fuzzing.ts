/** How random tests run: short and alike by default, otherwise with another `FUZZ_SEED`, longer with `FUZZ_RUNS`. */
import type { Parameters } from 'fast-check';

const { FUZZ_SEED, FUZZ_RUNS } = process.env;
/** What a change has not broken must not fail it. */
const usualSeed = 20_261_121;

/** Parameters of `fc.assert`; what fails prints its seed. */
export function fuzzing<T>(runs: number): Parameters<T> {
  return {
    numRuns: FUZZ_RUNS === undefined ? runs : Number(FUZZ_RUNS),
    seed: Number(FUZZ_SEED ?? usualSeed),
  };
}
