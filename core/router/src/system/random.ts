/** Chance: the one place where it comes from. */

/** For the jitter of retries: numbers from 0 to below 1. */
export const random: () => number = Math.random;
