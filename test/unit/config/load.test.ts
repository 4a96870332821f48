import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { Config } from '@switchhook/core';
import { checkConfig, readConfig } from '@switchhook/core/internal';
import { expect } from 'chai';
import { brief, catalog, configOf, type Environment, problemsOf, smallest } from './setup.js';

describe('reading a configuration file', () => {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'switchhook-config-'));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  function put(name: string, content: string | Uint8Array): string {
    const path = join(directory, name);
    writeFileSync(path, content);
    return path;
  }

  function problemsOfFile(path: string, environment: Environment = {}): readonly string[] {
    return readConfig(path, environment).problems.map(brief);
  }

  async function configOfFile(content: string | Uint8Array, environment: Environment = {}): Promise<Config> {
    const result = await checkConfig(readConfig(put('switchhook.yaml', content), environment), catalog);
    if (result.kind === 'config') return result.config;
    throw new Error(result.problems.map(brief).join('\n'));
  }

  describe('the file', () => {
    it('is missing', () => {
      expect(problemsOfFile(join(directory, 'none.yaml'))).to.deep.equal([
        '0:0 CONFIG_NOT_FOUND there is no such file',
      ]);
    });

    it('is a directory', () => {
      expect(problemsOfFile(directory)).to.deep.equal(['0:0 CONFIG_UNREADABLE this is a directory']);
    });

    it('is a device that never ends', () => {
      expect(problemsOfFile('/dev/zero')).to.deep.equal(['0:0 CONFIG_UNREADABLE this is not a file']);
    });

    it('cannot be opened', () => {
      const path = join(directory, 'loop.yaml');
      symlinkSync(path, path);
      expect(problemsOfFile(path)).to.deep.equal(['0:0 CONFIG_UNREADABLE the file cannot be read: ELOOP']);
    });

    it('has 10 MB, which nobody parses', () => {
      // Would be a syntax error, were it parsed.
      const path = put('large.yaml', '[\n'.repeat(5 * 1_048_576));
      expect(problemsOfFile(path)).to.deep.equal(['0:0 CONFIG_TOO_LARGE the file has 10.0 MB, 1 MB is allowed']);
    });

    for (const [name, content] of [
      ['nothing', ''],
      ['blanks', '\n  \n\n'],
      ['comments', '# one\n\n# two\n'],
      ['a null', '~\n'],
      ['a start of a document', '---\n'],
    ] as const)
      it(`is refused when empty: ${name}`, () => {
        expect(problemsOfFile(put('empty.yaml', content))).to.deep.equal(['0:0 CONFIG_EMPTY the file is empty']);
      });

    for (const [name, content] of [
      ['Latin-1', Buffer.from('name: Zoé', 'latin1')],
      ['UTF-16', Buffer.from('\ufeffversion: 1', 'utf16le')],
      ['a cut character', Buffer.from([0x61, 0x3a, 0x20, 0xc3])],
    ] as const)
      it(`is not UTF-8: ${name}`, () => {
        expect(problemsOfFile(put('other.yaml', content))).to.deep.equal([
          '0:0 CONFIG_NOT_UTF8 the file has bytes that are not UTF-8',
        ]);
      });

    it('may start with a byte order mark', async () => {
      expect((await configOfFile(`\ufeff${smallest}`)).sources.map(({ name }) => name)).to.deep.equal(['agents']);
    });

    it('may have the line ends of Windows', async () => {
      expect((await configOfFile(smallest.replaceAll('\n', '\r\n'))).routes).to.have.length(1);
    });

    it('is named as it was given, and knows its directory', async () => {
      const config = await configOfFile(smallest);
      expect(config.file).to.equal(join(directory, 'switchhook.yaml'));
      expect(config.directory).to.equal(directory);
    });
  });

  describe('YAML', () => {
    it('that is indented with tabs is told so', async () => {
      const yaml = 'version: 1\nsources:\n\tagents: {}\n';
      expect(await problemsOf(yaml)).to.deep.equal(['3:1 YAML_SYNTAX a tab is used for indentation']);
      expect(readConfig(put('tabs.yaml', yaml)).problems[0]?.hint).to.match(/spaces/);
    });

    const broken: readonly (readonly [string, string, RegExp])[] = [
      ['an open quote', 'version: "1\nsources: {}\n', /^3:1 YAML_SYNTAX missing closing "quote/],
      ['an open bracket', 'version: [1\nsources: {}\n', /^2:1 YAML_SYNTAX /],
      ['two values', 'version: "1" 2\n', /^1:14 YAML_SYNTAX /],
      ['a colon in a plain text', 'version: a: b\n', /^1:10 YAML_SYNTAX /],
      ['a reserved character', 'version: @x\n', /^1:10 YAML_SYNTAX /],
      [
        'a condition that starts with !',
        'routes: [{ where: !event.x }]\n',
        /^1:19 YAML_SYNTAX a value that starts with !/,
      ],
      ['a tag', 'version: !!binary aGk=\n', /^1:10 YAML_SYNTAX /],
      ['a map as a key', '? { a: 1 }\n: b\n', /^1:3 YAML_SYNTAX a key must be a text/],
      [
        'an unknown anchor',
        'a: &retry 1\nb: *rety\n',
        /^2:4 YAML_SYNTAX b: there is no anchor &rety .* did you mean "retry"/,
      ],
    ];
    for (const [name, yaml, problem] of broken)
      it(`is broken by ${name}`, async () => {
        expect(await problemsOf(yaml)).to.satisfy((all: readonly string[]) => all.some((each) => problem.test(each)));
      });

    it('says once what is wrong with a line', async () => {
      expect(await problemsOf('version: 1\nserver: { port: ${PORT}0, host: x }\n')).to.have.length(1);
    });

    it('hints at quotes where an expression has a colon and a space, and says nothing of the right lines that follow', () => {
      const around = (line: string) =>
        `answers:\n  - variables:\n      a: x\n      ${line}\n      b: y\n    from: calls\nroutes: []\n`;
      for (const line of [
        'greeting: Good ${{ now.getHours("Europe/Berlin") < 12 ? "morning" : "day" }}',
        'greeting: Hello, ${{ call.agent == "a" ? "you" : "who" }}, ${{ call.to }}',
        'greetings: { one: ${{ call.agent == "a" ? "you" : "who" }}, two: x }',
      ]) {
        const problems = readConfig(put('x.yaml', around(line))).problems;
        expect(
          problems.map((problem) => [problem.line, problem.hint]),
          line,
        ).to.deep.equal([
          [4, 'Put the whole value into quotes, single ones where it holds double ones: \'${{ a ? "b" : "c" }}\'.'],
        ]);
      }
      const quoted = "greeting: { a: \"${{ b ? 'c' : 'd' }}\", e: ${F} }";
      expect(readConfig(put('x.yaml', around(quoted))).problems[0]?.hint).to.include('"${PORT}"');
    });

    it('says that a text that starts with * needs quotes, at the place of the *', () => {
      for (const [line, column] of [
        ['text: *New call* from you', 7],
        ['text: *New* call', 7],
        ['text: *${{ event.type }}* x', 7],
        ['text: *New: call*', 7],
        ['- *New* call', 3],
        ['{ use: x, text: *New call* from you }', 17],
        ['text: *New*', 7],
        ['{ a: "b, *c", text: *New call }', 21],
        ['[a, *New*]', 5],
      ] as const) {
        const { problems } = readConfig(put('x.yaml', `a:\n  ${line}\n`));
        expect(
          problems.map((each) => [each.line, each.column, each.hint]),
          line,
        ).to.deep.equal([
          [
            2,
            column + 2,
            'Put a text that starts with * into quotes: "*New call*". An alias needs its anchor before it.',
          ],
        ]);
      }
    });

    it('does not take an alias for a text where something else is wrong behind it', () => {
      const [problem] = readConfig(put('x.yaml', 'a: { b: *c, d: "e" f }\n')).problems;
      expect(problem?.message).to.equal('unexpected scalar at node end');
    });

    it('tells of each broken line, as long as the document goes on', async () => {
      expect(await problemsOf('a: b: c\nd: e\nf: g: h\n')).to.deep.equal([
        '1:4 YAML_SYNTAX nested mappings are not allowed in compact mappings',
        '3:4 YAML_SYNTAX nested mappings are not allowed in compact mappings',
      ]);
    });

    it('hints at quotes where a variable stands in braces without them', () => {
      const [problem] = readConfig(put('x.yaml', 'server: { port: ${PORT} }\n')).problems;
      expect(problem?.hint).to.include('"${PORT}"');
    });

    it('has each key once', async () => {
      const yaml = `${smallest}log: {}\nlog: { level: debug }\n`;
      expect(await problemsOf(yaml)).to.deep.equal([
        '9:1 YAML_DUPLICATE_KEY log: the key "log" is repeated in this map',
      ]);
    });

    it('with a key twice is checked all the same', async () => {
      const yaml = `${smallest}server: { port: 1, port: x }\n`;
      expect(await problemsOf(yaml)).to.deep.equal([
        '8:20 YAML_DUPLICATE_KEY server.port: the key "port" is repeated in this map',
        '8:26 WRONG_TYPE server.port: expected a number, found a text',
      ]);
    });

    it('holds one document', async () => {
      expect(await problemsOf(`${smallest}---\nversion: 1\n---\nversion: 1\n`)).to.deep.equal([
        '8:1 YAML_SYNTAX the file holds several documents; keep one',
      ]);
    });

    it('may start and end with the marks of a document', async () => {
      expect(await problemsOf(`---\n${smallest}...\n`)).to.deep.equal([]);
    });

    it('is nested so deep that the stack would end', async () => {
      for (const yaml of [
        '['.repeat(200_000),
        '{a: '.repeat(100_000),
        `${'- '.repeat(200_000)}a`,
        `${'? '.repeat(100_000)}a`,
      ])
        expect(await problemsOf(yaml))
          .to.have.length(1)
          .and.to.satisfy(([problem = '']) => /YAML_SYNTAX nested deeper/.test(problem));
    });

    it('has ordinary anchors, aliases and merge keys', async () => {
      const config = await configOf(`
version: 1
x-lane: &lane { concurrency: 3, retry: &retry { attempts: 4 } }
sources: { agents: { use: agents.events, secrets: [a-long-secret] } }
destinations:
  a: { <<: *lane, use: log }
  b: { <<: [*lane, { timeout: 9s }], use: log, concurrency: 5 }
  c: { use: log, retry: *retry }
routes: [{ to: [a, b, c] }]
`);
      const queues = config.destinations.map(({ queue }) => [queue.concurrency, queue.retry.attempts, queue.timeoutMs]);
      expect(queues).to.deep.equal([
        [3, 4, 10_000],
        [5, 4, 9_000],
        [8, 4, 10_000],
      ]);
    });

    it('may use an anchor a thousand times', async () => {
      const rows = Array.from({ length: 1_000 }, (_, index) => `  d${index}: { <<: *lane, use: log }`);
      const names = rows.map((_, index) => `d${index}`);
      const config = await configOf(`
version: 1
x-lane: &lane { concurrency: 3 }
sources: { agents: { use: agents.events, secrets: [a-long-secret] } }
destinations:
${rows.join('\n')}
routes: [{ to: [${names.join(', ')}] }]
`);
      expect(config.destinations).to.have.length(1_000);
    });

    it('does not let aliases multiply', async () => {
      const levels = 'abcdefghij'.split('');
      const bomb = levels.map((name, index) => {
        const item = index === 0 ? 'x' : `*${levels[index - 1]}`;
        return `x-${name}: &${name} [${Array(9).fill(item).join(', ')}]`;
      });
      expect(await problemsOf(bomb.join('\n')))
        .to.have.length(1)
        .and.to.satisfy(([problem = '']) => /YAML_ALIASES/.test(problem));
    });

    it('does not let an alias stand inside of its own anchor', async () => {
      expect(await problemsOf('x-a: &a { b: [*a] }\n')).to.deep.equal([
        '1:15 YAML_ALIASES x-a.b[0]: *a refers to itself',
      ]);
    });

    it('merges nothing but maps', async () => {
      expect(await problemsOf(`${smallest}log: { <<: 3 }\n`)).to.deep.equal([
        '8:8 YAML_SYNTAX log: a merge key takes a map, or a list of maps',
      ]);
    });

    it('starts with a map', async () => {
      expect(await problemsOf('- version: 1\n')).to.deep.equal([
        '1:1 WRONG_TYPE expected a map with version, sources, routes and so on',
      ]);
    });
  });

  describe('variables', () => {
    const withHost = (value: string) => `${smallest}server:\n  host: ${value}\n`;
    const hostOf = async (value: string, environment: Environment = {}) =>
      (await configOf(withHost(value), environment)).server.host;

    it('are put into texts, however these are written', async () => {
      const environment = { A: 'one', B: 'two' };
      for (const [written, value] of [
        ['${A}', 'one'],
        ['"${A}"', 'one'],
        ["'${A}'", 'one'],
        ['x-${A}-${B}.y', 'x-one-two.y'],
        ['>-\n    ${A}\n    ${B}', 'one two'],
        ['|-\n    ${A}', 'one'],
      ] as const)
        expect(await hostOf(written, environment), written).to.equal(value);
    });

    it('have defaults, also for an empty one', async () => {
      expect(await hostOf('${A:-none}')).to.equal('none');
      expect(await hostOf('${A:-none}', { A: '' })).to.equal('none');
      expect(await hostOf('${A:-none}', { A: 'one' })).to.equal('one');
      expect(await hostOf('x${A:-}')).to.equal('x');
      expect(await hostOf('"${A:-a: b, {c}"')).to.equal('a: b, {c');
    });

    it('are left alone where they are escaped or expressions', async () => {
      expect(await hostOf('$${A} $$ $A')).to.equal('${A} $$ $A');
      expect(await hostOf('"${{ event.data[\'${A}\'] }} ${A}"', { A: 'one' })).to.equal(
        "${{ event.data['${A}'] }} one",
      );
      expect(await hostOf('"$${{ x }} ${A}"', { A: 'one' })).to.equal('$${{ x }} one');
    });

    it('are not read twice', async () => {
      expect(await hostOf('${A}', { A: '${B}', B: 'two' })).to.equal('${B}');
    });

    it('have braces: a value that is one without them is a mistake', async () => {
      const yaml = `${smallest}server: { host: $HOST, port: "$PORT" }\nx-rows: [$A_1, $a, $1, $, a$A, $A/b]\n`;
      expect(await problemsOf(yaml, { PORT: '8081' })).to.deep.equal([
        '8:17 INTERPOLATION_SYNTAX server.host: a variable needs braces: write ${NAME}',
        '8:31 INTERPOLATION_SYNTAX server.port: a variable needs braces: write ${PORT}',
        '9:10 INTERPOLATION_SYNTAX x-rows[0]: a variable needs braces: write ${NAME}',
      ]);
      expect(await hostOf('${A}', { A: '$HOST' })).to.equal('$HOST');
    });

    it('that are missing are reported all at once, each at its place', async () => {
      const yaml = `${smallest}server:\n  host: a\${A}b\${B}\n  publicUrl: "https://\\u0041\${C}"\nstore:\n  path: |\n    x\n    \${D}\n`;
      expect(await problemsOf(yaml)).to.deep.equal([
        '9:10 ENV_MISSING server.host: the environment variable A is not set',
        '9:15 ENV_MISSING server.host: the environment variable B is not set',
        '10:29 ENV_MISSING server.publicUrl: the environment variable C is not set',
        '11:1 MISSING_KEY store.use: missing key "use"',
        '14:5 ENV_MISSING store.path: the environment variable D is not set',
      ]);
    });

    it('that are missing are all that is said about a value', async () => {
      const yaml = smallest
        .replace('use: agents.events', 'use: "${A}"')
        .replace('to: out', 'to: ["${B}"], where: "${C}"');
      expect(
        (await problemsOf(`${yaml}server: { port: "\${D}", publicUrl: "\${E}" }`)).map((each) => each.split(' ')[1]),
      ).to.deep.equal(Array(5).fill('ENV_MISSING'));
    });

    it('have names', async () => {
      for (const written of ['${}', '${1A}', '${A-B}', '${A B}', '"${A:-${B}}"', '"${A', '${file:}'])
        expect(
          await problemsOf(withHost(written.startsWith('"') && !written.endsWith('"') ? `${written}"` : written)),
          written,
        ).to.satisfy(([problem = '']) => /^9:\d+ INTERPOLATION_SYNTAX server\.host: /.test(problem));
    });

    it('are own properties of the environment', async () => {
      expect(await problemsOf(withHost('${constructor}'))).to.deep.equal([
        '9:9 ENV_MISSING server.host: the environment variable constructor is not set',
      ]);
    });

    it('become numbers, and true or false, where these are expected', async () => {
      const yaml = `${smallest}server: { port: "\${PORT}", trustProxy: "\${TRUST}", host: "\${HOST}" }\n`;
      const { server } = await configOf(yaml, { PORT: '8081', TRUST: 'true', HOST: '1' });
      expect(server).to.deep.include({ port: 8081, trustProxy: true, host: '1' });
    });

    it('become neither where they are neither', async () => {
      const yaml = `${smallest}server: { port: "\${PORT}", trustProxy: "\${TRUST}" }\n`;
      expect(await problemsOf(yaml, { PORT: 'http', TRUST: 'yes' })).to.deep.equal([
        '8:17 WRONG_TYPE server.port: expected a number, found a text',
        '8:40 WRONG_TYPE server.trustProxy: expected true or false, found a text',
      ]);
    });

    it('keep to the limits of numbers', async () => {
      const yaml = `${smallest}server: { port: "\${PORT}" }\n`;
      expect(await problemsOf(yaml, { PORT: '99999' })).to.deep.equal([
        '8:17 INVALID_VALUE server.port: expected at most 65535',
      ]);
    });

    it('do not make a number of what is written as a text', async () => {
      expect(await problemsOf(`${smallest}server: { port: "8081" }\n`)).to.deep.equal([
        '8:17 WRONG_TYPE server.port: expected a number, found a text',
      ]);
    });

    it('come from .env beside the file; those of the process win', async () => {
      put('.env', '# comment\nA=from-file\nB="two words"\nexport C=three\n');
      const yaml = withHost('${A} ${B} ${C}');
      expect((await configOfFile(yaml)).server.host).to.equal('from-file two words three');
      expect((await configOfFile(yaml, { A: 'from-process' })).server.host).to.equal('from-process two words three');
    });

    it('come from the process where nothing else is said', async () => {
      const document = readConfig(put('switchhook.yaml', withHost('"${PATH}"')));
      expect(await checkConfig(document, catalog)).to.have.nested.property('config.server.host', process.env.PATH);
    });

    it('come from files: relative to the configuration, without the last line end', async () => {
      mkdirSync(join(directory, 'secrets'));
      put('secrets/one', 'first\nsecond\n');
      put('secrets/two', 'windows\r\n');
      put('secrets/three', '\ufeffblank \n\r\n\n');
      expect((await configOfFile(withHost('"${file:secrets/one}"'))).server.host).to.equal('first\nsecond');
      expect((await configOfFile(withHost('"${file:./secrets/two}"'))).server.host).to.equal('windows');
      expect((await configOfFile(withHost(`"\${file:${join(directory, 'secrets/three')}}"`))).server.host).to.equal(
        'blank ',
      );
    });

    it('come from .env with a byte order mark and line ends of Windows', async () => {
      put('.env', '\ufeffA=one\r\nB=two\r\n');
      expect((await configOfFile(withHost('${A} ${B}'))).server.host).to.equal('one two');
    });

    it('come from .env as Node reads it, where no # is in the value', async () => {
      for (const text of [
        'A=one',
        'A =  one two  ',
        '  export A=one',
        "A='one\ntwo' # comment",
        'A="one\\ntwo\n\\tthree"',
        'A=`"one"`',
        "A=it's",
        'A=one\nA=two',
        '# A=one\n#B="\nA=two',
        'A="open\nB=two',
        'A=one=two',
        'B="\nA=one\n"\nA=two',
      ]) {
        put('.env', text);
        expect((await configOfFile(withHost('"${A}"'))).server.host, text).to.equal(parseEnv(text).A);
      }
    });

    const ambiguous = [
      ['A=pa#ss', 'pa#ss', 'the # in the value belongs to it: a comment starts with a space'],
      ['A=#pass', '#pass', 'the # in the value belongs to it: a comment starts with a space'],
      ['A=pass # comment', 'pass', null],
      ["A='pass # #1'# comment", 'pass # #1', null],
      ['A="pass"word', 'pass', 'the text behind the closing quote is ignored'],
      ['A="pass', '"pass', 'the opening quote has no closing one, so it belongs to the value'],
    ] as const;
    for (const [text, value, warning] of ambiguous)
      it(`come from .env, with a warning where tools differ: ${text}`, async () => {
        put('.env', `# first\n${text}\n`);
        const config = await configOfFile(withHost('"${A}"'));
        expect(config.server.host).to.equal(value);
        const warnings = config.warnings.filter(({ code }) => code === 'ENV_AMBIGUOUS');
        expect(warnings.map(brief)).to.deep.equal(warning === null ? [] : [`0:0 ENV_AMBIGUOUS .env:2: A: ${warning}`]);
        const own = (await configOfFile(withHost('"${A}"'), { A: 'x' })).warnings;
        expect(own.map(({ code }) => code)).to.not.include('ENV_AMBIGUOUS');
      });

    it('come from no file that cannot be read to its end', async () => {
      for (const path of ['none', '.', '/dev/zero'])
        expect(problemsOfFile(put('switchhook.yaml', withHost(`"\${file:${path}}"`)))).to.deep.equal([
          `9:10 FILE_MISSING server.host: the file ${path} cannot be read`,
        ]);
    });
  });
});
