/** `switchhook start`: runs the router in this process, or a supervisor, which loads none of it. */
import cluster from 'node:cluster';
import type { ConfigOptions } from '../configuration.js';
import type { Output } from '../output.js';

/** What `start` is given. */
export interface StartOptions extends ConfigOptions {
  readonly dryRun?: true;
  readonly watch?: true;
  readonly otel?: true;
  readonly port?: number;
  readonly replaceable?: true;
}

export async function runStart(output: Output, options: StartOptions): Promise<void> {
  if (options.replaceable && cluster.isPrimary) {
    const { Supervisor } = await import('../replaceable.js');
    process.exitCode = await new Supervisor(output).run();
    return;
  }
  await (await import('./run-router.js')).runRouter(output, { ...options, env: process.env });
}
