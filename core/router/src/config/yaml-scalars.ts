/** Where the scalars of a YAML text are; and a value as YAML. */
import { parseAllDocuments, stringify, visit } from 'yaml';

/** A scalar as it stands in the text, keys included, and also what a merge key hides. */
export interface WrittenScalar {
  /** Characters from the start of the text. */
  readonly start: number;
  readonly end: number;
  readonly isKey: boolean;
}

/** All scalars of a text that has been read as a configuration, in the order of the text. */
export function writtenScalars(source: string): readonly WrittenScalar[] {
  const found: WrittenScalar[] = [];
  const options = { prettyErrors: false, resolveKnownTags: false, uniqueKeys: false } as const;
  for (const document of parseAllDocuments(source, options))
    visit(document, {
      Scalar: (key, { range }) => {
        if (range != null && range[1] > range[0]) found.push({ start: range[0], end: range[1], isKey: key === 'key' });
      },
    });
  return found.filter(({ start }, index) => start !== found[index - 1]?.start).sort((a, b) => a.start - b.start);
}

/** A value as YAML, each text without line breaks in one line. */
export function yamlOf(value: unknown): string {
  return stringify(value, { lineWidth: 0 });
}
