/** What `npm run docs` writes: the reference of the configuration, the catalogue of plugins, and the schema that editors use for the files of `config/`. */
import { configurationSchema, openCatalog } from '@switchhook/core/internal';
import { repository } from '../source.js';
import { cataloguePage } from './catalogue-page.js';
import { configurationPage } from './configuration-page.js';
import { routerEventsPage } from './router-events-page.js';

/** Texts by their path. */
export async function generated(): Promise<ReadonlyMap<string, string>> {
  const catalog = openCatalog(repository);
  const schema = configurationSchema(await catalog.components());
  const installed = await catalog.all();
  return new Map([
    ['docs/configuration.md', configurationPage(schema, installed)],
    ['docs/router-events.md', routerEventsPage()],
    ['docs/plugins.md', cataloguePage(installed)],
    ['config/switchhook.schema.json', `${JSON.stringify(schema, null, 2)}\n`],
  ]);
}
