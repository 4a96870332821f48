/** Masks the body of an event before anything is kept of it: the option `mask` of a source. */
import { type EventDraft, type MaskOptions, maskerFor } from '@switchhook/sdk';

/** Masks an event that was verified. What is masked already stays as it is. */
export type DraftMask = (draft: EventDraft) => EventDraft;

/** What stays beside the body, unless it is named. */
const besideBody = ['party', 'subject', 'agent'] as const;

/** Makes a mask of the options. */
export function draftMask(options: MaskOptions): DraftMask {
  const masked = maskerFor(options);
  const names = options.names.map((name) => name.toLowerCase());
  const dropped = Object.fromEntries(besideBody.filter((name) => names.includes(name)).map((name) => [name, null]));
  // Not the bytes as they came: of a field that they have twice, the data have one value only.
  return ({ body: _, ...draft }) => ({ ...draft, ...dropped, data: masked(draft.data) });
}
