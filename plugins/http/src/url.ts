/** URLs with expressions in them: values are percent-encoded, so that data fills a place but cannot change its limits. */
import { FetchError, type Scope, type Template, text } from '@switchhook/core/plugin';

/** A URL option. A URL without expressions is checked when the configuration is read. */
export function url(description: string, variables: readonly string[]) {
  return text(description, variables, fitIntoUrl).refine(
    (template) => !template.constant || isHttpUrl(template.render({})),
    { error: 'expected an http or https URL', params: { problem: 'INVALID_VALUE' } },
  );
}

/** Fills a URL in. Throws a `FetchError` where what comes out is no URL to be requested. */
export function addressOf(template: Template<string>, scope: Scope): URL {
  const address = template.render(scope);
  if (!isHttpUrl(address)) throw new FetchError('URL_INVALID', 'what the template gives is not an http or https URL');
  // Dots cannot be percent-encoded: a URL parser takes %2e%2e for a step up, too.
  if (!template.constant && /(^|\/)\.{1,2}(\/|$)/.test(address.replace(/[?#].*/s, '')))
    throw new FetchError('URL_INVALID', 'the URL has a segment that is . or ..');
  return new URL(address);
}

/** The header for `https://name:password@host/`; empty where the URL names nobody. */
export function authorizationOf({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** Encodes all but what starts the URL: an operator who lets data choose the address means all of it. */
function fitIntoUrl(value: string, before: string): string {
  if (before === '') return value;
  // Half a surrogate pair cannot be encoded; the way through UTF-8 replaces it.
  return encodeURIComponent(Buffer.from(value, 'utf8').toString('utf8'));
}

function isHttpUrl(address: string): boolean {
  return URL.canParse(address) && /^https?:$/.test(new URL(address).protocol);
}
