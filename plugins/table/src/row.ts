/** A row of a table: the facts of one key. */
import type { JsonObject, JsonValue } from '@switchhook/sdk';

/** One row: what stands in the key's column, and the values by column. */
export interface Row {
  readonly key: JsonValue;
  readonly values: JsonObject;
}
