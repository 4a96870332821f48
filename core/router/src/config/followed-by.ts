/** The keys of sources that name types of events: `followedBy`, which event of a conversation follows which, and `retention`. */
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
      const keptMs = row.common?.retention?.events ?? keepMs;
      if (keptMs !== undefined && withinMs > keptMs)
        document.report('INVALID_VALUE', [...path, 'within'], 'must not be longer than the retention of the events');
      return { source: row.name, first, following, withinMs };
    }),
  );
}

/** Reports types that a source does not have, and bodies that would outlive their events. `keepMs`: events of the store. */
export function checkRetention(
  document: ConfigDocument,
  sources: readonly CheckedRow<'source'>[],
  keepMs: number | undefined,
): void {
  for (const row of sources) {
    const { retention } = row.common ?? {};
    const path = ['sources', row.name, 'retention'];
    const types = Object.keys(retention?.types ?? {});
    checkTypes(
      document,
      [...path, 'types'],
      [row],
      types.map((name) => ({ name, at: [...path, 'types', name] })),
    );
    const { events = keepMs, bodies } = retention ?? {};
    if (retention?.events === undefined && bodies !== undefined && events !== undefined && bodies > events)
      document.report('INVALID_VALUE', [...path, 'bodies'], 'must not be longer than the retention of the events');
  }
}
