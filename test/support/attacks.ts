/** Attacks on a router from outside, and what they got back. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Each needs no secret. */
export const attacks = ['unread-replies', 'large-bodies', 'large-numbers', 'deep-bodies', 'filler-headers'] as const;
export type Attack = (typeof attacks)[number];

/** An attack under way. */
export interface RunningAttack {
  /** Replies so far, by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Resolves when so many replies have come. */
  answered(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** The rows of a configuration that is attacked: a source with a secret for each of 300 agents, beside calls. */
export const attackedSources = `
sources:
  agents:
    use: sigmamind.events
    secrets:
${Array.from({ length: 300 }, (_, n) => `      agent_${n}: secret-of-agent-${n}`).join('\n')}
  calls: { use: sigmamind.call, token: token-of-the-tests }
`;

/** Starts an attack in a process of its own; resolves when it is under way. */
export async function startAttack(attack: Attack, port: number): Promise<RunningAttack> {
  const script = fileURLToPath(new URL('./attacker.ts', import.meta.url));
  const child: ChildProcess = fork(script, [attack, String(port)], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  let statuses: Readonly<Record<string, number>> = {};
  const listeners = new Set<() => void>();
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const begun = once(lines, 'line');
  lines.on('line', (line) => {
    statuses = JSON.parse(line);
    for (const listener of listeners) listener();
  });
  await Promise.race([begun, exited.then(() => Promise.reject(new Error(`${attack} ended by itself`)))]);
  return {
    get statuses() {
      return statuses;
    },
    answered: (count) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (Object.values(statuses).reduce((sum, one) => sum + one, 0) < count) return;
          listeners.delete(check);
          resolve();
        };
        listeners.add(check);
        check();
      }),
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
