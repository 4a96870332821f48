/** Time zones in expressions: what asks for one that does not exist would fail for every call and event, and be seen by nobody. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { nodesIn } from './expression-parts.js';
import { problemOf } from './expression-problem.js';
import { nearest } from './nearest.js';

/** CEL's methods of a time. Each takes a zone, or nothing for UTC. */
const methods = new Set([
  'getDate',
  'getDayOfMonth',
  'getDayOfWeek',
  'getDayOfYear',
  'getFullYear',
  'getHours',
  'getMilliseconds',
  'getMinutes',
  'getMonth',
  'getSeconds',
]);

/** Throws an `ExpressionProblem` for a zone that is written there and does not exist. */
export function checkTimeZones(whole: ASTNode): void {
  for (const { op, args } of nodesIn(whole)) {
    if (op !== 'rcall' || !methods.has(args[0])) continue;
    const [zone] = args[2];
    if (zone?.op !== 'value' || typeof zone.args !== 'string' || isTimeZone(zone.args)) continue;
    const message = `there is no time zone "${zone.args}"${suggestion(zone.args)}`;
    throw problemOf('EXPRESSION_UNKNOWN_NAME', message, zone.start);
  }
}

/** Asks whoever is asked when the expression is evaluated. Node 20 takes names only, later ones also `+02:00`. */
function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone });
    return true;
  } catch {
    // It says no by throwing.
    return false;
  }
}

function suggestion(written: string): string {
  const zones = Intl.supportedValuesOf('timeZone');
  const city = `/${written.trim().replaceAll(' ', '_').toLowerCase()}`;
  const meant =
    zoneOfOffset(written) ?? zones.find((zone) => zone.toLowerCase().endsWith(city)) ?? nearest(written, zones);
  return meant === null ? '; write it like "Europe/Berlin"' : `; did you mean "${meant}"?`;
}

/** `UTC+2` and `+02:00` have a name only with the sign turned round. */
function zoneOfOffset(written: string): string | null {
  const [, sign, hours] = /^(?:UTC|GMT)?([+-])0?(\d{1,2})(?::?00)?$/i.exec(written.trim()) ?? [];
  if (sign === undefined) return null;
  const zone = `Etc/GMT${sign === '+' ? '-' : '+'}${hours}`;
  return isTimeZone(zone) ? zone : null;
}
