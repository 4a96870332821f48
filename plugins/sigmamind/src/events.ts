/** `sigmamind.events`: a signed agent webhook becomes one event, its body kept as it was sent. */
import { defineSource, eventKey, isRefusal, Log, readJsonObject, refuse, z } from '@switchhook/sdk';
import { fitting, openEnvelope } from './envelope.js';
import { fieldReader, fieldsOption } from './fields.js';
import { eventSamples } from './samples.js';
import { secretList, signatureOption, verifierOf } from './signature.js';

/** Stands for all agents. */
const everybody = '';
/** A body that begins otherwise, with a byte order mark for example, need not be what JSON.parse takes. */
const openingBrace = 0x7b;

const options = z.strictObject({
  secrets: z
    .union([secretList.transform((list) => ({ [everybody]: list })), z.record(z.string().min(1), secretList)])
    .transform(agentsBySecret)
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
  samples: eventSamples,
  inject: { log: Log },
  create({ secrets: agents, signature, fields = {} }, { log }) {
    const secrets = [...agents.keys()];
    const verifier = verifierOf(secrets, signature);
    const read = fieldReader(fields, log);
    return {
      async open() {
        verifier.announce(log);
      },
      receive(request) {
        const { body, headers } = request;
        const owners = agents.get(verifier.verify(request)) ?? [];
        const data = readJsonObject(body);
        const { type, ...reading } = read(openEnvelope(data, body), headers);
        const isShared = owners.includes(everybody);
        if (!isShared) requireAgent(reading.agent, owners);
        if (type === null) throw refuse('MALFORMED', 'the body names no event type; set fields.type');
        // The holder of one agent's secret chooses the ids: they must not be those of another agent's events.
        const key = isShared ? reading.key : fitting(eventKey('', reading.agent, reading.key), 512);
        const draft = { ...reading, key, type, data };
        return { kind: 'events', events: [body[0] === openingBrace ? { ...draft, body } : draft] };
      },
      sign(body, nowMs) {
        const agent = agentOf(() => read(openEnvelope(readJsonObject(body), body), {}).agent);
        const own = secrets.find((secret) => agents.get(secret)?.includes(agent ?? everybody));
        return { headers: verifier.sign(body, nowMs, own), rest: '' };
      },
    };
  },
});

/** The secret of one agent must not speak for another. */
function requireAgent(agent: string | null, owners: readonly string[]): void {
  if (agent !== null && owners.includes(agent)) return;
  const found = agent === null ? 'no agent; set fields.agent' : 'another agent';
  throw refuse('UNVERIFIED', `the secret is that of ${owners.slice(0, 3).join(', ')}, but the body names ${found}`);
}

/** Each secret with its agents: several may have the same one. */
function agentsBySecret(secrets: Readonly<Record<string, readonly string[]>>): ReadonlyMap<string, readonly string[]> {
  const agents = new Map<string, readonly string[]>();
  for (const [agent, list] of Object.entries(secrets))
    for (const secret of list) agents.set(secret, [...(agents.get(secret) ?? []), agent]);
  return agents;
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
