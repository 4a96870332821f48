/** Where a configuration reads a secret: a variable in `.env` beside it, or a file of its own. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { documentFrom, nodeAt } from '@switchhook/core/internal';
import { stringifyJson } from '@switchhook/sdk';
import { errorMessage } from '@switchhook/sdk/internal';
import { CommandFailure, exitCodes } from '../output.js';

/** The owner alone reads and writes it. */
const ownerOnly = 0o600;

/** A text with its variables, as a configuration in this file reads it; null where one is missing. */
export function asConfigured(text: string, file: string, environment?: Readonly<Record<string, string>>) {
  const node = nodeAt(documentFrom(stringifyJson([text]), file, environment).root, [0]);
  return node?.kind === 'scalar' && !node.broken ? String(node.value) : null;
}

/** One place for one secret. */
export class SecretPlace {
  /** As a configuration refers to it. */
  readonly written: string;
  /** The file that contains the secret. */
  readonly path: string;
  readonly #config: string;
  /** Null where the whole file is the secret. */
  readonly #variable: string | null;

  constructor(given: { readonly variable: string } | { readonly file: string }, config: string) {
    this.#config = config;
    this.#variable = 'variable' in given ? given.variable : null;
    this.written = 'variable' in given ? `\${${given.variable}}` : `\${file:${given.file}}`;
    this.path = 'file' in given ? resolve(dirname(config), given.file) : join(dirname(config), '.env');
  }

  /** The place that an option of a configuration refers to, default or not; null where it contains no reference, or more. */
  static referredTo(text: string, config: string): SecretPlace | null {
    const [, variable, file] = /^\$\{(?:([A-Za-z_]\w*)(?::-[^}]*)?|file:([^}]+))\}$/.exec(text) ?? [];
    if (file !== undefined) return new SecretPlace({ file }, config);
    return variable === undefined ? null : new SecretPlace({ variable }, config);
  }

  /** `NAME`, or `file:path`, as a person names it for a command. */
  static named(text: string, config: string): SecretPlace {
    const place = SecretPlace.referredTo(`\${${text}}`, config);
    if (place !== null && !text.includes(':-')) return place;
    throw new CommandFailure(
      exitCodes.usage,
      `"${text}" is no place for a secret: name a variable, e.g. SIGMAMIND_SECRET, or a file, e.g. file:secrets/agents.txt`,
    );
  }

  /** Whether it has a secret already. */
  get isTaken(): boolean {
    return (asConfigured(this.written, this.#config) ?? '') !== '';
  }

  /** Ends the command if a secret cannot be written here. */
  requireWritable(): void {
    const inFile = asConfigured(this.written, this.#config, {});
    if (this.#variable !== null && asConfigured(this.written, this.#config) !== inFile)
      throw new CommandFailure(
        exitCodes.failed,
        `${this.#variable} is set in the environment, which a configuration reads before .env: unset it, or name another place with --secret-to`,
      );
    try {
      accessSync(existsSync(this.path) ? this.path : dirname(this.path), constants.W_OK);
    } catch (error) {
      throw new CommandFailure(exitCodes.failed, `the secret cannot be written: ${errorMessage(error)}`);
    }
  }

  /** Writes the secret, and reads it back as a configuration does. An existing file keeps its owner, and only the owner can read it from then on. */
  async write(secret: string): Promise<void> {
    const text = this.#variable === null ? `${secret}\n` : withVariable(this.#existing(), this.#variable, secret);
    const file = await open(this.path, constants.O_RDWR | constants.O_CREAT, ownerOnly);
    try {
      await file.chmod(ownerOnly);
      // In this order: what was in the file stays there if the disk is full.
      await file.writeFile(text);
      await file.truncate(Buffer.byteLength(text));
      await file.sync();
    } finally {
      await file.close();
    }
    if (asConfigured(this.written, this.#config) !== secret)
      throw new Error(`${this.written} is not the secret that was written to ${this.path}`);
  }

  #existing(): string {
    return existsSync(this.path) ? readFileSync(this.path, 'utf8') : '';
  }
}

/** The text of a `.env` file in which the variable has this value: its lines change, or one is added. */
function withVariable(text: string, name: string, value: string): string {
  const quote = /^[\w.-]+$/.test(value) ? '' : ["'", '`'].find((mark) => !value.includes(mark));
  if (quote === undefined) throw new Error(`.env cannot hold a value with both ' and \`: use a file`);
  const line = `${name}=${quote}${value}${quote}`;
  const earlier = new RegExp(
    `^[ \\t]*(?:export[ \\t]+)?${name}[ \\t]*=(?:[ \\t]*(?:'[^']*'|"[^"]*"|\`[^\`]*\`))?.*$`,
    'gm',
  );
  if (earlier.test(text)) return text.replace(earlier, () => line);
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`;
}
