/** `sigmamind.events`: a signed agent webhook becomes one event, its body kept as it was sent. */
import {
  defineSource,
  eventKey,
  fieldReader,
  fitting,
  Log,
  type RawRequest,
  readJsonObject,
  refuse,
  z,
} from '@switchhook/sdk';
import { documentedTypes, openEnvelope, typeOf } from './envelope.js';
import { envelopeFields, foundIn, unverifiedAgent } from './fields.js';
import { eventSamples } from './samples.js';
import { assumedSignature, secretsOption, type Verifier, verifierOf } from './signature.js';

/** Stands for all agents. */
const everybody = '';

const secretOfAgent = secretsOption.meta({
  description: 'The secret of this agent, or a list of its secrets. Remove an agent that has none.',
});

const options = z.strictObject({
  secrets: z
    .union([secretsOption.transform((list) => ({ [everybody]: list })), z.record(z.string().min(1), secretOfAgent)])
    .transform((agents) => new Map(Object.entries(agents)))
    .refine((agents) => agents.size > 0, 'expected at least one secret')
    .meta({
      description: 'A secret, a list of secrets (each is tried, for rotation), or a map from agent ids to these.',
    }),
  signature: assumedSignature.optional(),
  fields: envelopeFields.optional(),
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
    const read = fieldReader(fields, log, typeOf);
    return {
      async open() {
        verifier.announce(log);
      },
      receive(request) {
        const { body } = request;
        if (shared === undefined) verifyForAgent(request, agents, unverifiedAgent(fields, request), verifier);
        else verifier.verify(request, shared);
        const data = readJsonObject(body);
        const { type, ...reading } = read(request, data, foundIn(openEnvelope(data, body)));
        if (type === null) throw refuse('MALFORMED', 'the body names no event type; set fields.type');
        // The holder of one agent's secret chooses the ids: they must not be those of another agent's events.
        const key = shared !== undefined ? reading.key : fitting(eventKey('', reading.agent, reading.key), 512);
        return { kind: 'events', events: [{ ...reading, key, type }] };
      },
      sign(body, nowMs) {
        const agent = unverifiedAgent(fields, { body, headers: {} });
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
