/** Names of time zones, as written in the configuration. */
import { z } from 'zod';
import { nearest } from './suggestion.js';

/** `Europe/Berlin`: a time zone by its name in the IANA database. */
export function timeZone(description: string) {
  return z
    .string()
    .superRefine((zone, ctx) => {
      const message = timeZoneProblem(zone);
      if (message !== null) ctx.addIssue({ code: 'custom', message });
    })
    .meta({ description, examples: ['Europe/Berlin'] });
}

/** Why a text is no time zone, with the one that is probably meant; null where it is one. */
export function timeZoneProblem(written: string): string | null {
  if (isTimeZone(written)) return null;
  const zones = Intl.supportedValuesOf('timeZone');
  const city = `/${written.trim().replaceAll(' ', '_').toLowerCase()}`;
  const meant =
    zoneOfOffset(written) ?? zones.find((zone) => zone.toLowerCase().endsWith(city)) ?? nearest(written, zones);
  const hint = meant === null ? '; write it like "Europe/Berlin"' : `; did you mean "${meant}"?`;
  return `there is no time zone "${written}"${hint}`;
}

/** By the time zone data that evaluates times. Node 20 takes names only, later ones also `+02:00`. */
function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone });
    return true;
  } catch {
    // It throws for an unknown zone.
    return false;
  }
}

/** `UTC+2` and `+02:00` have a name only with the sign turned round. */
function zoneOfOffset(written: string): string | null {
  const [, sign, hours] = /^(?:UTC|GMT)?([+-])0?(\d{1,2})(?::?00)?$/i.exec(written.trim()) ?? [];
  if (sign === undefined) return null;
  const zone = `Etc/GMT${sign === '+' ? '-' : '+'}${hours}`;
  return isTimeZone(zone) ? zone : null;
}
