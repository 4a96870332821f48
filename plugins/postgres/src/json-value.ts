/** What comes out of a database, as JSON: times as ISO 8601, bytes as base64, fractions as text, so that no digit is lost. */

import { type JsonObject, parseJson, stringifyJson } from '@switchhook/sdk';
import pg from 'pg';

type Parser = (text: string) => unknown;
const { builtins, getTypeParser } = pg.types;

/** A day has no time zone, and an interval reads better than its parts: both stay as PostgreSQL writes them. */
const ours: ReadonlyMap<number, Parser> = new Map<number, Parser>([
  [builtins.DATE, (text) => text],
  [builtins.INTERVAL, (text) => text],
  [builtins.TIMESTAMP, (text) => text.replace(' ', 'T')],
  [builtins.INT8, parseJson],
  [builtins.JSON, parseJson],
  [builtins.JSONB, parseJson],
  [builtins.BYTEA, (text) => Buffer.from(text.slice(2), 'hex').toString('base64')],
]);

/** How values are read from the wire. */
export const parsers = {
  getTypeParser: (oid: number): Parser => ours.get(oid) ?? (getTypeParser(oid) as Parser),
};

/** A row as JSON has it; `{}` where there is none. */
export function jsonRow(row: object | undefined): JsonObject {
  return parseJson(stringifyJson(row ?? {})) as JsonObject;
}
