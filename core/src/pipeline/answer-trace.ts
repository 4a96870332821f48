/** How an answer came about, as it is kept with the call's event: `event.data.answer`. */
import type { JsonObject } from '../contract/json.js';
import type { Call } from '../contract/source.js';
import type { Told } from './answer.js';
import type { VariableOrigin } from './variables.js';

/** In the spelling of the bodies it stands in. */
export function traceOf({ from, to }: Call, { answered, asked, ms }: Told): JsonObject {
  const { name, step, answer, origins, agentOrigin, lookups } = answered;
  return {
    from,
    to,
    name,
    step,
    variables: answer.variables,
    override_agent: answer.overrideAgent,
    override_agent_origin: agentOrigin && originJson(agentOrigin),
    origins: Object.fromEntries(Object.entries(origins).map(([variable, origin]) => [variable, originJson(origin)])),
    lookups: lookups.map(({ resolver, outcome, startMs, ms, reason }) => {
      return { resolver, outcome, start_ms: tenths(startMs), ms: tenths(ms), reason };
    }),
    asked,
    ms: tenths(ms),
  };
}

function originJson({ step, resolvers, reason }: VariableOrigin): JsonObject {
  return { step, resolvers, reason };
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
