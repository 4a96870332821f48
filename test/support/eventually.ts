/** What counts as not found. */
type Nothing = false | null | undefined;

/**
 * Looks until something is found, and resolves with it: what another process, or the server of a test, brings about. Looks every few
 * milliseconds: looking all the time would take the processor from what is waited for.
 */
export async function eventually<T>(look: () => T | Promise<T>): Promise<Exclude<T, Nothing>> {
  for (;;) {
    const found = await look();
    if (found !== false && found !== null && found !== undefined) return found as Exclude<T, Nothing>;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
