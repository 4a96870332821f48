/** Which package and module may import which, and which modules may use a third-party package. */
import { posix } from 'node:path';
import { only, type SourceFile } from '../source.js';
import { place, type Rule } from './rule.js';

/** What each package may import of ours, beside itself. Plugins: the sdk only. */
const packages: Readonly<Record<string, readonly string[]>> = {
  create: [],
  sdk: [],
  router: ['@switchhook/sdk', '@switchhook/sdk/internal'],
  testkit: [
    '@switchhook/sdk',
    '@switchhook/sdk/internal',
    '@switchhook/core',
    '@switchhook/core/internal',
    '@switchhook/plugin-memory',
  ],
  simulator: [
    '@switchhook/sdk',
    '@switchhook/sdk/internal',
    '@switchhook/core',
    '@switchhook/core/api',
    '@switchhook/core/internal',
  ],
  dashboard: [],
  cli: [
    '@switchhook/sdk',
    '@switchhook/sdk/internal',
    '@switchhook/core',
    '@switchhook/core/api',
    '@switchhook/core/client',
    '@switchhook/core/internal',
    '@switchhook/simulator',
  ],
};

/** What each module of a package may import, beside itself: downward only, so that no cycle can arise. */
export const modules: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  create: {
    'template.ts': [],
    'plugin.ts': ['template.ts'],
    'index.ts': ['plugin.ts', 'template.ts'],
    'main.ts': ['index.ts'],
  },
  sdk: {
    contract: [],
    errors: [],
    options: ['contract', 'errors', 'http', 'timing.ts'],
    masking: ['contract', 'options'],
    http: ['contract', 'errors'],
    'timing.ts': ['contract'],
    'file-watch.ts': ['contract', 'errors'],
    'ledger.ts': ['contract', 'errors', 'http'],
    'index.ts': ['contract', 'errors', 'file-watch.ts', 'http', 'ledger.ts', 'masking', 'options'],
    'internal.ts': ['contract', 'errors', 'masking', 'options', 'timing.ts'],
    'thread.ts': ['errors', 'http', 'options'],
  },
  router: {
    resilience: [],
    system: ['resilience'],
    expressions: [],
    routing: ['system'],
    cluster: ['resilience', 'system'],
    delivery: ['cluster', 'resilience', 'routing', 'system'],
    calls: ['resilience', 'routing', 'system'],
    ingest: ['calls', 'delivery', 'resilience', 'routing', 'system'],
    'pipeline.ts': ['calls', 'delivery', 'ingest', 'routing', 'system'],
    monitor: ['delivery', 'ingest', 'routing', 'system'],
    config: ['calls', 'delivery', 'expressions', 'monitor', 'resilience', 'routing', 'system'],
    admin: ['calls', 'cluster', 'delivery', 'expressions', 'ingest', 'resilience', 'routing', 'system'],
    api: ['admin', 'monitor', 'routing'],
    http: ['admin', 'api', 'ingest', 'monitor', 'routing', 'system'],
    runtime: [
      'admin',
      'api',
      'calls',
      'cluster',
      'config',
      'delivery',
      'http',
      'ingest',
      'monitor',
      'pipeline.ts',
      'routing',
      'system',
    ],
    'index.ts': ['config', 'http', 'runtime'],
    'api.ts': ['api'],
    'client.ts': ['config', 'runtime', 'system'],
    'internal.ts': [
      'admin',
      'api',
      'calls',
      'cluster',
      'config',
      'delivery',
      'expressions',
      'http',
      'ingest',
      'monitor',
      'pipeline.ts',
      'resilience',
      'routing',
      'runtime',
      'system',
    ],
  },
  testkit: {
    'fakes.ts': [],
    'receiver.ts': [],
    'mocha.ts': [],
    'fixtures.ts': ['fakes.ts'],
    suites: ['fakes.ts', 'fixtures.ts', 'mocha.ts'],
    'router.ts': ['fakes.ts', 'receiver.ts'],
    'index.ts': ['fakes.ts', 'fixtures.ts', 'receiver.ts', 'router.ts', 'suites'],
  },
  simulator: {
    'hook-client.ts': [],
    'router-process.ts': [],
    scenario: ['hook-client.ts'],
    crash: ['router-process.ts'],
    'index.ts': ['crash', 'hook-client.ts', 'router-process.ts', 'scenario'],
  },
  dashboard: {
    model: [],
    parts: ['model'],
    views: ['model', 'parts'],
    'views.ts': ['model', 'parts', 'views'],
    'app.ts': ['model', 'parts', 'views', 'views.ts'],
    'main.ts': ['app.ts', 'model', 'parts'],
  },
  cli: {
    'table.ts': [],
    'output.ts': ['table.ts'],
    'shell-words.ts': [],
    'print.ts': ['output.ts', 'shell-words.ts', 'table.ts'],
    'configuration.ts': ['output.ts', 'print.ts'],
    'local-router.ts': ['configuration.ts', 'output.ts'],
    'platform.ts': ['local-router.ts'],
    'api-client.ts': ['configuration.ts', 'output.ts'],
    'filters.ts': ['api-client.ts'],
    format: ['output.ts', 'print.ts', 'table.ts'],
    'tracing-sdk.ts': ['output.ts'],
    'watch.ts': ['api-client.ts', 'output.ts'],
    'replaceable.ts': ['output.ts'],
    'file-output.ts': ['output.ts'],
    backup: ['local-router.ts', 'output.ts', 'print.ts'],
    commands: [
      ...['api-client.ts', 'backup', 'configuration.ts', 'file-output.ts', 'filters.ts', 'format', 'local-router.ts'],
      ...['output.ts', 'platform.ts', 'print.ts', 'replaceable.ts', 'shell-words.ts', 'table.ts', 'tracing-sdk.ts'],
      ...['watch.ts'],
    ],
    usage: ['commands', 'output.ts'],
    'program.ts': ['output.ts', 'usage'],
    'run.ts': ['output.ts', 'program.ts'],
    'main.ts': ['output.ts', 'run.ts'],
    'internal.ts': [
      ...['backup', 'file-output.ts', 'filters.ts', 'format', 'output.ts', 'program.ts', 'run.ts', 'table.ts', 'usage'],
    ],
  },
};

