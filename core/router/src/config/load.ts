/** From a file to a document. The only place that reads the environment. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
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

/** A document from a text, as if it were in `file`. */
export function documentFrom(
  source: string,
  file: string,
  environment: Environment = process.env,
  hints?: Hints,
): ConfigDocument {
  const directory = dirname(resolve(file));
  const beside: Diagnostic[] = [];
  const variables = variablesFor(directory, environment, beside);
  const { root, diagnostics } = parseYaml(source, variables);
  return new ConfigDocument({ file, directory, source, root, diagnostics: [...beside, ...diagnostics], hints });
}

/** The rows of `plugins:`, as far as they can be read. */
export function namedPlugins({ root }: ConfigDocument): readonly string[] {
  const list = nodeAt(root, ['plugins']);
  const rows: unknown = list === null ? [] : plainOf(list);
  return Array.isArray(rows) ? rows.filter((row) => typeof row === 'string') : [];
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

/** The environment, and below it `.env` beside the file. */
function variablesFor(directory: string, environment: Environment, diagnostics: Diagnostic[]): Variables {
  const beside = dotEnvIn(directory, diagnostics);
  return {
    variable: (name) => (Object.hasOwn(environment, name) ? environment[name] : undefined) ?? beside.get(name),
    file(path) {
      try {
        const full = resolve(directory, path);
        const status = statSync(full);
        if (!status.isFile() || status.size > largest) return null;
        return readFileSync(full, 'utf8').replace(/\r?\n$/, '');
      } catch (error) {
        if (error instanceof Error) return null;
        throw error;
      }
    },
  };
}

function dotEnvIn(directory: string, diagnostics: Diagnostic[]): ReadonlyMap<string, string> {
  const path = join(directory, '.env');
  try {
    const text = statSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path, 'utf8') : '';
    return new Map(Object.entries(parseEnv(text)).map(([name, value]) => [name, String(value)]));
  } catch (error) {
    const message = `.env beside the file cannot be read: ${reasonOf(error)}`;
    diagnostics.push({ code: 'CONFIG_UNREADABLE', message, offset: null, path: [] });
    return new Map();
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
