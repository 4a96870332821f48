/** The service account in whose name Google is called: its key, and the access tokens that Google gives for it. */
import { createPrivateKey, type KeyObject, sign } from 'node:crypto';
import {
  Clock,
  FetchError,
  HttpClient,
  isFetchError,
  type JsonObject,
  OutcomeError,
  outcomeOf,
  parseJson,
  problem,
  provide,
  secret,
  z,
} from '@switchhook/sdk';

/** What of the key of a service account is used. */
export interface Credentials {
  readonly clientEmail: string;
  readonly tokenUri: string;
  readonly privateKey: KeyObject;
}

const description = 'JSON key of a service account, as Google Cloud gives it: the text of the file.';

/** The option `credentials`. */
export const credentials = secret(description)
  .transform((text, ctx): Credentials => {
    const found = credentialsIn(text);
    if (typeof found !== 'string') return found;
    ctx.addIssue(problem(found));
    return z.NEVER;
  })
  .meta({ description, secret: true });

/** The parts of a key, or what is wrong with it. No message has a part of the text in it. */
function credentialsIn(text: string): Credentials | string {
  let key: JsonObject;
  try {
    key = Object(parseJson(text));
  } catch {
    return 'expected the JSON key of a service account: the text of its file, not the name of the file';
  }
  const {
    client_email: clientEmail,
    private_key: pem,
    token_uri: tokenUri = 'https://oauth2.googleapis.com/token',
  } = key;
  if (typeof clientEmail !== 'string' || typeof pem !== 'string')
    return 'expected the JSON key of a service account, with client_email and private_key';
  if (typeof tokenUri !== 'string' || !/^https?:/.test(tokenUri) || !URL.canParse(tokenUri))
    return 'token_uri of the key is not an http or https URL';
  try {
    const privateKey = createPrivateKey(pem);
    if (privateKey.asymmetricKeyType === 'rsa') return { clientEmail, tokenUri, privateKey };
  } catch {
    // What the library reports would repeat parts of the key.
  }
  return 'private_key of the key is not an RSA key in PEM; is its text complete?';
}

const scope = 'https://www.googleapis.com/auth/spreadsheets';
const tokenSeconds = 3_600;
/** A token is not used so shortly before its end, so that none expires on its way. */
const marginSeconds = 120;

/** Gives access tokens of one service account. */
export class GoogleAccount {
  readonly #credentials: Credentials;
  readonly #http: HttpClient;
  readonly #clock: Clock;
  #token: { readonly text: string; readonly untilMs: number } | null = null;

  constructor(given: Credentials, { http, clock }: { readonly http: HttpClient; readonly clock: Clock }) {
    this.#credentials = given;
    this.#http = http;
    this.#clock = clock;
  }

  /** With which a spreadsheet must be shared. */
  get email(): string {
    return this.#credentials.clientEmail;
  }

  /** A token that is valid for a while. Rejects with an `OutcomeError` where Google gives none, otherwise as `HttpClient` does. */
  async token(signal: AbortSignal): Promise<string> {
    if (this.#token !== null && this.#token.untilMs > this.#clock.elapsed()) return this.#token.text;
    const askedMs = this.#clock.elapsed();
    const { text, seconds } = await this.#request(signal);
    this.#token = { text, untilMs: askedMs + (seconds - marginSeconds) * 1_000 };
    return text;
  }

  /** Requests a new token for the next use: Google has refused this one. */
  renew(): void {
    this.#token = null;
  }

  async #request(signal: AbortSignal): Promise<{ readonly text: string; readonly seconds: number }> {
    const form = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: this.#assertion() };
    const response = await this.#http
      .fetch(this.#credentials.tokenUri, {
        method: 'POST',
        headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(form).toString(),
        signal,
      })
      .catch((error: unknown) => {
        if (!isFetchError(error)) throw error;
        throw new FetchError(error.code, `access token: ${error.message}`, { cause: error });
      });
    const body = objectIn(response.text());
    const outcome = outcomeOf(response, this.#clock.now());
    if (outcome.kind !== 'delivered') {
      const details = [body.error, body.error_description].filter((text) => typeof text === 'string');
      const reason = [`access token of ${this.email}: ${outcome.reason}`, ...details].join(': ').slice(0, 500);
      // A refused key is no fault of the event.
      throw new OutcomeError(
        outcome.kind === 'rejected'
          ? { kind: 'unavailable', reason, needsOperator: true }
          : { ...outcome, reason, response: '' },
      );
    }
    const { access_token: text, expires_in: seconds = tokenSeconds } = body;
    if (typeof text === 'string' && text !== '') return { text, seconds: Number(seconds) || tokenSeconds };
    throw new OutcomeError({
      kind: 'unavailable',
      reason: `access token of ${this.email}: the reply has no access_token`,
    });
  }

  /** A JSON Web Token: https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests */
  #assertion(): string {
    const { clientEmail, tokenUri, privateKey } = this.#credentials;
    const seconds = Math.floor(this.#clock.now() / 1_000);
    const claims = { iss: clientEmail, scope, aud: tokenUri, iat: seconds, exp: seconds + tokenSeconds };
    const content = [{ alg: 'RS256', typ: 'JWT' }, claims].map(encoded).join('.');
    return `${content}.${sign('RSA-SHA256', Buffer.from(content), privateKey).toString('base64url')}`;
  }
}

/** The service: one account for each e-mail address and key. */
export const googleAccount = provide(GoogleAccount, {
  inject: { http: HttpClient, clock: Clock },
  key: (options) => {
    const { clientEmail, tokenUri, privateKey } = credentialsOf(options);
    return [clientEmail, tokenUri, privateKey.export({ type: 'pkcs8', format: 'pem' })].join(' ');
  },
  create: (services, [user = {}]) => new GoogleAccount(credentialsOf(user), services),
});

/** Options are those of the components here, which have been checked. */
function credentialsOf(options: Readonly<Record<string, unknown>>): Credentials {
  return options.credentials as Credentials;
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

function objectIn(text: string): JsonObject {
  try {
    return Object(parseJson(text));
  } catch {
    return {};
  }
}
