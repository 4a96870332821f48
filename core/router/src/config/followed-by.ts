/** The key `followedBy` of sources: which event of a conversation follows which. */
import type { Expectation } from '../monitor/incomplete.js';
import type { CheckedRow } from './component-rows.js';
import type { ConfigDocument } from './diagnostics.js';
import { checkTypes } from './references.js';

/** What sources expect. Reports types that the source does not have, and times beyond what the store keeps. */
export function expectationsOf(
  document: ConfigDocument,
  sources: readonly CheckedRow<'source'>[],
  keepMs: number | undefined,
): readonly Expectation[] {
  return sources.flatMap((row) =>
    Object.entries(row.common?.followedBy ?? {}).map(([first, { type: following, within: withinMs }]) => {
      const path = ['sources', row.name, 'followedBy', first];
      checkTypes(document, path, [row], [{ name: first, at: path }]);
      checkTypes(document, [...path, 'type'], [row]);
      if (following.includes(first))
        document.report('INVALID_VALUE', [...path, 'type'], `"${first}" cannot be followed by itself`);
      if (keepMs !== undefined && withinMs > keepMs)
        document.report('INVALID_VALUE', [...path, 'within'], 'must not be longer than the retention of the store');
      return { source: row.name, first, following, withinMs };
    }),
  );
}
