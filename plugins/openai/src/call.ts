/** `openai.call`: an incoming SIP call is acknowledged, then accepted by a request with the session that its answer makes. */
import {
  apiUrl,
  type Call,
  Clock,
  defineSource,
  duration,
  type Expression,
  excerptLimits,
  expression,
  HttpClient,
  isExpressionError,
  JsonApi,
  type JsonObject,
  type JsonValue,
  Log,
  type Outcome,
  outcomeOfFailure,
  problem,
  readJsonObject,
  refuse,
  type Scope,
  secret,
  secretList,
  type Template,
  type TextTemplate,
  template,
  text,
  textAt,
  z,
} from '@switchhook/sdk';
import { callSamples } from './samples.js';
import { type Api, callEvent, callIn, incoming, otherEvent, sign, verify } from './webhook.js';

/** OpenAI does not publish how long it waits. */
const longestDeadlineMs = 60_000;
/** Assumption: OpenAI does not publish for how long it repeats a webhook. */
const retryMs = 3 * 86_400_000;
const names = ['call', 'variables', 'agent'];

const secrets = secretList(
  'Signing secret of the webhook (whsec_…), or a list of them, each of which is tried, for rotation.',
).transform((list, ctx): readonly Uint8Array[] =>
  list.map((one) => {
    const [, base64] = /^whsec_((?:[A-Za-z0-9+/]{2,})={0,2})$/.exec(one) ?? [];
    if (base64 === undefined) ctx.addIssue(problem('expected whsec_ and base64'));
    return Buffer.from(base64 ?? '', 'base64');
  }),
);

const options = z.strictObject({
  secrets,
  tolerance: duration(
    'Largest difference between the time of signing and the clock of the router, in either direction.',
  )
    .refine((ms) => ms > 0, problem('expected a duration above zero'))
    .prefault('5m'),
  apiKey: secret('API key of the project that the calls come to.'),
  api: z.enum(['realtime', 'live']).default('realtime').meta({
    description:
      'The API that takes the calls. Webhooks about calls for the other one become events, and are not answered.',
  }),
  model: z.string().min(1).max(256).meta({ description: 'Model of the session, for example gpt-realtime.' }),
  instructions: text('Instructions of the session.', names).optional(),
  session: z
    .record(z.string().min(1), template('Value of the field.', names))
    .refine(
      (given) => !['type', 'model', 'instructions'].some((name) => name in given),
      problem('type, model and instructions are set by api, model and instructions beside session'),
    )
    .default({})
    .meta({ description: 'Further fields of the session, as the API has them: audio, tools, prompt, delegation, …' }),
  reject: expression('Calls for which this is true are rejected.', names, 'bool').optional(),
  rejectStatus: z.int().min(300).max(699).default(603).meta({ description: 'SIP status of rejected calls.' }),
  deadline: duration(
    'How long a call rings before it is too late. OpenAI publishes no number: the default is an assumption.',
  )
    .refine((ms) => ms >= 1_000 && ms <= longestDeadlineMs, problem('expected 1s to 1m'))
    .prefault('10s'),
  baseUrl: apiUrl('https://api.openai.com/v1', 'URL of the API, for example that of a region.'),
});

