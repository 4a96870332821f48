/** Time: the one place that reads the clock and sets timers. */
import { signal } from '@preact/signals';

/** Milliseconds since 1970, by the browser's clock. */
export function now(): number {
  return Date.now();
}

/** Runs something once, later. Returns how to prevent it. */
export function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

/** Resolves later. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void after(ms, resolve));
}

/** The present, for ages that are shown. */
export const present = signal(now());

/** Reads the present again every five seconds. */
export function keepPresent(): void {
  setInterval(() => {
    if (document.visibilityState === 'visible') present.value = now();
  }, 5_000);
}
