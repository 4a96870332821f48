/** URLs with expressions in them: values are percent-encoded, so that data fills a place but cannot change its limits. */
import { isIP } from 'node:net';
import { FetchError, isPublicAddress, type Scope, type TextTemplate, text, z } from '@switchhook/sdk';

/** The options that decide where a request may go. */
export interface Aim {
  readonly url: TextTemplate;
  readonly allowPrivate: boolean;
}

/** A URL option. What no data can change of it is checked when the configuration is read. */
export function url(description: string, variables: readonly string[]) {
  return text(description, variables, fitIntoUrl).refine(
    (template) => !isHostFixed(template) || isHttpUrl(template.prefix),
    { error: 'expected an http or https URL', params: { problem: 'INVALID_VALUE' } },
  );
}

/** The option beside a URL option. */
export const allowPrivate = z
  .boolean()
  .default(false)
  .meta({ description: 'Whether a URL with `${{ }}` in it may reach private, loopback and link-local addresses.' });

/** Reports a URL from which every request would be kept. Where another name than localhost leads is only known when it is looked up. */
export function reportForbidden(setTarget: Aim, ctx: z.RefinementCtx): void {
  const address = fixedAddress(setTarget.url);
  if (address === null || !isGuarded(setTarget) || !isPrivate(address.hostname)) return;
  const message = `${address.hostname} is not a public address; allowPrivate: true allows it`;
  ctx.addIssue({ code: 'custom', path: ['url'], message });
}

/** Whether a request may reach public addresses only: data has a part in where it goes. */
export function isGuarded({ url, allowPrivate }: Aim): boolean {
  return !url.constant && !allowPrivate;
}

/** The URL up to where data begins; null where data chooses its scheme, host or port. */
export function fixedAddress(template: TextTemplate): URL | null {
  return isHostFixed(template) && isHttpUrl(template.prefix) ? new URL(template.prefix) : null;
}

/** Fills a URL in. Throws a `FetchError` where what comes out is no URL to be requested. */
export function addressOf(template: TextTemplate, scope: Scope): URL {
  const address = template.render(scope);
  if (!isHttpUrl(address)) throw new FetchError('URL_INVALID', 'what the template gives is not an http or https URL');
  if (!template.constant && hasStepUp(address.replace(/[?#].*/s, '')))
    throw new FetchError('URL_INVALID', 'the URL has a segment that is . or ..');
  return new URL(address);
}

/** Dots cannot be percent-encoded, and some receivers decode `..%2F` and `..%5C` before they split a path: neither may come from data. */
function hasStepUp(path: string): boolean {
  return /(^|\/|%2f|%5c)\.{1,2}(\/|%2f|%5c|$)/i.test(path);
}

/** The header for `https://name:password@host/`; empty if the URL has no user. */
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

/** Host and port end at a slash, question mark or hash; before one, data would go on with them. */
function isHostFixed({ constant, prefix }: TextTemplate): boolean {
  return constant || /^\s*[a-z][a-z0-9+.-]*:[/\\]*[^/\\?#]+[/\\?#]/i.test(prefix);
}

function isPrivate(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '');
  return isIP(address) === 0 ? /^(.+\.)?localhost\.?$/.test(hostname) : !isPublicAddress(address);
}

function isHttpUrl(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, username, password } = new URL(address);
  return /^https?:$/.test(protocol) && isEncoded(username) && isEncoded(password);
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