/** The modules that may use each third-party package. */
const libraries: Readonly<Record<string, RegExp>> = {
  '@preact/signals': /^dashboard\//,
  preact: /^dashboard\//,
  '@koa/router': /^router\/http\/routes\.ts$/,
  '@marcbachmann/cel-js': /^router\/expressions\//,
  re2js: /^router\/expressions\//,
  'string-width': /^cli\/table\.ts$/,
  commander: /^cli\//,
  '@opentelemetry/exporter-trace-otlp-http': /^cli\/tracing-sdk\.ts$/,
  '@opentelemetry/resources': /^cli\/tracing-sdk\.ts$/,
  '@opentelemetry/sdk-trace-node': /^cli\/tracing-sdk\.ts$/,
  '@opentelemetry/api': /^router\/system\/tracing\.ts$/,
  'create-switchhook': /^cli\//,
  croner: /^sdk\/options\/schedule\.ts$/,
  'ipaddr.js': /^sdk\/http\/public-address\.ts$/,
  koa: /^router\/http\//,
  'koa-bodyparser': /^router\/http\//,
  'libphonenumber-js': /^sdk\/options\/phone-number\.ts$/,
  'lossless-json': /^sdk\/http\/json-body\.ts$/,
  'lru-cache': /^router\/(calls|system)\//,
  'p-map': /^router\/admin\/(bulk-discard|gathered|operations|replay-outcomes)\.ts$|^simulator\/scenario\/pacer\.ts$/,
  pino: /^router\/system\/log\.ts$/,
  'pino-pretty': /^router\/system\/log\.ts$/,
  'prom-client': /^router\/system\/metrics\.ts$/,
  'reflect-metadata': /^router\/system\/injection\.ts$/,
  tsx: /^router\/runtime\/local-modules\.ts$/,
  tsyringe: /^router\/system\/injection\.ts$/,
  undici: /^router\/system\/(http-client|response-reader)\.ts$/,
  uuid: /^router\/system\/ids\.ts$/,
  yaml: /^router\/config\/|^simulator\/scenario\//,
  zod: /^(sdk|simulator|cli)\/|^router\/(config|api|http)\//,
  'node:': /^(?!dashboard\/|sdk\/contract\/|router\/(delivery|ingest|routing|admin|calls|resilience|pipeline\.ts))/,
};

