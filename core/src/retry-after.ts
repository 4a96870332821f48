/** The `Retry-After` header: seconds, or an HTTP date (RFC 9110 §10.2.3). */

/** Milliseconds from now; undefined where the header is missing or says nothing sensible. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1_000;
  // Date.parse alone would take `1.5` and `soon 1` for dates.
  if (!/^\s*(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /i.test(header)) return undefined;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}
