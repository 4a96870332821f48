/** Response schemas of a reload and of a restart. */
import { z } from 'zod';
import { configProblem, count, list, named } from './responses.js';

const rowChanges = z.object({
  added: list(z.string()),
  changed: list(z.string()).meta({
    description:
      'Other options (secrets included), another policy, another version of a local plugin, or another order.',
  }),
  removed: list(z.string()),
  unchanged: list(z.string()),
});

/** What a reload has changed, or would change. */
export const reloadReport = z
  .object({
    file: z.string(),
    dryRun: z.boolean(),
    generation: count.meta({ description: 'Of the configuration at work now; 1 at the start.' }),
    ...{ sources: rowChanges, transforms: rowChanges, destinations: rowChanges, resolvers: rowChanges },
    ...{ routes: rowChanges, answers: rowChanges },
    settings: list(z.string()).meta({ description: 'Other settings that have changed, e.g. `log.level`.' }),
    draining: list(z.string()).meta({
      description: 'Removed destinations whose deliveries are still made; those of the others wait in the store.',
    }),
    restart: list(z.object({ setting: z.string(), reason: z.string() })).meta({
      description: 'What has changed but takes effect after a restart only.',
    }),
    warnings: list(configProblem).meta({ description: 'What is valid, but probably not meant.' }),
  })
  .register(named, { id: 'ReloadReport' });
export type ReloadReport = z.output<typeof reloadReport>;

/** Another process listens, and takes over. */
export const restartReport = z
  .object({ readyMs: count.meta({ description: 'How long the new process took until it listened.' }) })
  .register(named, { id: 'RestartReport' });
export type RestartReport = z.output<typeof restartReport>;
