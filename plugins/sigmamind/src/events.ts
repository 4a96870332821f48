/** `sigmamind.events`: a signed agent webhook becomes one event, its body kept as it was sent. */
import { defineSource, eventKey, isRefusal, Log, type RawRequest, readJsonObject, refuse, z } from '@switchhook/sdk';
import { documentedTypes, fitting, openEnvelope } from './envelope.js';
import { fieldReader, fieldsOption, unverifiedAgent } from './fields.js';
import { eventSamples } from './samples.js';
import { secretList, signatureOption, type Verifier, verifierOf } from './signature.js';

/** Stands for all agents. */
const everybody = '';
/** A body that begins otherwise, with a byte order mark for example, need not be what JSON.parse takes. */
const openingBrace = 0x7b;

const secretOfAgent = secretList.meta({
  description: 'The secret of this agent, or a list of its secrets. Remove an agent that has none.',
});

const options = z.strictObject({
  secrets: z
    .union([secretList.transform((list) => ({ [everybody]: list })), z.record(z.string().min(1), secretOfAgent)])
    .transform((agents) => new Map(Object.entries(agents)))
    .refine((agents) => agents.size > 0, 'expected at least one secret')
    .meta({
      description: 'A secret, a list of secrets (each is tried, for rotation), or a map from agent ids to these.',
    }),
  signature: signatureOption.optional(),
  fields: fieldsOption.optional(),
});

/** The component. */
export const events = defineSource({
  type: 'sigmamind.events',
  description: "SigmaMind's signed agent webhooks: conversation_started, conversation_ended, conversation_analysed.",
  options,
  types: documentedTypes,
  samples: eventSamples,
  inject: { log: Log },
  create({ secrets: agents, signature, fields = {} }, { log }) {
    const shared = agents.get(everybody);
    const verifier = verifierOf(signature);
    const read = fieldReader(fields, log);
    return {
      async open() {
        verifier.announce(log);
      },
      receive(request) {
        const { body, headers } = request;
        if (shared === undefined) verifyForAgent(request, agents, unverifiedAgent(fields, request), verifier);
        else verifier.verify(request, shared);
        const data = readJsonObject(body);
        const { type, ...reading } = read(openEnvelope(data, body), headers);
        if (type === null) throw refuse('MALFORMED', 'the body names no event type; set fields.type');
        // The holder of one agent's secret chooses the ids: they must not be those of another agent's events.
        const key = shared !== undefined ? reading.key : fitting(eventKey('', reading.agent, reading.key), 512);
        const draft = { ...reading, key, type, data };
        return { kind: 'events', events: [body[0] === openingBrace ? { ...draft, body } : draft] };
      },
      sign(body, nowMs) {
        const agent = agentOf(() => read(openEnvelope(readJsonObject(body), body), {}).agent);
        const [own = ''] = shared ?? agents.get(agent ?? everybody) ?? [...agents.values()].flat();
        return { headers: verifier.sign(body, nowMs, own), rest: '' };
      },
    };
  },
});

type Agents = ReadonlyMap<string, readonly string[]>;

/** Bytes that are hashed at most to find out whose secret signed a body of another agent, for the log. */
const mostBytesForReason = 262_144;

/** The secret of one agent must not speak for another: only those of the agent that the body names are tried. */
function verifyForAgent(request: RawRequest, agents: Agents, agent: string | null, verifier: Verifier): void {
  try {
    verifier.verify(request, agents.get(agent ?? everybody) ?? []);
  } catch (refusal) {
    const others = [...agents].filter(
      ([, { length }]) => length * agents.size * request.body.length <= mostBytesForReason,
    );
    const owners = others.flatMap(([other, secrets]) =>
      secrets.some((one) => verifier.fits(request, one)) ? [other] : [],
    );
    if (owners.length === 0) throw refusal;
    // What is signed but no JSON object names no agent, and is refused as such.
    readJsonObject(request.body);
    const found = agent === null ? 'no agent; set fields.agent' : 'another agent';
    throw refuse('UNVERIFIED', `the secret is that of ${owners.slice(0, 3).join(', ')}, but the body names ${found}`);
  }
}

/** A body that cannot be read can be signed all the same. */
function agentOf(read: () => string | null): string | null {
  try {
    return read();
  } catch (thrown) {
    if (isRefusal(thrown)) return null;
    throw thrown;
  }
}
