/** A preview of a request for an operator, without possible credentials. */
import { type JsonObject, type JsonValue, parseJson, type Scope } from '@switchhook/sdk';
import { type Content, filledIn, type Target } from './request.js';

/** Names of headers and URL parameters whose values may come from the environment, and may be secret. */
const credential = /auth|token|secret|password|cookie|signature|(?<!idempotency-)key/i;
const hidden = '***';

/** Method, URL, headers and body; nothing is sent. Throws what sending would throw before. */
export function previewOf(target: Target, scope: Scope, content: Content): JsonObject {
  const { address, headers } = filledIn(target, scope, content);
  const url = new URL(address);
  if (url.username !== '') url.username = hidden;
  if (url.password !== '') url.password = hidden;
  for (const name of new Set(url.searchParams.keys())) if (credential.test(name)) url.searchParams.set(name, hidden);
  return {
    method: target.method,
    url: url.href,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, credential.test(name) ? hidden : value]),
    ),
    ...(content.body === undefined ? {} : { body: bodyIn(content.body) }),
  };
}

function bodyIn({ text, type }: NonNullable<Content['body']>): JsonValue {
  return type === 'application/json' ? parseJson(text) : text;
}
