/** Makes folders that are ready to run, for `npm create switchhook` and the commands `init` and `new`. */
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { type PluginKind, pluginFiles } from './plugin.js';
import { filesOf, TemplateRefusal, writeFiles } from './template.js';

export { type PluginKind, pluginKinds } from './plugin.js';
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

/**
 * Makes the package of a plugin with components of these kinds, in a directory that is named like it unless another is given. Throws a
 * `TemplateRefusal` if the name is none of a package, or one of its files exists. Returns what to do next.
 */
export async function createPluginFolder(
  name: string,
  kinds: readonly PluginKind[],
  directory: string = basename(name),
): Promise<readonly string[]> {
  if (!/^(@[a-z0-9][\w.-]*\/)?[a-z0-9][\w.-]*$/.test(name) || name.length > 214)
    throw new TemplateRefusal(
      `${name} is no name of a package: use lower-case letters, digits and -, such as acme-crm or @acme/crm`,
    );
  const files = await pluginFiles({ name, kinds, folder: basename(resolve(directory)), version });
  await writeFiles(directory, files);
  return [
    `Made the plugin ${name} in ${directory}: ${[...files.keys()].join(', ')}`,
    '',
    'Next:',
    `  cd ${directory}`,
    '  npm install',
    '  npm test            check the types, run the tests',
    '  npm pack            build it, and make the file that can be installed',
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
