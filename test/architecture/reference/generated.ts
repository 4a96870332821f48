/**
 * What `npm run docs` writes: the reference of the configuration, the catalogue of plugins, the schema that editors use for the files of
 * `config/`, and the files of a new router that docs/operating/deploy has as well.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationSchema, openCatalog } from '@switchhook/core/internal';
import { repository } from '../source.js';
import { cataloguePage } from './catalogue-page.js';
import { configurationPage } from './configuration-page.js';
import { routerEventsPage } from './router-events-page.js';

/** By their names in docs/operating/deploy, files of core/create/template/router. */
const ofNewRouters: Readonly<Record<string, string>> = {
  Dockerfile: 'Dockerfile',
  '.dockerignore': '_dockerignore',
  'switchhook.service': 'switchhook.service',
  'switchhook.socket': 'switchhook.socket',
};

/** Texts by their path. */
export async function generated(): Promise<ReadonlyMap<string, string>> {
  const catalog = openCatalog(repository);
  const schema = configurationSchema(await catalog.components());
  const installed = await catalog.all();
  const deployed = Object.entries(ofNewRouters).map(([name, file]): [string, string] => [
    `docs/operating/deploy/${name}`,
    readFileSync(join(repository, 'core/create/template/router', file), 'utf8').replaceAll('{{name}}', 'switchhook'),
  ]);
  return new Map([
    ...deployed,
    ['docs/configuration.md', configurationPage(schema, installed)],
    ['docs/router-events.md', routerEventsPage()],
    ['docs/plugins.md', cataloguePage(installed)],
    ['config/switchhook.schema.json', `${JSON.stringify(schema, null, 2)}\n`],
  ]);
}
