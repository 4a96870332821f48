/** What a rule of the architecture is. */
import type { SourceFile } from '../source.js';

/** A promise about the source, that can be asked of any list of files. */
export interface Rule {
  /** What is promised. */
  readonly claim: string;
  /** What breaks it: `path:line what`, nothing where it is kept. */
  strays(files: readonly SourceFile[]): readonly string[];
  /** What breaks it, a file or several: planted beside the real ones, each must be caught. */
  readonly planted: readonly (SourceFile | readonly SourceFile[])[];
}

/** Where in a text a match is: `path:line match`. */
export function place({ path, text }: SourceFile, index: number, what: string): string {
  return `${path}:${text.slice(0, index).split('\n').length} ${what.trim()}`;
}
