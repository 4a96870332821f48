import type { Problem } from '@switchhook/core';
import { formatProblems } from '@switchhook/core/internal';
import { ERRORS } from '@switchhook/sdk/internal';
import { expect } from 'chai';
import { checked, smallest } from './setup.js';

async function found(yaml: string, environment = {}): Promise<readonly Problem[]> {
  const result = await checked(yaml, environment);
  return result.kind === 'problems' ? result.problems : [];
}

describe('problems', () => {
  it('are told like a compiler does', async () => {
    const problems = await found(`${smallest}server:\n  prot: 8080\nlog: { level: loud }\n`);
    expect(
      formatProblems(problems),
    ).to.equal(`/nowhere/switchhook.yaml:9:3  UNKNOWN_KEY  server.prot: unknown key "prot"; did you mean "port"?
   9 |   prot: …
     |   ^
     = ${ERRORS.UNKNOWN_KEY.hint}

/nowhere/switchhook.yaml:10:15  INVALID_VALUE  log.level: expected debug, info, warn, error or silent, found "loud"
  10 | log: { level: loud }
     |               ^
     = Lowest level that is logged.`);
  });

  it('of a whole file have no line', async () => {
    expect(formatProblems(await found(''))).to.equal(
      `/nowhere/switchhook.yaml  CONFIG_EMPTY  the file is empty\n    = ${ERRORS.CONFIG_EMPTY.hint}`,
    );
  });

  it('have colours only where they are wanted', async () => {
    const problems = await found(`${smallest}sever: 1\n`);
    const plain = formatProblems(problems);
    const coloured = formatProblems(problems, 'problem', (style, text) => `<${style}>${text}</>`);
    expect(plain).to.not.include('\u001b');
    expect(coloured).to.include('<red>UNKNOWN_KEY</>');
    expect(coloured.replace(/<(\w+|\/)>/g, '')).to.equal(plain);
  });

  it('say each hint once', async () => {
    const problems = await found(`${smallest}a: 1\nb: 1\n`);
    expect(formatProblems(problems).split(ERRORS.UNKNOWN_KEY.hint)).to.have.length(2);
  });

  it('mark a place in a line with tabs', async () => {
    const [problem] = await found(`${smallest}log:\t{ levl: info }\n`);
    expect(formatProblems(problem === undefined ? [] : [problem])).to.include('\n    |     \t  ^');
  });

  it('show a long line around the mark', async () => {
    const [problem] = await found(
      smallest.replace('{ to: out }', `{ to: [${'out, '.repeat(1)}${' '.repeat(500)}uot, ${' '.repeat(500)}] }`),
    );
    const { text = '', column = 0 } = problem?.excerpt ?? {};
    expect(text.length).to.be.at.most(120);
    expect(text.slice(column - 1)).to.match(/^uot/);
  });

  it('are in the order of the file, each once', async () => {
    const problems = await found(`${smallest}log: { level: loud }\nserver: { prot: 1, port: 1, port: 2 }\n`);
    expect(problems.map(({ line, column, code }) => [line, column, code])).to.deep.equal([
      [8, 15, 'INVALID_VALUE'],
      [9, 11, 'UNKNOWN_KEY'],
      [9, 29, 'YAML_DUPLICATE_KEY'],
    ]);
  });

  it('show the type of a component, and names of variables, but no other value of a row', async () => {
    const [problem] = await found(
      smallest.replace('use: log', 'use: http.post, url: "${URL}", body: hello, methd: PUT'),
      { URL: 'x' },
    );
    expect(problem?.excerpt?.text).to.equal('  out: { use: http.post, url: "${URL}", body: …, methd: … }');
  });

  describe('keep secrets', () => {
    const secret = 'S3CRET-value';
    /** Each has a mistake at, in, or beside a secret. */
    const mistakes: readonly (readonly [string, string])[] = [
      ['beside it', smallest.replace('[a-long-secret]', `[${secret}], x: 1`)],
      ['in the same list', smallest.replace('a-long-secret', `${secret}, 3`)],
      ['of its type', smallest.replace('[a-long-secret]', secret)],
      ['in its key', smallest.replace('secrets: [a-long-secret]', `secret: ${secret}`)],
      [
        'in the component',
        smallest.replace('use: agents.events', 'use: agents.evnts').replace('a-long-secret', secret),
      ],
      [
        'in the component, behind it',
        smallest.replace('use: agents.events, secrets: [a-long-secret]', `token: ${secret}, use: x`),
      ],
      ['in a map', smallest.replace('[a-long-secret]', `{ sales: { token: ${secret} } }`)],
      [
        'in a block',
        smallest.replace(
          '{ use: agents.events, secrets: [a-long-secret] }',
          `\n    secrets: |\n      ${secret}\n    use: agents.events\n`,
        ),
      ],
      ['in YAML', smallest.replace('[a-long-secret]', `["${secret}]`)],
      ['in YAML, before it', smallest.replace('[a-long-secret]', `[ ] ${secret} }`)],
      ['of a name', smallest.replace('to: out', `to: \${SECRET}`)],
      ['of a component', smallest.replace('use: log', `use: \${SECRET}`)],
      ['of a value', `${smallest}log: { level: "\${SECRET}" }\n`],
      ['of a size', `${smallest}server: { bodyLimit: "\${SECRET}" }\n`],
      ['of a URL', `${smallest}server: { publicUrl: "\${SECRET}" }\n`],
      ['in an expression', smallest.replace('to: out', `to: out, where: "event.type == \${SECRET}"`)],
      ['beside a token', `${smallest}server: { admin: { token: "\${SECRET}", x: 1 } }\n`],
      ['of a default', smallest.replace('a-long-secret', `"\${OTHER:-${secret}}", 3`)],
    ];
    for (const [name, yaml] of mistakes)
      it(`where the mistake is one ${name}`, async () => {
        const problems = await found(yaml, { SECRET: secret });
        expect(problems).to.not.deep.equal([]);
        expect(JSON.stringify(problems)).to.not.include(secret);
        expect(formatProblems(problems)).to.not.include(secret);
      });
  });
});
