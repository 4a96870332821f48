/** `sigmamind.events`: a signed agent webhook becomes one event, its body kept as it was sent. */
import {
  defineSource,
  eventKey,
  fieldReader,
  fitting,
  isRefusal,
  Log,
  type RawRequest,
  readJsonObject,
  refuse,
  untypedBody,
  type VerifiedBy,
  z,
} from '@switchhook/sdk';
import { documentedTypes, openEnvelope, typeOf } from './envelope.js';
import { envelopeFields, foundIn, unverifiedAgent } from './fields.js';
import { eventSamples } from './samples.js';
import { assumedSignature, assumptionsOf, secretsOption, type Verifier, verifierOf } from './signature.js';

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
  assumptions: ({ signature }) => assumptionsOf(signature),
  inject: { log: Log },
  create({ secrets: agents, signature, fields = {} }, { log }) {
    const shared = agents.get(everybody);
    const verifier = verifierOf(signature);
    const read = fieldReader(fields, log, typeOf);
    return {
      receive(request) {
        const { body } = request;
        const agentIn = () => unverifiedAgent(fields, request);
        const verifiedBy =
          shared === undefined
            ? verifyForAgent(request, agents, agentIn(), verifier)
            : verifyForAll(request, shared, agentIn, verifier);
        const data = readJsonObject(body);
        const { type, ...reading } = read(request, data, foundIn(openEnvelope(data, body)));
        if (type === null) throw untypedBody(fields, 'event');
        // The holder of one agent's secret chooses the ids: they must not be those of another agent's events.
        const key = shared !== undefined ? reading.key : fitting(eventKey('', reading.agent, reading.key), 512);
        return { kind: 'events', events: [{ ...reading, key, type }], verifiedBy };
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

/** Larger bodies are not parsed to find out which agent a refused request is about. */
const mostBytesForAgent = 65_536;

function verifyForAll(
  request: RawRequest,
  secrets: readonly string[],
  agentIn: () => string | null,
  verifier: Verifier,
): VerifiedBy {
  try {
    return verifier.verify(request, secrets);
  } catch (refusal) {
    if (!isRefusal(refusal) || request.body.length > mostBytesForAgent) throw refusal;
    throw refuse(refusal.code, refusal.message, { about: { agent: agentIn() } });
  }
}

/** The secret of one agent must not speak for another: only those of the agent that the body names are tried. */
function verifyForAgent(request: RawRequest, agents: Agents, agent: string | null, verifier: Verifier): VerifiedBy {
  try {
    return verifier.verify(request, agents.get(agent ?? everybody) ?? []);
  } catch (refusal) {
    if (!isRefusal(refusal)) throw refusal;
    const owners = ownersOf(request, agents, verifier);
    const about = { agent, secretOf: owners.slice(0, mostOwners) };
    if (owners.length === 0) throw refuse(refusal.code, `${refusal.message}${missingSecret(agents, agent)}`, { about });
    // What is signed but no JSON object names no agent, and is refused as such.
    readJsonObject(request.body);
    const found = agent === null ? noAgent : 'another agent';
    const reason = `the secret is that of ${about.secretOf.join(', ')}, but the body names ${found}`;
    throw refuse('UNVERIFIED', reason, { about });
  }
}

const noAgent = 'no agent: by default it is read from agentId; the option fields.agent changes that';

/** Agents named in a reason. */
const mostOwners = 3;

function ownersOf(request: RawRequest, agents: Agents, verifier: Verifier): readonly string[] {
  const few = [...agents].filter(([, { length }]) => length * agents.size * request.body.length <= mostBytesForReason);
  return few.flatMap(([agent, secrets]) => (secrets.some((one) => verifier.fits(request, one)) ? [agent] : []));
}

function missingSecret(agents: Agents, agent: string | null): string {
  if (agent === null) return `; the body names ${noAgent}`;
  return agents.has(agent) ? '' : '; no secret is configured for the agent that the body names';
}
