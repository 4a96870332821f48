/** From a file to a document. The only place that reads the environment. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ConfigDocument, type Hints } from './diagnostics.js';
import type { Variables } from './interpolate.js';
import { type Diagnostic, nodeAt, plainOf } from './tree.js';
import { parseYaml } from './yaml.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Anything larger is not configuration. */
const largest = 1_048_576;

/** Reads a configuration file, or with `hints` another one. What is wrong with it is in the document: this never throws. */
export function readConfig(file: string, environment: Environment = process.env, hints?: Hints): ConfigDocument {
  const directory = dirname(resolve(file));
  const read = textOf(file);
  if (typeof read !== 'string')
    return new ConfigDocument({ file, directory, source: '', root: null, diagnostics: [read], hints });
  return documentFrom(read, file, environment, hints);
}

/** A document from a text, as if it were in `file`. `madeBy`: the files of the module that has made the text; it has no places then. */
export function documentFrom(
  source: string,
  file: string,
  environment: Environment = process.env,
  hints?: Hints,
  madeBy: readonly string[] = [],
): ConfigDocument {
  const directory = dirname(resolve(file));
  const beside: Diagnostic[] = [];
  const warnings: Diagnostic[] = [];
  const files = new Set([resolve(file), join(directory, '.env'), ...madeBy]);
  const variables = variablesFor(directory, environment, { beside, warnings, files });
  const { root, diagnostics } = parseYaml(source, variables);
  return new ConfigDocument({
    file,
    directory,
    source,
    files: [...files],
    root,
    diagnostics: [...beside, ...diagnostics],
    warnings,
    hints,
    isPlaced: madeBy.length === 0,
    literals: madeBy.length === 0 ? [] : literalsIn(source, environment),
  });
}

/** Values of the environment that are in a text as they are. Shorter ones are ordinary words. */
function literalsIn(source: string, environment: Environment): readonly string[] {
  const lines = Object.values(environment).flatMap((value = '') => value.split('\n'));
  return lines.filter((line) => line.trim().length >= 8 && source.includes(JSON.stringify(line).slice(1, -1)));
}

/** A document from the value that a module of these files exports. Throws where a part of it is none of a configuration, such as a function. */
export function documentOf(value: object, file: string, madeBy: readonly string[]): ConfigDocument {
  const text = JSON.stringify(value, (key, part) => {
    if (!['function', 'symbol', 'bigint'].includes(typeof part)) return part;
    throw new Error(`${key} is a ${typeof part}, which no configuration has`);
  });
  return documentFrom(text, file, process.env, undefined, madeBy);
}

/** What the rows of `plugins:` name, as far as they can be read. */
export function namedPlugins({ root }: ConfigDocument): readonly NamedPlugin[] {
  const list = nodeAt(root, ['plugins']);
  const rows: unknown = list === null ? [] : plainOf(list);
  return (Array.isArray(rows) ? rows : []).flatMap((row) => {
    const { use = row, acceptApi } = Object(row);
    return typeof use === 'string' ? [{ use, ...(typeof acceptApi === 'number' && { acceptApi }) }] : [];
  });
}

/** A row of `plugins:`, as far as it can be read. */
export interface NamedPlugin {
  readonly use: string;
  /** The version of the plugin contract that is accepted beside that of the router. */
  readonly acceptApi?: number;
}

function textOf(file: string): string | Diagnostic {
  const diagnostic = (code: Diagnostic['code'], message: string): Diagnostic => ({
    code,
    message,
    offset: null,
    path: [],
  });
  try {
    const status = statSync(file, { throwIfNoEntry: false });
    if (status === undefined) return diagnostic('CONFIG_NOT_FOUND', 'there is no such file');
    if (!status.isFile())
      return diagnostic('CONFIG_UNREADABLE', status.isDirectory() ? 'this is a directory' : 'this is not a file');
    if (status.size > largest)
      return diagnostic('CONFIG_TOO_LARGE', `the file has ${(status.size / largest).toFixed(1)} MB, 1 MB is allowed`);
    // Leaves a byte order mark out.
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    if (error instanceof TypeError) return diagnostic('CONFIG_NOT_UTF8', 'the file has bytes that are not UTF-8');
    return diagnostic('CONFIG_UNREADABLE', `the file cannot be read: ${reasonOf(error)}`);
  }
}

/** The environment, and below it `.env` beside the file. A value that other tools read differently is a warning if it is used. */
function variablesFor(
  directory: string,
  environment: Environment,
  {
    beside,
    warnings,
    files,
  }: { readonly beside: Diagnostic[]; readonly warnings: Diagnostic[]; readonly files: Set<string> },
): Variables {
  const dotEnv = dotEnvIn(directory, beside);
  return {
    variable(name) {
      const set = Object.hasOwn(environment, name) ? environment[name] : undefined;
      if (set !== undefined) return set;
      const { value, doubt = null } = dotEnv.get(name) ?? {};
      if (doubt !== null) warnings.push({ code: 'ENV_AMBIGUOUS', message: doubt, offset: null, path: [] });
      return value;
    },
    file(path) {
      try {
        const full = resolve(directory, path);
        files.add(full);
        const status = statSync(full);
        if (!status.isFile() || status.size > largest) return null;
        return decoded(full).replace(/(?<![\r\n])[\r\n]+$/, '');
      } catch (error) {
        if (error instanceof Error) return null;
        throw error;
      }
    },
  };
}

/** Without a byte order mark. */
function decoded(file: string): string {
  return new TextDecoder().decode(readFileSync(file));
}

/** A variable of `.env`, and where and how other tools may read it differently. */
interface DotEnvValue {
  readonly value: string;
  readonly doubt: string | null;
}

function dotEnvIn(directory: string, diagnostics: Diagnostic[]): ReadonlyMap<string, DotEnvValue> {
  const path = join(directory, '.env');
  try {
    return new Map(dotEnvValues(statSync(path, { throwIfNoEntry: false })?.isFile() ? decoded(path) : ''));
  } catch (error) {
    const message = `.env beside the file cannot be read: ${reasonOf(error)}`;
    diagnostics.push({ code: 'CONFIG_UNREADABLE', message, offset: null, path: [] });
    return new Map();
  }
}

/** A value in quotes may go over several lines; the rest of its last line is the last group, as is a value without quotes. */
const dotEnvLine =
  /^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=(?:[ \t]*(?:'([^']*)'|"([^"]*)"|`([^`]*)`))?([^\r\n]*)/gm;

/** As `util.parseEnv`, which cuts a value without quotes at every `#`: here a space must precede the `#` of a comment. */
function* dotEnvValues(text: string): Generator<[string, DotEnvValue]> {
  for (const { 1: name = '', 2: single, 3: double, 4: back, 5: rest = '', index } of text.matchAll(dotEnvLine)) {
    const quoted = single ?? double?.replaceAll('\\n', '\n') ?? back;
    const value = quoted ?? rest.replace(/[ \t]#.*/, '').trim();
    const doubt = quoted === undefined ? doubtAbout(value) : doubtBehindQuote(rest);
    const place = () => `.env:${text.slice(0, index).split('\n').length}: ${name}`;
    yield [name, { value, doubt: doubt === null ? null : `${place()}: ${doubt}` }];
  }
}

function doubtAbout(value: string): string | null {
  if (/^['"`]/.test(value)) return 'the opening quote has no closing one, so it belongs to the value';
  return value.includes('#') ? 'the # in the value belongs to it: a comment starts with a space' : null;
}

function doubtBehindQuote(rest: string): string | null {
  return /^[ \t]*(#|$)/.test(rest) ? null : 'the text behind the closing quote is ignored';
}

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
