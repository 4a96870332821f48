/** Rows of JSON and YAML: a list of objects, or an object whose names are the keys. */
import type { JsonObject, JsonValue } from '@switchhook/sdk';
import { parseJson } from '@switchhook/sdk/thread';
import type { ScalarTag } from 'yaml';
import { FileProblem } from './file-problem.js';
import type { Row } from './row.js';

/** How a document is read. */
export interface DocumentSettings {
  readonly format: 'json' | 'yaml';
  readonly key: string;
  readonly maxBytes: number;
}

/** Reads the whole text, then gives row after row. */
export async function* documentRows(pieces: AsyncIterable<string>, settings: DocumentSettings): AsyncGenerator<Row> {
  const { format, key, maxBytes } = settings;
  let text = '';
  for await (const piece of pieces) {
    text += piece;
    if (text.length > maxBytes) throw new FileProblem(`it is larger than ${maxBytes / 1e6} MB: write it as CSV`);
  }
  const content = format === 'json' ? readJson(text) : await readYaml(text);
  if (Array.isArray(content)) yield* rowsOfList(content as readonly JsonValue[], key);
  else if (isObject(content)) yield* rowsByKey(content, key);
  else throw new FileProblem('expected a list of objects, or an object of objects');
}

function* rowsOfList(list: readonly JsonValue[], key: string): Generator<Row> {
  if (list.length > 0 && !list.some((values) => isObject(values) && key in values))
    throw new FileProblem(`no row has a column ${JSON.stringify(key)}`);
  for (const [index, values] of list.entries()) {
    if (!isObject(values)) throw new FileProblem(`row ${index + 1} is not an object`);
    yield { key: values[key] ?? null, values };
  }
}

function* rowsByKey(content: JsonObject, key: string): Generator<Row> {
  for (const [name, values] of Object.entries(content)) {
    if (!isObject(values)) throw new FileProblem(`${JSON.stringify(name)} is not an object`);
    yield { key: name, values: { [key]: name, ...values } };
  }
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readJson(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch (error) {
    const [, position] = /position (\d+)/.exec(String(error)) ?? [];
    const before = position === undefined ? text : text.slice(0, Number(position));
    throw new FileProblem('it is not JSON', before.split('\n').length);
  }
}

/** YAML takes +12025550143 and 0049… for numbers; here they are what is written. */
const numberAsWritten: ScalarTag = {
  tag: 'tag:yaml.org,2002:str',
  default: true,
  test: /^[+0][0-9]+$/,
  resolve: (text) => text,
};

/** Integers beyond 2^53 stay bigints, as in JSON. */
function safeNumber(_key: unknown, value: unknown): unknown {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

async function readYaml(text: string): Promise<JsonValue> {
  const { parse, YAMLParseError } = await import('yaml');
  try {
    return parse(text, safeNumber, {
      customTags: (tags) => [numberAsWritten, ...tags],
      intAsBigInt: true,
      logLevel: 'error',
    }) as JsonValue;
  } catch (error) {
    const place = error instanceof YAMLParseError ? error.linePos?.[0] : undefined;
    const [sentence = ''] = (error instanceof Error ? error.message : String(error)).split(/ at line \d|\n/);
    throw new FileProblem(sentence, place?.line);
  }
}