/** The component. */
export const call = defineSource({
  type: 'openai.call',
  description: "OpenAI's incoming SIP calls, accepted by a request to the Realtime or Live API while the phone rings.",
  options,
  calls: true,
  answerBy: 'call',
  types: [...incoming.realtime, ...incoming.live, 'live.transport.connected'],
  deadlineMs: longestDeadlineMs,
  samples: callSamples,
  callBody: ({ from, to }) => ({
    object: 'event',
    id: `evt_${from}_${to}`,
    type: 'realtime.call.incoming',
    data: {
      call_id: `rtc_${from}_${to}`,
      sip_headers: [
        { name: 'From', value: `sip:${from || 'anonymous'}@sip.example.com` },
        { name: 'To', value: `sip:${to}@sip.example.com` },
      ],
    },
  }),
  inject: { http: HttpClient, clock: Clock, log: Log },
  create({ secrets: keys, tolerance: toleranceMs, apiKey, api, model, deadline: deadlineMs, ...given }, services) {
    const { log } = services;
    const platform = platformOf(given.baseUrl, apiKey, services);
    return {
      receive(request) {
        const verifiedBy = verify(request, keys, toleranceMs);
        const data = readJsonObject(request.body, { harmful: 'drop' });
        const type = textAt(data, 'type', 128);
        if (type === null) throw refuse('MALFORMED', 'the body has no type');
        if (!incoming[api].includes(type))
          return { kind: 'events', events: [otherEvent(type, data, request.body)], verifiedBy };
        const inbound = callIn(data, api);
        if (inbound.id === null) throw refuse('MALFORMED', `the data of ${type} have no id of the call`);
        const event = callEvent(type, inbound);
        return {
          kind: 'call',
          verifiedBy,
          event,
          call: inbound,
          deadlineMs,
          retryMs,
          reply: acknowledgement,
          fallback: acknowledgement,
        };
      },
      async answer(inbound, answer, signal) {
        const scope = { call: inbound, variables: answer?.variables ?? {}, agent: answer?.overrideAgent ?? null };
        const path = pathOf(api, inbound);
        if (isTrue(given.reject, scope, log))
          return platform(`${path}/reject`, { status_code: given.rejectStatus }, signal);
        const fields = { ...(given.instructions && { instructions: given.instructions }), ...given.session };
        const session = { type: api, model, ...rendered(fields, scope, log) };
        return platform(`${path}/accept`, api === 'live' ? { session } : session, signal);
      },
      sign: (body, nowMs) => sign(body, keys[0] ?? new Uint8Array(), nowMs),
    };
  },
});

function acknowledgement() {
  return { status: 200, body: {} };
}

function pathOf(api: Api, { id }: Call): string {
  const where = api === 'live' ? '/live/sessions' : '/realtime/calls';
  return `${where}/${encodeURIComponent(id ?? '')}`;
}

type Services = { readonly http: HttpClient; readonly clock: Clock };

/** One request to the API, as an outcome. */
function platformOf(baseUrl: string, apiKey: string, { http, clock }: Services) {
  const json = new JsonApi({
    http: { fetch: (url, init) => http.fetch(url, { ...excerptLimits, ...init }) },
    clock,
    baseUrl,
    headers: { authorization: `Bearer ${apiKey}` },
    reasonIn: (body) => textAt(body, 'error.message', 400),
    // A call that is not known yet looks like one that has ended: OpenAI documents neither.
    correct: (outcome, { status }) =>
      status === 404 && outcome.kind === 'unavailable' ? { kind: 'unavailable', reason: outcome.reason } : outcome,
  });
  return async (path: string, body: JsonObject, signal: AbortSignal): Promise<Outcome> => {
    try {
      await json.request({ method: 'POST', path, body, signal });
      return { kind: 'delivered' };
    } catch (error) {
      return outcomeOfFailure(error);
    }
  };
}

/** A field whose expression has no value is left out: a call with a shorter session is better than none. */
function rendered(
  fields: Readonly<Record<string, Template | TextTemplate>>,
  scope: Scope & { readonly call: Call },
  log: Log,
): Record<string, JsonValue> {
  const values = Object.entries(fields).flatMap(([name, field]): [string, JsonValue][] => {
    try {
      return [[name, field.render(scope)]];
    } catch (error) {
      if (!isExpressionError(error)) throw error;
      log.warn('session.field-omitted', { field: name, call: scope.call.id, reason: error.message });
      return [];
    }
  });
  return Object.fromEntries(values);
}

function isTrue(condition: Expression | undefined, scope: Scope & { readonly call: Call }, log: Log): boolean {
  try {
    return condition?.evaluate(scope) === true;
  } catch (error) {
    if (!isExpressionError(error)) throw error;
    log.warn('session.field-omitted', { field: 'reject', call: scope.call.id, reason: error.message });
    return false;
  }
}
