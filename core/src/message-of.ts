/** What something that was thrown says: plugins throw whatever they like. */

/** The message of an error, or the text of anything else. Throws nothing. */
export function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.message) : String(thrown);
  } catch {
    // It cannot even be made a text.
    return 'it threw something that is no error';
  }
}
