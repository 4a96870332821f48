/** What the packages of this repository share beyond the plugin contract. Not for plugins: it may change with any version. */
export { agentIdProblem, isEventId } from './contract/ids.js';
export { ERRORS, type ErrorCode, isFault, isServerError, statusOf } from './errors/codes.js';
export { errorMessage } from './errors/typed-errors.js';
export { phoneNumbersIn } from './masking/finding.js';
export { type ExpressionProblem, type Reader, reading } from './options/context.js';
export { expectedText, typeName } from './options/fields.js';
export { isCountry, isWithheld } from './options/phone-number.js';
export { expressionEnd, expressionsIn } from './options/placeholders.js';
export { didYouMean, nearest } from './options/suggestion.js';
export { nameTemplates } from './options/templates.js';
export { timeZoneProblem } from './options/time-zones.js';
export { durationMs, type Rate } from './options/units.js';
export { backoffMs, Sleep, TimeoutError, withTimeout } from './timing.js';
