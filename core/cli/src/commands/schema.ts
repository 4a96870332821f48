/** `switchhook schema`: the JSON Schema of a configuration with the installed components, for editors. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Config } from '@switchhook/core';
import { configurationSchema } from '@switchhook/core/internal';
import { errorMessage } from '@switchhook/sdk/internal';
import { catalogOf, commandFile } from '../local-router.js';
import type { Output } from '../output.js';
import { printJson } from '../print.js';

/** In characters; with all plugins of this version it is 350,000. */
const longestSchema = 64 * 1_048_576;

interface SchemaOptions {
  readonly config: string;
  readonly output?: string;
}

export async function runSchema(output: Output, options: SchemaOptions): Promise<void> {
  const catalog = await catalogOf(options);
  const schema = configurationSchema(await catalog.components(), catalog.named);
  if (options.output === undefined) return printJson(output, schema);
  await writeFile(options.output, `${JSON.stringify(schema, null, 2)}\n`);
  output.note(`wrote ${options.output}`);
}

/** The schema that a configuration file names for editors in its first lines, kept as the plugins are. */
export class EditorSchema {
  readonly #output: Output;
  readonly #ending = new AbortController();
  #last: Promise<void> = Promise.resolve();
  /** Of the plugins that it was written for. */
  #mark = '';

  constructor(output: Output) {
    this.#output = output;
  }

  /** Writes it, beside everything else, where a plugin has changed. */
  renew(config: Pick<Config, 'file' | 'files' | 'plugins'>): void {
    this.#last = this.#last
      .then(() => this.#renewed(config))
      .catch((error: unknown) => {
        if (!this.#ending.signal.aborted)
          this.#output.note(`the schema for editors cannot be written: ${errorMessage(error)}`);
      });
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#last;
  }

  async #renewed({ file, files, plugins }: Pick<Config, 'file' | 'files' | 'plugins'>): Promise<void> {
    const { signal } = this.#ending;
    const [, name = ''] = /^# *yaml-language-server: *\$schema=(\S+)/m.exec(await readFile(file, 'utf8')) ?? [];
    if (name === '' || /^[a-z]+:/i.test(name)) return;
    const code = files.filter((one) => /\.[cm]?[jt]s$/.test(one));
    const mark = JSON.stringify([plugins, ...(await Promise.all(code.map((one) => readFile(one, 'utf8'))))]);
    if (mark === this.#mark) return;
    this.#mark = mark;
    // In a process of its own: it imports all installed plugins.
    const args = [commandFile, 'schema', '--config', file];
    const { stdout } = await promisify(execFile)(process.execPath, args, { signal, maxBuffer: longestSchema });
    const target = join(dirname(file), name);
    if (stdout === (await readFile(target, 'utf8').catch(() => null /* It is not there yet. */))) return;
    await writeFile(target, stdout);
    this.#output.note(`wrote ${target}, for the editor`);
  }
}
