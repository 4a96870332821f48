/** A router in a process of its own, to be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, closeSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** How much of its log is shown when it ends by itself. */
const lastCharacters = 2_000;

export class RouterProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** Resolves when it listens, or has ended before. */
  readonly listening: Promise<unknown>;
  #url: string | null = null;

  /** Starts `command`, the script of the command line. What it logs goes to the end of a file. */
  constructor(
    command: string,
    config: string,
    readonly logFile: string,
  ) {
    const log = openSync(logFile, 'a');
    // In a group of its own: Ctrl-C is for the crash test, which ends the router itself.
    this.#child = spawn(process.execPath, [command, 'start', '--json', '--config', config], {
      stdio: ['ignore', 'pipe', log],
      detached: true,
    });
    closeSync(log);
    this.#ended = once(this.#child, 'exit');
    this.listening = Promise.race([this.#untilListening(), this.#ended]);
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** SIGTERM; resolves with its exit code, or with null where it did not end by itself. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    await this.#ended;
    return this.#child.exitCode;
  }

  /** SIGSTOP: suspends it. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  /** SIGCONT. */
  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** True where it has ended without having been killed. */
  get failed(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Where it listens; null where it does not yet. */
  get url(): string | null {
    return this.#url;
  }

  /** Why it does not run, from its log. */
  get diagnostic(): string {
    const what = this.failed
      ? `ended by itself (${this.#child.exitCode ?? this.#child.signalCode})`
      : 'does not get ready';
    return `the router ${what}: ${readFileSync(this.logFile, 'utf8').slice(-lastCharacters)}`;
  }

  /** It writes one line of its own between those of the log. */
  #untilListening(): Promise<void> {
    const { stdout } = this.#child;
    return new Promise((resolve) => {
      if (stdout === null) return;
      createInterface({ input: stdout }).on('line', (line) => {
        const url = /^\{"url":"([^"]+)"\}$/.exec(line)?.[1];
        if (url === undefined) appendFileSync(this.logFile, `${line}\n`);
        else {
          this.#url = url;
          resolve();
        }
      });
    });
  }
}

export class DryRunProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** Where it listens. */
  readonly url: string;

  private constructor(child: ChildProcess, ended: Promise<unknown>, url: string) {
    this.#child = child;
    this.#ended = ended;
    this.url = url;
  }

  /** Starts it, and resolves when it listens. Rejects, with its output, if it does not. */
  static async start(command: string, config: string): Promise<DryRunProcess> {
    // In a group of its own: Ctrl-C is for the command that started it, which ends it itself.
    const child = spawn(process.execPath, [command, 'start', '--dry-run', '--json', '--config', config], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const ended = once(child, 'exit');
    let said = '';
    const listening = new Promise<string>((resolve) => {
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => {
          said = (said + text).slice(-lastCharacters);
          const url = /^\{"url":"([^"]+)"\}$/m.exec(said)?.[1];
          if (url !== undefined) resolve(url);
        });
    });
    const url = await Promise.race([listening, ended.then(() => null)]);
    if (url === null) throw new Error(`the router could not be started: ${said.trim()}`);
    return new DryRunProcess(child, ended, url);
  }

  /** Resolves when it has ended, and nothing of it is left. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#ended;
  }
}
