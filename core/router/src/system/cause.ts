/** Which event is being delivered: what a destination emits meanwhile is emitted because of it. */
import { AsyncLocalStorage } from 'node:async_hooks';

/** An event, and how many events in a row were emitted because of each other to make it; 0 = a source received it. */
export interface Cause {
  readonly eventId: string;
  readonly hops: number;
}

const causes = new AsyncLocalStorage<Cause>();

/** Runs a function; `currentCause` is this one in it and in all that it awaits. */
export function causedBy<T>(cause: Cause, run: () => T): T {
  return causes.run(cause, run);
}

/** Null where no event is being delivered. */
export function currentCause(): Cause | null {
  return causes.getStore() ?? null;
}
