/** What a search in the data of events has looked at, over its pages. */

/** Of one page, or of several. A test compares it with the API's own schema. */
export interface EventSearch {
  readonly examined: number;
  readonly examinedSince: string | null;
  readonly isComplete: boolean;
  readonly withoutData: number;
  readonly failed: number;
  readonly failure: string | null;
}

/** Of all pages so far, with the next one. */
export function together(one: EventSearch | undefined, next: EventSearch | undefined): EventSearch | undefined {
  if (one === undefined || next === undefined) return next;
  return {
    ...next,
    examined: one.examined + next.examined,
    examinedSince: next.examinedSince ?? one.examinedSince,
    withoutData: one.withoutData + next.withoutData,
    failed: one.failed + next.failed,
    failure: one.failure ?? next.failure,
  };
}
