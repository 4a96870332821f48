/** The result of a simulation as text: requests, answers, ring times, violations. */
import { type Answer, durationText } from '@switchhook/sdk';
import type { LookupCounts, Quantiles, StepVerdict, Verdict } from '@switchhook/simulator';
import { type Output, styled } from '../output.js';
import { msText, printTable } from '../print.js';
import type { Column } from '../table.js';

const longestCell = 60;

/** Of the pace that was wanted. */
const keptPace = 0.8;

const columns: readonly Column[] = [
  { heading: 'at' },
  { heading: 'request', cut: 10 },
  { heading: 'answered', cut: 8 },
  { heading: 'variables', cut: 12, drop: 3 },
  { heading: 'p50', drop: 4 },
  { heading: 'p95' },
  { heading: 'p99', drop: 1 },
  { heading: 'max', drop: 2 },
];

export function printVerdict(verdict: Verdict, output: Output): void {
  printTable(output, columns, verdict.steps.map(rowOf));
  const { scenario, passed, requests, ms, steps, ring, calls, lookups, violations } = verdict;
  output.line(`${requests} requests in ${durationText(ms)}${listedText(verdict)}`);
  if (ring !== null) output.line(`ring time of ${calls} call${calls === 1 ? '' : 's'}: ${quantilesText(ring)}`);
  if (lookups !== null && lookups.length > 0) output.line(`look-ups: ${lookups.map(lookupsText).join('; ')}`);
  for (const step of steps.filter(isSlower)) output.note(paceText(step));
  for (const { step, what, count } of violations) {
    const times = count === 1 ? '' : ` (${count} times)`;
    output.line(`${styled(output, 'red', 'violated')} ${step === null ? '' : `step ${step}: `}${what}${times}`);
  }
  output.line(`${passed ? styled(output, 'green', 'ok') : styled(output, 'red', 'failed')} ${scenario}`);
}

/** `p50 3.1 ms, p95 4.2 ms, …`. */
export function quantilesText({ p50, p95, p99, max }: Quantiles): string {
  return `p50 ${msText(p50)}, p95 ${msText(p95)}, p99 ${msText(p99)}, max ${msText(max)}`;
}

/** `200`, or `200 × 48, 503 × 2` where there are several. */
export function statusesText(statuses: Readonly<Record<string, number>>): string {
  const each = Object.entries(statuses);
  const [only] = each;
  if (each.length === 1 && only !== undefined) return only[1] === 1 ? only[0] : `${only[0]} × ${only[1]}`;
  return each.map(([status, count]) => `${status} × ${count}`).join(', ');
}

/** The variables of the answers, shortened. */
export function answersText(answers: readonly Answer[]): string {
  const [only, ...others] = answers;
  if (only === undefined) return '';
  return others.length > 0 ? `${answers.length} different answers` : answerText(only);
}

/** `first_name=Jim tier=gold agent agent_gold`. */
export function answerText({ variables, overrideAgent }: Answer): string {
  const agent = overrideAgent === null ? [] : [`agent ${overrideAgent}`];
  const text = [...Object.entries(variables).map(([name, value]) => `${name}=${value}`), ...agent].join(' ');
  if (text === '') return 'no variables';
  return text.length > longestCell ? `${text.slice(0, longestCell - 1)}…` : text;
}

function lookupsText({ resolver, outcomes }: LookupCounts): string {
  return `${resolver} ${Object.entries(outcomes)
    .map(([outcome, count]) => `${outcome} × ${count}`)
    .join(', ')}`;
}

function rowOf({ atMs, request, statuses, answers, times }: StepVerdict): readonly string[] {
  const durations = times === null ? ['', '', '', ''] : [times.p50, times.p95, times.p99, times.max].map(msText);
  return [durationText(atMs), request, statusesText(statuses), answersText(answers), ...durations];
}

/** A load that was not reached proves nothing about the router under that load. */
function isSlower({ perSecond, wantedPerSecond }: StepVerdict): boolean {
  return perSecond !== null && wantedPerSecond !== null && perSecond < keptPace * wantedPerSecond;
}

function paceText({ request, perSecond, wantedPerSecond }: StepVerdict): string {
  const pace = `${Math.round(perSecond ?? 0)} a second instead of ${Math.round(wantedPerSecond ?? 0)}`;
  return `${request}: ${pace}; the router, or this machine, could do no more at this concurrency`;
}

function listedText({ received }: Verdict): string {
  if (received === null) return '';
  const { acknowledged, listed, reason } = received;
  return listed === null
    ? `; not known whether all were kept: ${reason}`
    : `; ${listed} of ${acknowledged} events listed`;
}
