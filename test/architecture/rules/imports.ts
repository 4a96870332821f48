/** Who may import whom, and which third-party package lives where. */
import { posix } from 'node:path';
import { only, type SourceFile } from '../source.js';
import { place, type Rule } from './rule.js';

/** What each room may import of ours, beside itself and the free-standing files. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  config: ['contract'],
  store: ['contract'],
  pipeline: ['contract'],
  api: ['contract'],
  http: ['pipeline', 'api', 'contract'],
  runtime: ['config', 'store', 'pipeline', 'http', 'contract'],
  // It gives plugins the real thing: expressions as the router compiles them, a real network, the reference of stores.
  testkit: ['config', 'store', 'runtime', 'contract'],
  crashtest: ['runtime', 'pipeline', 'contract', 'plugin.ts'],
  simulation: ['runtime', 'config', 'store', 'pipeline', 'contract'],
  cli: ['runtime', 'config', 'api', 'crashtest', 'simulation', 'contract'],
  'index.ts': ['runtime', 'config', 'contract'],
  'plugin.ts': ['contract'],
  'testkit.ts': ['testkit'],
};

/** Files that stand free because several rooms need them, and what they need themselves. */
const free: Readonly<Record<string, readonly string[]>> = {
  'busy.ts': [],
  'errors.ts': [],
  'expression-error.ts': [],
  'fetch-error.ts': [],
  'ids.ts': [],
  'message-of.ts': [],
  'not-ready.ts': [],
  'phone-number.ts': [],
  'public-address.ts': [],
  'retry-after.ts': [],
  'signature.ts': [],
  'text-pieces.ts': [],
  'units.ts': [],
  'version.ts': [],
  'refusal.ts': ['errors.ts'],
  'payload.ts': ['contract', 'refusal.ts'],
  'options.ts': ['contract', 'phone-number.ts', 'text-pieces.ts', 'units.ts'],
  'http-outcome.ts': ['contract', 'expression-error.ts', 'fetch-error.ts', 'retry-after.ts'],
};

/** Where the core may use what it depends on. */
const walls: Readonly<Record<string, RegExp>> = {
  '@marcbachmann/cel-js': /^config\//,
  'cli-table3': /^cli\//,
  commander: /^cli\//,
  'ipaddr.js': /^public-address\.ts$/,
  koa: /^http\//,
  'koa-bodyparser': /^http\//,
  'libphonenumber-js': /^phone-number\.ts$/,
  pino: /^runtime\/log\.ts$/,
  'pino-pretty': /^runtime\/log\.ts$/,
  'prom-client': /^runtime\/metrics\.ts$/,
  'reflect-metadata': /^runtime\/container\.ts$/,
  tsx: /^runtime\/catalog\.ts$/,
  tsyringe: /^runtime\/container\.ts$/,
  undici: /^runtime\/fetch\.ts$/,
  uuid: /^ids\.ts$/,
  yaml: /^config\//,
  zod: /^(contract|config|store|api|http|simulation|cli)\/|^(options|plugin)\.ts$/,
  'node:': /^(?!contract\/|pipeline\/)/,
};

const corePrefix = 'core/src/';

export const imports: Rule = {
  claim: 'every file imports only what its room may, and each third-party package has one room',
  strays: (files) =>
    files.flatMap((file) =>
      importsOf(file)
        .filter(({ name }) => !mayImport(file.path, name))
        .map(({ at }) => at),
    ),
  planted: [
    { path: 'core/src/contract/stray.ts', text: "import { refuse } from '../refusal.js';\n" },
    { path: 'core/src/pipeline/stray.ts', text: "export { readConfig } from '../config/read.js';\n" },
    { path: 'core/src/pipeline/stray.ts', text: "import { readFile } from 'node:fs/promises';\n" },
    { path: 'core/src/http/stray.ts', text: "import type { MemoryStore } from '../store/memory.js';\n" },
    { path: 'core/src/units.ts', text: "const errors = await import('./errors.js');\n" },
    { path: 'core/src/runtime/router.ts', text: "import Koa from 'koa';\n" },
    { path: 'core/src/runtime/router.ts', text: "import { container } from 'tsyringe';\n" },
    { path: 'core/src/cli/stray.ts', text: "import { cleaner } from 'not-in-any-room';\n" },
    { path: 'core/src/new-room/stray.ts', text: "import { ERRORS } from '../errors.js';\n" },
    { path: 'plugins/log/src/stray.ts', text: "import { createRouter } from '@switchhook/core';\n" },
    { path: 'plugins/log/src/stray.ts', text: "import { ERRORS } from '../../../core/src/errors.js';\n" },
  ],
};

/** What a file imports, statically or not, as it is written. */
export function importsOf(file: SourceFile): readonly { readonly name: string; readonly at: string }[] {
  const text = only(['code', 'string'], file.text);
  return [...text.matchAll(/\b(?:from|import)\s*\(?\s*(['"])([\w@./:-]+)\1/g)].map((found) => {
    const name = found[2] ?? '';
    return { name, at: place(file, found.index, name) };
  });
}

function mayImport(path: string, name: string): boolean {
  if (!path.startsWith(corePrefix)) return mayPluginImport(path, name);
  const own = path.slice(corePrefix.length);
  if (!name.startsWith('.')) return walls[packageOf(name)]?.test(own) ?? false;
  const target = roomOf(posix.join(posix.dirname(own), name).replace(/\.js$/, '.ts'));
  const room = roomOf(own);
  if (target === room) return true;
  return free[room]?.includes(target) ?? rooms[room]?.some((one) => one === target || target in free) ?? false;
}

/** A plugin's other packages are those it declares: see packages.test.ts. */
function mayPluginImport(path: string, name: string): boolean {
  if (name.startsWith('.'))
    return posix.join(posix.dirname(path), name).startsWith(path.split('/').slice(0, 3).join('/'));
  return !name.startsWith('@switchhook/') || name === '@switchhook/core/plugin';
}

function roomOf(path: string): string {
  return path.split('/')[0] ?? '';
}

/** Name of the package an import is from; `node:` for what comes with Node. */
export function packageOf(name: string): string {
  if (name.startsWith('node:')) return 'node:';
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}
