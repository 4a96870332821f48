/** Makes folders that are ready to run, for `npm create switchhook` and the commands `init` and `new`. */
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { filesOf, TemplateRefusal, writeFiles } from './template.js';

export { TemplateRefusal };

/** All packages have the same version. */
const { version }: { readonly version: string } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
);

/** Makes a router in a directory, which may exist. Throws a `TemplateRefusal` if one of its files exists. Returns what to do next. */
export async function createRouterFolder(directory: string): Promise<readonly string[]> {
  const name = nameFor(basename(resolve(directory)));
  const template = await filesOf('router', { name, version });
  const files = new Map([...template, ['.env', template.get('.env.example') ?? '']]);
  await writeFiles(directory, files);
  const enter = resolve(directory) === resolve('.') ? [] : [`  cd ${directory}`];
  return [
    `Made a router in ${directory}: ${[...files.keys()].join(', ')}`,
    '',
    'Next:',
    ...enter,
    '  npm install',
    '  npm test                            test the plugin in plugins/',
    '  npm start                           run the router; then, in another terminal:',
    '  npx switchhook send call_ended      send it a signed sample',
  ];
}

/** The name of a directory as that of a package, a user and a unit of systemd can be. */
function nameFor(directory: string): string {
  const name = directory
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-$/g, '')
    .slice(0, 50);
  return name === '' ? 'switchhook-router' : name;
}
