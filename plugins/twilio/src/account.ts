/** An account of Twilio and its API, as `twilio` 6.3.1 calls it; codes of errors: https://www.twilio.com/docs/api/errors. */
import {
  apiUrl,
  type Clock,
  type HttpClient,
  JsonApi,
  type JsonObject,
  type Outcome,
  problem,
  secret,
  z,
} from '@switchhook/sdk';

/** Of a row, which checks with `checkAccount` that they fit together. */
export const accountOptions = {
  accountSid: z
    .string()
    .regex(/^AC[\da-f]{32}$/i, 'expected the SID of an account: AC and 32 digits from 0 to f')
    .meta({ description: 'SID of the account (`AC…`).', examples: ['AC00000000000000000000000000000000'] }),
  authToken: secret('Auth Token of the account. Either this, or apiKey and apiSecret.').optional(),
  apiKey: z
    .string()
    .regex(/^SK[\da-f]{32}$/i, 'expected the SID of an API key: SK and 32 digits from 0 to f')
    .optional()
    .meta({ description: 'SID of an API key (`SK…`).' }),
  apiSecret: secret('Secret of the API key.').optional(),
  baseUrl: apiUrl('https://api.twilio.com', 'URL of the API, for accounts in another region.'),
};

/** How an account is reached. */
export interface Account {
  readonly accountSid: string;
  readonly authToken?: string | undefined;
  readonly apiKey?: string | undefined;
  readonly apiSecret?: string | undefined;
  readonly baseUrl: string;
}

/** Reports credentials that are missing, or are too many. */
export function checkAccount({ authToken, apiKey, apiSecret }: Account, ctx: z.RefinementCtx): void {
  const report = (path: string, message: string) => ctx.addIssue({ ...problem(message), path: [path] });
  if (authToken === undefined && apiKey === undefined)
    report('authToken', 'expected authToken, or apiKey and apiSecret');
  if (authToken !== undefined && apiKey !== undefined) report('apiKey', 'expected authToken or apiKey, not both');
  if ((apiKey === undefined) !== (apiSecret === undefined)) report('apiSecret', 'apiKey and apiSecret belong together');
}

/** Errors that the status 400 makes look like faults of the message, and what they are. */
const corrections: Readonly<Record<string, { readonly needsOperator?: true }>> = {
  // The sender is no number of the account, or cannot send text messages.
  21601: { needsOperator: true },
  21661: { needsOperator: true },
  // The sender has messages for ten hours in its queue.
  21611: {},
};

export function apiOf(
  { accountSid, authToken, apiKey, apiSecret, baseUrl }: Account,
  services: { readonly http: HttpClient; readonly clock: Clock },
): JsonApi {
  const login = `${apiKey ?? accountSid}:${apiSecret ?? authToken ?? ''}`;
  const headers = { authorization: `Basic ${Buffer.from(login).toString('base64')}` };
  return new JsonApi({ ...services, baseUrl, headers, reasonIn, correct });
}

/** `21610: Attempt to send to unsubscribed recipient`. */
function reasonIn({ code, message }: JsonObject): string | null {
  const said = [code, message].filter((part) => typeof part === 'number' || typeof part === 'string');
  return said.length === 0 ? null : said.join(': ');
}

function correct(outcome: Outcome, _response: unknown, { code }: JsonObject): Outcome {
  const correction = corrections[String(code)];
  return outcome.kind === 'rejected' && correction !== undefined
    ? { ...outcome, ...correction, kind: 'unavailable' }
    : outcome;
}

/** Path of the account's part of the API. */
export function pathOf({ accountSid }: Account): string {
  return `/2010-04-01/Accounts/${accountSid}`;
}
