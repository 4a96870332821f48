/** A rehearsal in a process of its own, so that whoever makes the load does not slow down the router that is judged. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../../bin/switchhook.js', import.meta.url));
/** Of what it writes, to be told when it ends by itself. */
const lastCharacters = 2_000;

export class RehearsalProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** Where it listens. */
  readonly url: string;

  private constructor(child: ChildProcess, ended: Promise<unknown>, url: string) {
    this.#child = child;
    this.#ended = ended;
    this.url = url;
  }

  /** Starts it, and resolves when it listens. Rejects, with what it says, where it does not come so far. */
  static async start(config: string): Promise<RehearsalProcess> {
    // In a group of its own: Ctrl-C is for the command that started it, which ends it itself.
    const child = spawn(process.execPath, [command, 'start', '--rehearse', '--json', '--config', config], {
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
    return new RehearsalProcess(child, ended, url);
  }

  /** Resolves when it has ended, and nothing of it is left. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#ended;
  }
}
