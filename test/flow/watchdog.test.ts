import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { repository, workplace } from '../support/workplace.js';

/** Keeps the process to itself until a file is there. */
const greedy = `import { existsSync } from 'node:fs';
import { definePlugin, defineResolver, z } from '@switchhook/sdk';
export default definePlugin({ name: 'greedy', components: [defineResolver({
  type: 'greedy.lookup', description: 'Loops.', options: z.strictObject({ until: z.string().meta({ description: 'A file that ends it.' }) }),
  create: ({ until }) => ({
    resolve: async () => {
      await Promise.resolve();
      while (!existsSync(until));
      return { name: 'Ada' };
    },
  }),
})] });`;

/** The same, with types that are gone when it runs. */
const typed = greedy
  .replace("from 'node:fs';", "from 'node:fs';\ntype Found = {\n  readonly name: string;\n};\n")
  .replace('async () =>', 'async (): Promise<Found> =>');

const plugins = { 'greedy.mjs': greedy, 'greedy.ts': typed, 'greedy.mts': typed };

describe('code that keeps the process to itself', () => {
  for (const [plugin, source] of Object.entries(plugins))
    it(`is named while it does, and in the log when it is over: ${plugin}`, async () => {
      const line = source.split('\n').findIndex((text) => text.includes('while (')) + 1;
      const place = await workplace();
      await symlink(join(repository, 'node_modules'), place.path('node_modules'));
      await place.write(plugin, source);
      const file = await place.write(
        'switchhook.yaml',
        `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: memory }
plugins: [./${plugin}]
sources:
  calls: { use: sigmamind.call, token: token-of-the-tests }
resolvers:
  greedy: { use: greedy.lookup, until: ${place.path('enough')} }
answers:
  - { from: calls, resolve: greedy, variables: { name: "\${{ greedy.name }}" }, defaults: { name: there } }
`,
      );
      const router = spawn(process.execPath, [
        join(repository, 'core/cli/bin/switchhook.js'),
        'start',
        '--config',
        file,
      ]);
      const lines = createInterface({ input: router.stdout });
      const logged = (event: string): Promise<Readonly<Record<string, unknown>>> =>
        new Promise((resolve) => {
          lines.on('line', (text) => {
            const line = JSON.parse(text);
            if (line.event === event) resolve(line);
          });
        });
      const seen = once(createInterface({ input: router.stderr }), 'line');
      const over = logged('loop.blocked');
      const { url } = await logged('router.listening');
      const reply = fetch(`${url}/hooks/calls/token-of-the-tests`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"event":"inbound_call","from_number":"+1","to_number":"+2"}',
      });

      const [told] = await seen;
      expect(JSON.parse(told)).to.deep.include({ event: 'loop.blocked', by: place.path(plugin) });
      expect(JSON.parse(told).stack.join('\n')).to.include(`resolve ${place.path(plugin)}:${line}:`);
      await place.write('enough', '');
      expect(await over).to.deep.include({ event: 'loop.blocked', by: place.path(plugin) });
      expect((await reply).status).to.equal(200);

      router.kill('SIGTERM');
      await once(router, 'exit');
      await place.close();
    });
});

describe('a plugin that does not return while it is loaded', () => {
  const loops = {
    'at import': ['for (;;); // here', 'plugins[0] ./crm.ts', '4:11'],
    'in create': [
      `import { definePlugin, defineDestination, z } from '@switchhook/sdk';
export default definePlugin({ name: 'crm', components: [defineDestination({
  type: 'crm.note', description: 'Writes a note.', options: z.strictObject({}),
  create: (): never => {
    for (;;); // here
  },
})] });`,
      'destination crm',
      '8:3',
    ],
  } as const;
  for (const [where, [source, row, position]] of Object.entries(loops))
    it(`is named by check, with its row, file and line: ${where}`, async () => {
      const place = await workplace();
      await symlink(join(repository, 'node_modules'), place.path('node_modules'));
      await place.write('crm.ts', source);
      const file = await place.write(
        'switchhook.yaml',
        `
version: 1
store: { use: memory }
plugins: [./crm.ts]
sources:
  calls: { use: sigmamind.events, secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw] }
destinations:
  crm: { use: crm.note }
routes:
  - { from: calls, to: crm }
`,
      );
      const check = spawn(process.execPath, [
        join(repository, 'core/cli/bin/switchhook.js'),
        'check',
        '--config',
        file,
      ]);
      const [said] = await once(createInterface({ input: check.stderr }), 'line');
      const line = source.split('\n').findIndex((text) => text.includes('// here')) + 1;
      expect(said.startsWith(`PLUGIN_BLOCKED: ${row} (`), said).to.equal(true);
      expect(said).to.include(`${file}:${position}): `);
      expect(said).to.include(`${place.path('crm.ts')}:${line}:`);
      check.kill('SIGKILL');
      await once(check, 'exit');
      await place.close();
    });

  it('does not keep a command running that has ended', async () => {
    const place = await workplace();
    const script = await place.write(
      'done.mjs',
      `const { watchLoading } = await import(${JSON.stringify(pathToFileURL(join(repository, 'core/router/dist/internal.js')).href)});
watchLoading({ reportMs: 60_000, endMs: 60_000, exitCode: 78 });`,
    );
    const command = spawn(process.execPath, [script]);
    const [code] = await once(command, 'close');
    expect(code).to.equal(0);
    await place.close();
  });

  it('ends the command with its exit code after its time', async () => {
    const place = await workplace();
    const script = await place.write(
      'loop.mjs',
      `const { watchLoading } = await import(${JSON.stringify(pathToFileURL(join(repository, 'core/router/dist/internal.js')).href)});
watchLoading({ reportMs: 300, endMs: 600, exitCode: 78 });
for (;;);`,
    );
    const command = spawn(process.execPath, [script]);
    const said: string[] = [];
    createInterface({ input: command.stderr }).on('line', (line) => said.push(line));
    const [code] = await once(command, 'close');
    expect(code).to.equal(78);
    expect(said).to.have.length(2);
    expect(said[1]).to.match(/^PLUGIN_BLOCKED: .*loop\.mjs:3:\d+ has not returned for 0\.6 s; the command ends\.$/);
    await place.close();
  });
});
