/** `switchhook dev` in a process of its own: files are saved as an editor does, and what it shows is read. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { commandFile, repository, type Workplace } from './workplace.js';

/** A configuration with a local plugin. */
export const yaml = (url: string, more = '') => `# yaml-language-server: $schema=./schema.json
version: 1
plugins: [./plugins/crm.ts]
store: { use: memory }
sources:
  agents: { use: retell.events, secrets: only-for-tests }
  calls: { use: retell.call, secrets: only-for-tests }
destinations: { crm: { use: crm.note, url: "${url}", note: "Call \${{ event.subject }}" } }
resolvers: { tier: { use: crm.tier } }
routes:
  - { name: notes, from: agents, on: call_ended, to: crm }
  - { name: long-calls, from: agents, where: "event.data.call.call_id == 'none'", to: crm }
answers: [{ from: calls, resolve: [tier], variables: { tier: "\${{ tier.tier }}" }, defaults: { tier: none } }]
${more}`;

/** A destination and a resolver; each part can be replaced by what an author writes next. */
export const plugin = ({
  body = 'text',
  outcome = 'outcomeOf(response, 0)',
  tier = "'gold'",
  type = 'string',
} = {}) => `
import { definePlugin, defineDestination, defineResolver, deliveryScope, HttpClient, outcomeOf, text, z } from '@switchhook/sdk';
const value: ${type} = 'a text';
const note = defineDestination({
  type: 'crm.note', description: 'Writes a note.', inject: { http: HttpClient },
  options: z.strictObject({ url: z.url().meta({ description: 'URL.' }), note: text('The note.') }),
  create: ({ url, note }, { http }) => ({
    preview: (delivery) => ({ ${body}: note.render(deliveryScope(delivery)) }),
    async deliver(delivery, signal) {
      const response = await http.fetch(url, { method: 'POST', body: note.render(deliveryScope(delivery)), signal });
      return ${outcome};
    },
  }),
});
const tier = defineResolver({
  type: 'crm.tier', description: 'Looks up the tier.', options: z.strictObject({}),
  create: () => ({ resolve: async () => ({ tier: ${tier} }) }),
});
export default definePlugin({ name: 'crm', components: [note, tier] });
`;

/** Writes what `dev` works with: a configuration, a plugin and the settings of a project. */
export async function writeProject(place: Workplace): Promise<void> {
  await place.write('package.json', '{ "type": "module" }');
  const compilerOptions = { module: 'nodenext', target: 'es2023', strict: true, skipLibCheck: true, types: [] };
  await place.write('tsconfig.json', JSON.stringify({ compilerOptions }));
  await mkdir(place.path('plugins'));
  await place.write('switchhook.yaml', yaml('http://127.0.0.1:9'));
  await place.write('plugins/crm.ts', plugin());
}

/** Makes the packages importable, but no compiler: types are not checked, which takes longer than all else. */
export async function linkWithoutCompiler(place: Workplace): Promise<void> {
  await mkdir(place.path('node_modules'));
  for (const name of ['@switchhook', 'zod'])
    await symlink(join(repository, 'node_modules', name), place.path(`node_modules/${name}`));
}

/** Starts it; `shown` waits until a text is shown, and takes all up to its end; `seen` waits until one is shown or was, and takes nothing. */
export function startDev(place: Workplace, args: readonly string[]) {
  const child = spawn(process.execPath, [commandFile, 'dev', '--config', 'switchhook.yaml', ...args], {
    cwd: place.directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  let whole = '';
  let look = (): void => {};
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      whole += chunk;
      look();
    });
  const closed = once(child, 'close').then(([code]) => code as number | null);
  const shown = (wanted: RegExp) =>
    new Promise<string>((resolve, reject) => {
      look = () => {
        const found = wanted.exec(text);
        if (found === null) return;
        const end = found.index + found[0].length;
        const taken = text.slice(0, end);
        text = text.slice(end);
        look = () => {};
        resolve(taken);
      };
      void closed.then((code) => reject(new Error(`it ended with ${code} before ${wanted}: ${text}`)));
      look();
    });
  const seen = (wanted: RegExp) =>
    new Promise<void>((resolve, reject) => {
      look = () => {
        if (!wanted.test(whole)) return;
        look = () => {};
        resolve();
      };
      void closed.then((code) => reject(new Error(`it ended with ${code} without ${wanted}: ${whole}`)));
      look();
    });
  return { shown, seen, closed, stop: () => child.kill('SIGINT'), kill: () => child.kill('SIGKILL') };
}
