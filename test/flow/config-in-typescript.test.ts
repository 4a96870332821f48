/** A configuration in TypeScript: `switchhook.config.ts` is checked like a YAML file, and runs the same router. */
import { ConfigurationError, createRouter, defineConfig, type Problem } from '@switchhook/core';
import { expect } from 'chai';
import { type Workplace, workplace } from '../support/workplace.js';

const config = (
  changes = '',
  destination = "{ use: 'log', timeout: '5s', data: true }",
) => `import { defineConfig } from '@switchhook/core';
const port: number = 0;
export default defineConfig({
  version: 1,
  server: { host: '127.0.0.1', port },
  store: { use: 'memory' },
  sources: { agents: { use: 'retell.events', secrets: '\${RETELL_API_KEY}' } },
  destinations: { console: ${destination} },
  routes: [{ name: 'all', on: 'call_ended', to: 'console' }],
  ${changes}
});
`;

describe('a configuration in TypeScript', () => {
  let place: Workplace;

  beforeEach(async () => {
    place = await workplace();
    await place.link();
    await place.write('package.json', '{ "type": "module" }');
    await place.write('.env', 'RETELL_API_KEY=a-long-key\n');
  });
  afterEach(() => place.close());

  const problemsOf = async (text: string, name = 'wrong.config.ts'): Promise<readonly Problem[]> => {
    const made = await createRouter(await place.write(name, text)).catch((error) => error);
    if (made instanceof ConfigurationError) return made.problems;
    throw new Error(`expected problems, not ${made}`);
  };

  it('is found by commands, checked, and run, with variables of .env', async function () {
    this.timeout(180_000);
    await place.write('switchhook.config.ts', config());
    const { stdout, stderr } = await place.run(['check']);
    expect(stdout, stderr).to.equal('ok switchhook.config.ts: 1 source, 1 destination, 1 route\n');
    const router = await place.start('switchhook.config.ts');
    const sent = await place.run(['send', 'call_ended', '--url', router.url]);
    expect(sent.stdout).to.match(/^200 /);
    expect(await router.stop()).to.equal(0);
    const attempts = router.log.filter(({ event }) => event === 'delivery.attempted');
    expect(attempts.map(({ outcome }) => outcome)).to.deep.equal(['delivered']);
  });

  it('has the same problems as a file in YAML, with their paths in place of lines', async () => {
    const problems = await problemsOf(
      config("answers: [{ from: 'nowhere' }],", "{ use: 'log', timeout: '5 sec', dat: '${MISSING}' }"),
    );
    expect(problems.map(({ line, code, path }) => `${line} ${code} ${path}`)).to.deep.equal([
      '0 ENV_MISSING destinations.console.dat',
      '0 INVALID_VALUE destinations.console.timeout',
      '0 UNKNOWN_KEY destinations.console.dat',
      '0 UNKNOWN_REFERENCE answers[0].from',
    ]);
    expect(problems.every(({ excerpt }) => excerpt === null)).to.equal(true);
  });

  it('is refused where it exports something else', async () => {
    const [none] = await problemsOf('export const config = {};');
    expect(none?.message).to.equal('the default export must be a configuration, and is none');
    const [called] = await problemsOf('export default () => ({});', 'other.config.ts');
    expect(called?.message).to.equal('the default export must be a configuration, and is a function');
  });

  it('is refused where it throws, with the line', async () => {
    const [thrown] = await problemsOf("throw new Error('no account');\n");
    expect(thrown?.code).to.equal('CONFIG_UNREADABLE');
    expect(thrown?.message).to.match(/^the file cannot be imported: no account \(.*wrong\.config\.ts:1:7\)$/);
  });

  it('is refused where it has a function in it, by the name of the key', async () => {
    const [problem] = await problemsOf(config('', "{ use: 'log', data: () => true }"));
    expect(problem?.message).to.equal('the file cannot be imported: data is a function, which no configuration has');
  });

  it('has types: the compiler reports what the router would', () => {
    const sources = { agents: { use: 'retell.events', secrets: '${RETELL_API_KEY}' } };
    // @ts-expect-error: misspelled
    expect(defineConfig({ version: 1, sources, rutes: [] })).to.have.property('rutes');
    // @ts-expect-error: a timeout is a text with a unit
    expect(defineConfig({ version: 1, sources, destinations: { a: { use: 'log', timeout: 5 } } })).to.be.an('object');
    expect(defineConfig({ version: 1, sources }).sources).to.equal(sources);
  });
});
