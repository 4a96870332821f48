/** What is wrong with a file, and on which line. */
export class FileProblem extends Error {
  constructor(
    message: string,
    /** From 1; null if unknown. */
    readonly line: number | null = null,
  ) {
    super(message);
  }
}
