/** A preview of a request for an operator; the router masks what came out of variables and secret options. */
import { type JsonObject, type JsonValue, parseJson, type Scope } from '@switchhook/sdk';
import { type Content, filledIn, type Target } from './request.js';
import { authorizationOf } from './url.js';

const hidden = '***';

/** Method, URL, headers and body; nothing is sent. A user in the URL and a signature are hidden. Throws what sending would throw before. */
export function previewOf(target: Target, scope: Scope, content: Content): JsonObject {
  const { address, headers } = filledIn(target, scope, content);
  const { authorization } = authorizationOf(address);
  const url = new URL(address);
  if (url.username !== '') url.username = hidden;
  if (url.password !== '') url.password = hidden;
  const shown = ([name, value]: [string, string]): [string, string] =>
    name === 'webhook-signature' || value === authorization ? [name, hidden] : [name, value];
  return {
    method: target.method,
    url: url.href,
    headers: Object.fromEntries(Object.entries(headers).map(shown)),
    ...(content.body === undefined ? {} : { body: bodyIn(content.body) }),
  };
}

function bodyIn({ text, type }: NonNullable<Content['body']>): JsonValue {
  return type === 'application/json' ? parseJson(text) : text;
}
