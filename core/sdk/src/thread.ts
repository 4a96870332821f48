/**
 * What a worker thread of a plugin imports, besides types: values of `@switchhook/sdk` that need neither zod nor the options. A thread loads
 * what it imports anew, and the whole of `@switchhook/sdk` takes it three times as long.
 */
export { isRefusal, refuse } from './errors/refusal.js';
export { parseJson, stringifyJson } from './http/json-body.js';
export { isPhoneNumber, type PhoneNormalizer, phoneKeys } from './options/phone-number.js';
