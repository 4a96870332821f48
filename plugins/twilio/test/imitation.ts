/** A local imitation of Twilio's Messages API: creates and lists messages of one account. */
import type { Clock, JsonObject } from '@switchhook/sdk';
import { type Behaviour, type ReceivedRequest, receiver } from '@switchhook/testkit';

export const accountSid = `AC${'0a1b2c3d'.repeat(4)}`;
export const apiKey = `SK${'0a1b2c3d'.repeat(4)}`;
export const authToken = 'auth-token-of-the-account';

/** As the documentation shows it. */
export interface FarMessage {
  readonly sid: string;
  readonly to: string;
  readonly body: string;
  readonly direction: string;
  readonly date_created: string;
}

export async function twilio(clock: Clock) {
  const messages: FarMessage[] = [];
  /** In the order in which they are listed. */
  const listed: FarMessage[] = [];
  let instead: Behaviour | null = null;
  /** How many more requests are answered; the next one has its effect, and the connection is cut. */
  let cutAfter = Number.POSITIVE_INFINITY;
  let status = 'active';

  const json = (body: JsonObject, code = 200) => ({
    status: code,
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });

  const effectOf = (request: ReceivedRequest) => {
    const { pathname, searchParams } = new URL(request.path, 'http://x');
    const login = Buffer.from(request.headers.authorization?.replace('Basic ', '') ?? '', 'base64').toString();
    if (![accountSid, apiKey].some((user) => login === `${user}:${authToken}`))
      return json({ code: 20003, message: 'Authenticate', status: 401 }, 401);
    if (pathname === `/2010-04-01/Accounts/${accountSid}.json`)
      return json({ sid: accountSid, friendly_name: 'Acme', status });
    if (pathname !== `/2010-04-01/Accounts/${accountSid}/Messages.json`) return json({ code: 20404 }, 404);
    if (request.method === 'POST') {
      const form = new URLSearchParams(request.text());
      if (request.headers['content-type'] !== 'application/x-www-form-urlencoded' || form.get('Body') === null)
        return json({ code: 21602, message: 'Message body is required.', status: 400 }, 400);
      const message = {
        sid: `SM${messages.length + 1}`,
        to: form.get('To') ?? '',
        body: form.get('Body') ?? '',
        direction: 'outbound-api',
        date_created: new Date(clock.now()).toUTCString().replace('GMT', '+0000'),
        status: 'queued',
      };
      messages.push(message);
      listed.unshift(message);
      return json(message, 201);
    }
    const [page, size] = [Number(searchParams.get('Page') ?? 0), Number(searchParams.get('PageSize'))];
    const all = listed.filter(({ to }) => to === searchParams.get('To'));
    const next = new URLSearchParams({ ...Object.fromEntries(searchParams), Page: String(page + 1) });
    return json({
      messages: all.slice(page * size, (page + 1) * size) as unknown as JsonObject[],
      next_page_uri: all.length > (page + 1) * size ? `${pathname}?${next}` : null,
    });
  };

  const far = await receiver((request, index) => {
    if (instead !== null) return instead(request, index);
    const reply = effectOf(request);
    cutAfter -= 1;
    return cutAfter < 0 ? 'reset' : reply;
  });

  return {
    far,
    messages,
    listed,
    json,
    /** What is answered in place of the imitation; null = the imitation. */
    answers: (how: Behaviour | null) => {
      instead = how;
    },
    cutAfter: (requests: number) => {
      cutAfter = requests;
    },
    account: (becomes: string) => {
      status = becomes;
    },
  };
}
