/** How calls are answered, as text. */
import type { Step } from './replies.js';

/** What a step is, as a sentence. */
export const stepTexts: Readonly<Record<Step, string>> = {
  fresh: 'looked up during the call',
  cached: 'from facts that were kept and are still valid',
  stale: 'from facts that were kept and are past their time',
  default: 'from the defaults of the answer',
  none: 'a variable is missing',
  minimum: 'the router could only send its minimum answer',
  unanswered: 'no answer of the configuration matched',
};
