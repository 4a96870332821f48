/** The service of this plugin: requests to the helpdesk, with an access token that all components share. */
import {
  Clock,
  HttpClient,
  JsonApi,
  type JsonApiReply,
  type JsonApiRequest,
  type JsonApiSettings,
  type JsonObject,
  type Outcome,
  OutcomeError,
  secret,
  token,
  z,
} from '@switchhook/sdk';

/** The options of the plugin itself, as its row of `plugins:` sets them. A service or a component gets them by this token. */
export interface Account {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
}
export const Account = token<Account>('@acme/switchhook-helpdesk.Account');

export const accountOptions = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).meta({ description: 'URL of the helpdesk, without a slash at its end.' }),
  clientId: z.string().min(1).meta({ description: 'Id of the API client.' }),
  clientSecret: secret('Secret of the API client.'),
});

/** A token is replaced so long before it expires. */
const marginMs = 60_000;

/** What the helpdesk writes about a refusal. */
const reasonIn = ({ message }: JsonObject) => (typeof message === 'string' ? message : null);

/** A refused client is no fault of the event: it is retried once an operator has corrected the options. */
const correct = (outcome: Outcome): Outcome =>
  outcome.kind === 'rejected' ? { ...outcome, kind: 'unavailable', needsOperator: true } : outcome;

interface AccessToken {
  readonly text: string;
  readonly untilMs: number;
}

export class Helpdesk {
  static readonly inject = { account: Account, http: HttpClient, clock: Clock };
  readonly #account: Account;
  readonly #settings: Pick<JsonApiSettings, 'http' | 'clock' | 'baseUrl' | 'reasonIn'>;
  #token: AccessToken | null = null;

  constructor({ account, http, clock }: { account: Account; http: HttpClient; clock: Clock }) {
    this.#account = account;
    this.#settings = { http, clock, baseUrl: account.url, reasonIn };
  }

  /** A request with the token. If the helpdesk has revoked it before its time, there is a second request with a new one. */
  async request(request: JsonApiRequest): Promise<JsonApiReply> {
    const { allow = [] } = request;
    const first = await this.#send({ ...request, allow: [...allow, 401] });
    if (first.status !== 401) return first;
    this.#token = null;
    return this.#send(request);
  }

  async #send(request: JsonApiRequest): Promise<JsonApiReply> {
    const headers = { authorization: `Bearer ${await this.#accessToken(request.signal)}` };
    return new JsonApi({ ...this.#settings, headers }).request(request);
  }

  async #accessToken(signal: AbortSignal): Promise<string> {
    const { clock } = this.#settings;
    if (this.#token !== null && this.#token.untilMs > clock.elapsed()) return this.#token.text;
    const { clientId, clientSecret } = this.#account;
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
    });
    const api = new JsonApi({ ...this.#settings, headers: {}, correct });
    const reply = await api.request({ method: 'POST', path: '/oauth/token', body, signal });
    const { access_token: text, expires_in: seconds } = reply.body;
    if (typeof text !== 'string' || typeof seconds !== 'number')
      throw new OutcomeError({ kind: 'unavailable', reason: 'the reply to /oauth/token has no token' });
    this.#token = { text, untilMs: clock.elapsed() + seconds * 1_000 - marginMs };
    return text;
  }
}
