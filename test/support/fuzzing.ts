/** How random tests run: short by default, and again as they were with `FUZZ_SEED`, longer with `FUZZ_RUNS`. */
import type { Parameters } from 'fast-check';

const { FUZZ_SEED, FUZZ_RUNS } = process.env;

/** Parameters of `fc.assert`; what fails prints its seed. */
export function fuzzing<T>(runs: number): Parameters<T> {
  return {
    numRuns: FUZZ_RUNS === undefined ? runs : Number(FUZZ_RUNS),
    ...(FUZZ_SEED === undefined ? {} : { seed: Number(FUZZ_SEED) }),
  };
}
