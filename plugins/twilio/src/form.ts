/** The parameters of a form: what of them is signed, and the fields of the event. */
import { type JsonObject, readJsonObject, refuse } from '@switchhook/sdk';

/** Far more than Twilio sends. They are sorted before the signature is checked. */
const mostParameters = 1_000;

/** A form that was read. */
export interface FormBody {
  /** Its names and values, sorted, without anything in between. */
  readonly signed: string;
  readonly data: JsonObject;
  /** `data` as JSON. */
  readonly bytes: Uint8Array;
}

/** Reads a form. A parameter that is sent several times is a list. */
export function formIn(body: Uint8Array): FormBody {
  const text = Buffer.from(body).toString();
  // Signed like a JSON body, whose parameters are none: it must not pass for one.
  if (text === '') throw refuse('MALFORMED', 'the body is empty');
  if (text.split('&', mostParameters + 1).length > mostParameters)
    throw refuse('MALFORMED', `the body has more than ${mostParameters} parameters`);
  const values = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(text)) values.set(name, [...(values.get(name) ?? []), value]);
  const sorted = [...values].sort(([a], [b]) => (a < b ? -1 : 1));
  const signed = sorted.flatMap(([name, all]) => [...new Set(all)].sort().map((value) => `${name}${value}`)).join('');
  const fields = sorted.map(([name, all]) => [name, all.length === 1 ? all[0] : all]);
  const bytes = Buffer.from(JSON.stringify(Object.fromEntries(fields)));
  return { signed, data: readJsonObject(bytes), bytes };
}
