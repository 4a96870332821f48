/** How a call was answered, as text: the variables, where they came from, and a waterfall of the look-ups. */

import type { callAnswer } from '@switchhook/core/api';
import type { z } from 'zod';
import { type Output, styled } from '../output.js';
import { msText, printTable } from '../print.js';

type CallAnswer = z.output<typeof callAnswer>;
type Lookup = CallAnswer['lookups'][number];

const barWidth = 32;
const colours = {
  found: 'green',
  'not-found': 'green',
  cached: 'cyan',
  late: 'red',
  failed: 'red',
  skipped: 'yellow',
  busy: 'yellow',
} as const satisfies Record<Lookup['outcome'], string>;

/** The variables of the answer, and where each came from. */
export function printAnswer(output: Output, answer: CallAnswer): void {
  const {
    from,
    to,
    name,
    step,
    variables,
    override_agent: agent,
    override_agent_origin: agentOrigin,
    origins,
    lookups,
    requests,
    ms,
    sent,
  } = answer;
  const which = name === null ? 'no answer matched' : `answer ${styled(output, 'bold', name)}`;
  const again = requests === 1 ? '' : `, ${requests} requests`;
  output.line(`${from || 'withheld number'} → ${to}: ${which}, ${step}, after ${msText(ms)}${again}`);
  const values = new Map(Object.entries(variables));
  const rows = Object.entries(origins).map(([variable, { step: rung, resolvers, reason = null }]) => {
    const from = resolvers.length === 0 ? rung : `${rung}: ${resolvers.join(', ')}`;
    return [variable, values.get(variable) ?? '', from, ...(reason === null ? [] : [reason])];
  });
  const names = ['variable', 'value', 'from', ...(rows.some((row) => row.length > 3) ? ['why'] : [])];
  const headings = names.map((name) => ({ heading: name, cut: 10 }));
  if (rows.length > 0) printTable(output, headings, rows);
  if (agent !== null) output.line(`agent ${agent} takes the call`);
  else if (agentOrigin?.reason) output.line(`no other agent takes the call: ${agentOrigin.reason}`);
  if (lookups.length > 0) printWaterfall(output, lookups, ms);
  const limits = limitsText(answer);
  if (limits !== '') output.line(styled(output, 'dim', limits));
  if (sent === undefined) return;
  const { outcome, attempts, reason } = sent;
  const how =
    outcome === 'sent' ? `sent to the platform after ${msText(sent.ms)}` : `not sent to the platform: ${reason}`;
  output.line(styled(output, outcome === 'sent' ? 'green' : 'red', `${how} (${attempts} attempts)`));
}

/** What the answer had of the ring; empty where an earlier version recorded it. */
function limitsText({ within_ms: within = null, deadline_ms: deadline }: CallAnswer): string {
  const parts = [
    ...(within === null ? [] : [`the answer is sent after ${msText(within)} at the latest (within)`]),
    ...(deadline === undefined ? [] : [`the platform waits ${msText(deadline)}`]),
  ];
  return parts.join('; ');
}

/** A line per look-up: when it ran within the ring, what it came to, and why. */
export function printWaterfall(output: Output, lookups: readonly Lookup[], totalMs: number): void {
  const endMs = Math.max(totalMs, ...lookups.map(({ start_ms: startMs, ms }) => startMs + ms));
  const width = (of: (lookup: Lookup) => string) => Math.max(...lookups.map((lookup) => of(lookup).length));
  const [nameWidth, outcomeWidth] = [width(({ resolver }) => resolver), width(({ outcome }) => outcome)];
  for (const lookup of lookups) {
    const { resolver, outcome, ms, reason } = lookup;
    const bar = styled(output, colours[outcome], barOf(lookup, endMs));
    const facts = [resolver.padEnd(nameWidth), bar, outcome.padEnd(outcomeWidth), msText(ms).padStart(8)];
    output.line(`  ${[...facts, ...(reason === null ? [] : [reason])].join('  ')}`);
  }
}

/** Blocks where it ran, in proportion to the whole; never less than one. */
function barOf({ start_ms: startMs, ms }: Lookup, endMs: number): string {
  const scale = endMs > 0 ? barWidth / endMs : 0;
  const start = Math.min(barWidth - 1, Math.floor(startMs * scale));
  const length = Math.max(1, Math.min(barWidth - start, Math.round(ms * scale)));
  return `${'·'.repeat(start)}${'█'.repeat(length)}`.padEnd(barWidth, '·');
}
