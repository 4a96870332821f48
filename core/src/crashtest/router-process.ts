/** A router in a process of its own, to be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, closeSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../../bin/switchhook.js', import.meta.url));
/** Of its log, when it ends by itself. */
const lastCharacters = 2_000;

export class RouterProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** Resolves when it listens, or has ended before. */
  readonly listening: Promise<unknown>;
  #url: string | null = null;

  /** Starts it. What it logs goes to the end of a file. */
  constructor(
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

  /** SIGSTOP: it stands still, and does not know it. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  /** SIGCONT. */
  thaw(): void {
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

  /** Why it does not run, as far as its log tells. */
  get complaint(): string {
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
