/** Which row answers a call. */
import type { Call } from '@switchhook/sdk';
import type { AnswerRow } from './answer.js';

/** The first row that matches a call; null where none does. `onFailure` is called for each whose `where` cannot be evaluated. */
export function answerFor(
  rows: readonly AnswerRow[],
  { source, call, now }: { readonly source: string; readonly call: Call; readonly now: Date },
  onFailure: (row: AnswerRow, error: unknown) => void,
): AnswerRow | null {
  const matches = (row: AnswerRow): boolean => {
    if (!row.from.includes(source)) return false;
    try {
      return row.where === null || row.where.evaluate({ call, now }) === true;
    } catch (error) {
      onFailure(row, error);
      return false;
    }
  };
  return rows.find(matches) ?? null;
}
