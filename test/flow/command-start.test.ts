/** What a command loads before it does something: all of the router takes a second of one core, and people wait for each command. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { workplace } from '../support/workplace.js';

const yaml = `version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: memory }
sources: { agents: { use: sigmamind.events, secrets: ${secret} } }
destinations: { crm: { use: log } }
routes: [{ name: calls, from: agents, to: crm }]
`;

/** Says on file descriptor 3 which modules are imported. */
const hooks = `import { writeSync } from 'node:fs';
export async function resolve(name, context, next) {
  const found = await next(name, context);
  writeSync(3, found.url + '\\n');
  return found;
}`;
const moduleOf = (text: string) => `data:text/javascript,${encodeURIComponent(text)}`;
const program = new URL('../../core/cli/dist/program.js', import.meta.url).href;
const output = '{ terminal: false, line() {}, note() {}, progress() {}, clear() {} }';
/** Runs commands one after the other, printing nothing. What a router refuses is an answer, too. */
const running = `const { programFor } = await import(${JSON.stringify(program)});
for (const words of JSON.parse(process.argv[1]))
  await programFor(${output}).parseAsync(words, { from: 'user' }).catch((error) => {
    if (error.name !== 'CommandFailure' || /UNREACHABLE|no router/.test(error.message)) throw error;
  });`;

/** Modules that one process imports for these commands, or by this code. */
async function loadedBy(commands: readonly (readonly string[])[], code = running): Promise<readonly string[]> {
  const args = [
    ...['--import', moduleOf(`import { register } from 'node:module'; register(${JSON.stringify(moduleOf(hooks))});`)],
    ...['--input-type=module', '--eval', code, JSON.stringify(commands)],
  ];
  const shell = 'exec "$0" "$@" 3>&1 1>/dev/null';
  const { stdout } = await promisify(execFile)('sh', ['-c', shell, process.execPath, ...args], { maxBuffer: 2 ** 24 });
  return [...new Set(stdout.trim().split('\n'))];
}

const inRouter =
  /\/(core\/(simulator|testkit|dashboard)|plugins)\/|\/router\/dist\/(index|internal|pipeline|(calls|delivery|http|ingest|monitor)\/.*|runtime\/(container|plugin-loader|router))\.js$|\/node_modules\/(koa|pino|prom-client|tsyringe|re2js|@marcbachmann)\//;

describe('starting a command', () => {
  it('loads no library but the parser for completion, as for --help and --version', async () => {
    const loaded = await loadedBy([['completion', 'bash']]);
    expect(loaded.filter((url) => url.endsWith('/core/cli/dist/commands/completion.js'))).to.have.length(1);
    expect(
      loaded.filter((url) => /\/sdk\/dist\/|\/node_modules\/(?!commander\/)/.test(url) || inRouter.test(url)),
    ).to.deep.equal([]);
  });

  it('loads neither the router nor its libraries in a supervisor', async () => {
    const [start, replaceable] = ['commands/start.js', 'replaceable.js'].map((name) => new URL(name, program).href);
    const loaded = await loadedBy([], `await import('${start}'); await import('${replaceable}');`);
    expect(loaded).to.include.members([start, replaceable]);
    expect(loaded.filter((url) => inRouter.test(url))).to.deep.equal([]);
  });

  it('loads neither the router nor its plugins where it only asks a running router', async () => {
    const place = await workplace();
    try {
      const { url } = await place.router(yaml);
      const { cursor } = (await (await fetch(`${url}/api/changes`)).json()) as { readonly cursor: string };
      await postSigned(`${url}/hooks/agents`, endedBody());
      const { events } = (await (await fetch(`${url}/api/events`)).json()) as {
        readonly events: readonly { readonly id: string }[];
      };
      const id = events[0]?.id ?? '';
      const commands = [
        ...['status', 'history', 'open', 'deliveries', 'calls', 'dead', 'refused', 'incomplete', 'restart'].map(
          (verb) => [verb],
        ),
        ...[
          ['events', id],
          ['explain', id],
          ['tail', '--after', cursor, '--limit', '1'],
        ],
        ...[
          ['replay', '--destination', 'crm', '--dry-run'],
          ['discard', '--destination', 'crm'],
          ['reload', '--dry-run'],
        ],
        ...['pause', 'probe', 'resume', 'reset'].map((verb) => [
          verb,
          'crm',
          ...(verb === 'pause' ? ['--reason', 'test'] : []),
        ]),
      ];
      const config = place.path('switchhook.yaml');
      const loaded = await loadedBy(commands.map((words) => [...words, '--url', url, '--config', config]));
      const paths = loaded.map((each) => each.replace(/.*\/core\/cli\/dist\//, ''));
      for (const [verb = ''] of commands) {
        const file = /pause|probe|resume|reset/.test(verb) ? 'control' : verb;
        expect(paths, verb).to.include(`commands/${file}.js`);
      }
      expect(loaded.filter((each) => inRouter.test(each))).to.deep.equal([]);
    } finally {
      await place.close();
    }
  });
});