export const imports: Rule = {
  claim: 'every file imports only what its package and module may, and each third-party package has its modules',
  strays: (files) =>
    files.flatMap((file) =>
      importsOf(file)
        .filter(({ name }) => !mayImport(file.path, name))
        .map(({ at }) => at),
    ),
  planted: [
    { path: 'core/sdk/src/contract/stray.ts', text: "import { refuse } from '../errors/refusal.js';\n" },
    { path: 'core/sdk/src/http/stray.ts', text: "import { createRouter } from '@switchhook/core';\n" },
    { path: 'core/router/src/delivery/stray.ts', text: "export { readConfig } from '../config/load.js';\n" },
    { path: 'core/router/src/delivery/stray.ts', text: "import { readFile } from 'node:fs/promises';\n" },
    { path: 'core/router/src/http/stray.ts', text: "import { sqlite } from '@switchhook/plugin-sqlite';\n" },
    { path: 'core/router/src/resilience/stray.ts', text: "const ids = await import('../system/ids.js');\n" },
    { path: 'core/router/src/runtime/router.ts', text: "import Koa from 'koa';\n" },
    { path: 'core/router/src/runtime/router.ts', text: "import { container } from 'tsyringe';\n" },
    { path: 'core/router/src/stray.ts', text: "import { ERRORS } from './system/ids.js';\n" },
    { path: 'core/testkit/src/suites/stray.ts', text: "import { play } from '@switchhook/simulator';\n" },
    { path: 'core/dashboard/src/model/stray.ts', text: "import { Tree } from '../parts/tree.js';\n" },
    { path: 'core/dashboard/src/views/stray.tsx', text: "import type { Status } from '@switchhook/core/api';\n" },
    { path: 'core/cli/src/commands/stray.ts', text: "import { cleaner } from 'not-declared';\n" },
    { path: 'core/cli/src/format/stray.ts', text: "import { sendCommand } from '../commands/send.js';\n" },
    { path: 'core/new/src/stray.ts', text: "import { definePlugin } from '@switchhook/sdk';\n" },
    { path: 'plugins/log/src/stray.ts', text: "import { createRouter } from '@switchhook/core';\n" },
    { path: 'plugins/log/src/stray.ts', text: "import { reading } from '@switchhook/sdk/internal';\n" },
    { path: 'plugins/log/src/stray.ts', text: "import { ERRORS } from '../../../core/sdk/src/errors/codes.js';\n" },
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
  const found = /^core\/([^/]+)\/src\/(.+)$/.exec(path);
  if (found === null) return mayPluginImport(path, name);
  const [, owner = '', own = ''] = found;
  if (name.startsWith('@switchhook/')) return packages[owner]?.includes(name) ?? false;
  if (!name.startsWith('.')) return libraries[packageOf(name)]?.test(`${owner}/${own}`) ?? false;
  const target = moduleOf(posix.join(posix.dirname(own), name).replace(/\.js$/, '.ts'));
  return target === moduleOf(own) || (modules[owner]?.[moduleOf(own)]?.includes(target) ?? false);
}

/** A plugin's other packages are those it declares: see packages.test.ts. */
function mayPluginImport(path: string, name: string): boolean {
  if (name.startsWith('.'))
    return posix.join(posix.dirname(path), name).startsWith(path.split('/').slice(0, 3).join('/'));
  return !name.startsWith('@switchhook/') || ['@switchhook/sdk', '@switchhook/sdk/thread'].includes(name);
}

function moduleOf(path: string): string {
  return path.split('/')[0]?.replace(/\.tsx$/, '.ts') ?? '';
}

/** Name of the package an import is from; `node:` for what comes with Node. */
export function packageOf(name: string): string {
  if (name.startsWith('node:')) return 'node:';
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}
