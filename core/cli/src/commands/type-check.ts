/** Checks the types of local plugins beside a running router, with the TypeScript that is installed where they are. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { systemClock } from '@switchhook/core/client';
import { durationText } from '@switchhook/sdk';
import { lineKey, lineOf } from '../format/source-line.js';
import { type Output, styled } from '../output.js';
import { noteProblems } from '../print.js';

/** Errors that are shown of one check. */
const mostErrors = 5;

/** Where no tsconfig.json has others: what Node itself can import. */
const usualSettings = [
  '--strict',
  '--module',
  'nodenext',
  '--target',
  'es2023',
  '--allowImportingTsExtensions',
  '--skipLibCheck',
];

interface TypeError {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly code: string;
  readonly message: string;
}

/** How a run of the compiler ended. */
interface Ended {
  readonly code: number;
  readonly text: string;
  readonly ms: number;
}

/** One check at a time: what is saved meanwhile begins another one in its place. */
export class TypeCheck {
  readonly #output: Output;
  /** For what the compiler keeps between two checks. */
  readonly #scratch = mkdtempSync(join(tmpdir(), 'switchhook-types-'));
  #running: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  #last: 'unknown' | 'right' | 'wrong' | 'partial' | 'impossible' = 'unknown';

  constructor(output: Output) {
    this.#output = output;
  }

  /** Checks the project of a directory: these files, and what its tsconfig.json names. Lines of `seen` are not shown again. Returns at once. */
  start(directory: string, files: readonly string[], seen: ReadonlySet<string>): void {
    const own = files.filter((file) => /\.[cm]?ts$/.test(file));
    if (own.length === 0) return;
    const compiler = compilerOf(directory);
    if (compiler === null) {
      this.#explain();
      return;
    }
    this.#running?.kill();
    const project = projectOf(directory);
    const child = spawn(
      process.execPath,
      [
        ...[
          compiler,
          '--noEmit',
          '--pretty',
          'false',
          '--listFiles',
          '--incremental',
          '--tsBuildInfoFile',
          join(this.#scratch, 'types'),
        ],
        ...(project === null ? [...usualSettings, ...own] : ['--project', project]),
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#running = child;
    const startedAt = systemClock.elapsed();
    const texts: string[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => texts.push(text));
    this.#ended = new Promise((resolve) => {
      child.on('error', (error) => {
        this.#output.note(`types: the compiler cannot be started: ${error.message}`);
        resolve();
      });
      child.on('close', (code) => {
        if (this.#running === child && code !== null)
          this.#show({ code, text: texts.join(''), ms: systemClock.elapsed() - startedAt }, own, seen);
        resolve();
      });
    });
  }

  /** Ends the check that runs. */
  async close(): Promise<void> {
    const child = this.#running;
    this.#running = null;
    child?.kill();
    await this.#ended;
    rmSync(this.#scratch, { recursive: true, force: true });
  }

  #explain(): void {
    if (this.#last !== 'impossible')
      this.#output.note(
        'types: not checked, because typescript is not installed here: npm install --save-dev typescript',
      );
    this.#last = 'impossible';
  }

  #show({ code, text, ms }: Ended, own: readonly string[], seen: ReadonlySet<string>): void {
    this.#running = null;
    const errors = errorsIn(text);
    const other = text.split('\n').filter((line) => !isAbsolute(line.trim()));
    const took = durationText(ms);
    if (code === 0) {
      const read = new Set(text.split('\n').map((line) => line.trim()));
      const left = own
        .filter((file) => existsSync(file) && !read.has(realpathSync(file)))
        .map((file) => relative(process.cwd(), file));
      if (left.length > 0) {
        if (this.#last !== 'partial')
          this.#output.note(`types: not checked of ${left.join(', ')}: add them to "include" in tsconfig.json`);
        this.#last = 'partial';
        return;
      }
      if (this.#last !== 'right') this.#output.line(`${styled(this.#output, 'green', 'types: ok')}, after ${took}`);
      this.#last = 'right';
      return;
    }
    this.#last = 'wrong';
    // One error of syntax has many after it.
    const shown = errors.some(isOfSyntax) ? errors.filter(isOfSyntax).slice(0, 1) : errors.slice(0, mostErrors);
    noteProblems(
      this.#output,
      shown.map((error) => ({
        ...error,
        path: '',
        hint: '',
        excerpt: seen.has(lineKey(error)) ? null : lineOf(error),
      })),
    );
    const count = `${errors.length} error${errors.length === 1 ? '' : 's'}`;
    const what = shown.length === errors.length ? count : `${count}, of which ${shown.length} above`;
    this.#output.note(
      styled(this.#output, 'red', `types: ${errors.length === 0 ? other.join('\n').trim() : what}, after ${took}`),
    );
  }
}

function isOfSyntax({ code }: TypeError): boolean {
  return /^TS1\d{3}$/.test(code);
}

/** `crm.ts(31,20): error TS2322: …`; indented lines below belong to it, and the last of them is the exact one. */
function errorsIn(text: string): readonly TypeError[] {
  const errors: TypeError[] = [];
  for (const line of text.split('\n')) {
    const [, file = '', at = '', column = '', code = '', message = ''] =
      /^(?:(.+?)\((\d+),(\d+)\): )?error (TS\d+): (.*)$/.exec(line) ?? [];
    const last = errors.at(-1);
    if (code !== '')
      errors.push({ file: file || 'tsconfig.json', line: Number(at), column: Number(column), code, message });
    else if (last !== undefined && /^\s+\S/.test(line))
      errors[errors.length - 1] = { ...last, message: `${last.message.split(' → ')[0]} → ${line.trim()}` };
  }
  return errors;
}

/** The compiler's own script; null where it is not installed. */
function compilerOf(directory: string): string | null {
  try {
    const manifest = createRequire(join(directory, 'package.json')).resolve('typescript/package.json');
    return join(dirname(manifest), JSON.parse(readFileSync(manifest, 'utf8')).bin.tsc);
  } catch {
    // Not installed, or no TypeScript that has a compiler.
    return null;
  }
}

/** The next tsconfig.json from here upward. */
function projectOf(directory: string): string | null {
  const file = join(directory, 'tsconfig.json');
  if (existsSync(file)) return relative(process.cwd(), file);
  return dirname(directory) === directory ? null : projectOf(dirname(directory));
}
