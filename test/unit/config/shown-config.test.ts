import { fileURLToPath } from 'node:url';
import { checkConfig, documentOf } from '@switchhook/core/internal';
import { expect } from 'chai';
import { catalog, configOf, type Environment } from './setup.js';

const file = fileURLToPath(import.meta.url);

/** The rows that a configuration needs, with one line of a test in it. */
const around = (destination: string, before = '') => `version: 1
${before}
sources: { agents: { use: agents.events, secrets: [a-long-secret] } }
destinations:
  out:
    use: http.post
${destination}
routes: [{ to: out }]
`;

async function shown(yaml: string, environment?: Environment): Promise<string> {
  return (await configOf(yaml, environment)).shown().text;
}

/** How one line of the destination is shown. */
async function line(written: string, environment?: Environment): Promise<string> {
  const url = written.startsWith('url:') ? '' : '    url: https://crm.example.com\n';
  const text = await shown(around(`${url}    ${written}`), environment);
  return text
    .split('\n')
    .slice(url === '' ? 6 : 7, -2)
    .join('\n')
    .replace(/^ {4}/gm, '');
}

describe('the configuration as it is shown', () => {
  it('keeps lines, comments, references and what is no secret as they are written', async () => {
    const yaml = around(
      [
        '    url: https://crm.example.com/v2/calls?limit=50   # the CRM',
        '    method: ${METHOD:-PUT}',
        '    body: { call: "${{ event.subject }}", note: "in ${TEAM}", agent: agent_7f31, "5s": [1, true, null] }',
        '    limits: { size: 3 }',
        '',
        '    # wait: 5s, and nothing else',
        '    wait: 2s',
      ].join('\r\n'),
      'country: DE',
    );
    expect(await shown(yaml, { TEAM: 'team-rockets' })).to.equal(yaml.replace('a-long-secret', '***'));
  });

  const cases: Readonly<Record<string, readonly [written: string, shown: string]>> = {
    'an option that is secret': ['sign: plain-words', 'sign: ***'],
    'a number as a secret': ['sign: "12345678"', 'sign: "***"'],
    'a secret in quotes with escapes': [String.raw`sign: "pl\x61in words"`, 'sign: "***"'],
    'a secret with a reference': ["sign: 'a-${ONE}-b'", "sign: '***${ONE}***'"],
    'a default of a secret': ['sign: ${TWO:-otherwise}', 'sign: ${TWO:-***}'],
    'no reference to a file': [`sign: "\${file:${file}}"`, `sign: "\${file:${file}}"`],
    'a secret of several lines': ['sign: |  # my key\n      one\n\n      two', 'sign: |  # my key\n  ***\n\n  ***'],
    'a password in a URL': ['url: postgres://me:pa/ss@db:5432/x', 'url: postgres://me:***@db:5432/x'],
    'a token in place of a user': ['url: https://tok@crm.example.com', 'url: https://***@crm.example.com'],
    'a query': ['url: https://crm.example.com/x?key=abc&n=1', 'url: https://crm.example.com/x?key=***&n=1'],
    'a query that is a token': ['url: https://crm.example.com/x?abcdef', 'url: https://crm.example.com/x?***'],
    'the path of a webhook': ['url: https://hooks.example.com/a/b', 'url: https://hooks.example.com/***/***'],
    'what follows hooks': ['url: https://crm.example.com/hooks/abc', 'url: https://crm.example.com/hooks/***'],
    'a path that is random': ['url: https://crm.example.com/x/a1b2c3d4', 'url: https://crm.example.com/x/***'],
    'a header of an authorization': [
      'body: { headers: { authorization: Bearer abc, cookie: "${ONE}", accept: text/plain } }',
      'body: { headers: { authorization: Bearer ***, cookie: "${ONE}", accept: text/plain } }',
    ],
    'a header of any name': ['body: { headers: { x-team: rockets } }', 'body: { headers: { x-team: *** } }'],
    'a header of an authorization in a comment': ['# authorization: Bearer abc', '# authorization: Bearer ***'],
    'a value with the name of a secret': ['body: { api_key: abc }', 'body: { api_key: *** }'],
    'a section with the name of a secret': ['body: { auth: { id: abc } }', 'body: { auth: { id: *** } }'],
    'a secret in a text': ['body: "send token=abc now"', 'body: "send token=*** now"'],
    'a well-known token': ['body: { note: sk_live_abcdefgh12345678 }', 'body: { note: *** }'],
    'a random word': ['body: { note: qW3rTyUiOp0aSdFgHjKl }', 'body: { note: *** }'],
    'a random word behind an escape': [String.raw`body: { note: "qW3rT\x79UiOp0aSdFgHjKl" }`, 'body: { note: "***" }'],
    'base64 with a slash': ['body: { note: "eu2zvPjhY6odxV34Z/EsRiERvTodkev4Fq0SlK90Izg=" }', 'body: { note: "***" }'],
    'a random word as a key': ['body: { qW3rTyUiOp0aSdFgHjKl: 1 }', 'body: { ***: 1 }'],
    'a secret in an expression': [
      'body: "${{ event.data.token == \'abc\' }}"',
      'body: "${{ event.data.token == \'***\' }}"',
    ],
    'a text with spaces in a condition': [
      `body: '\${{ event.data.password == "open sesame now" }}'`,
      `body: '\${{ event.data.password == "***" }}'`,
    ],
    'a text before the name of a secret': [
      `body: '\${{ "hunter two" == event.data.password && event.type == "a" }}'`,
      `body: '\${{ "***" == event.data.password && event.type == "***" }}'`,
    ],
    'a list of texts with the name of a secret': [
      `body: '\${{ event.data["token"] in ["abc", "def"] }}'`,
      `body: '\${{ event.data["token"] in ["***", "***"] }}'`,
    ],
    'other names of secrets': [
      `body: '\${{ event.data.passphrase == "abc" || event.data.pin == "4821" }}'`,
      `body: '\${{ event.data.passphrase == "***" || event.data.pin == "***" }}'`,
    ],
    'all of a text with escapes where a part is secret': [
      'body: "${{ event.data.token == \\"open sesame\\" }} token=xyz"',
      'body: "***"',
    ],
    'a quoted value in a text': [`body: 'token = "two words", end'`, `body: 'token = "***", end'`],
    'comments with other names of secrets': [
      '# pass: hunter2\n    # pin: 4821\n    # key: hunter2\n    #   X-Auth: hunter2',
      '# pass: ***\n# pin: ***\n# key: ***\n#   X-Auth: ***',
    ],
    'a comment with a secret option': ['# sign: plain words', '# sign: ***'],
    'a comment with a list of secrets': [
      '# secrets:\n    #   - one\n    #   - two\n    # wait: 5s',
      '# secrets:\n#   - ***\n#   - ***\n# wait: 5s',
    ],
    'a comment with a URL': ['# was https://me:pw@crm.example.com', '# was https://me:***@crm.example.com'],
    'what a merge key hides': [
      'body: { <<: { token: one, other: two }, token: "${ONE}" }',
      'body: { <<: { token: ***, other: two }, token: "${ONE}" }',
    ],
  };
  for (const [what, [written, expected]] of Object.entries(cases))
    it(`hides ${what}`, async () => {
      expect(await line(written, { ONE: 'first-value' })).to.equal(expected);
    });

  it('hides a value that an alias leads to if it is secret in one of its places, and what nothing leads to', async () => {
    const before = 'x-shared: { one: &one shared words, two: &two other words, three: never used, four: 5s }';
    const text = await shown(
      around('    url: https://crm.example.com\n    sign: *one\n    body: [*one, *two]', before),
    );
    expect(text).to.include('x-shared: { one: &one ***, two: &two other words, three: ***, four: 5s }');
    expect(text).to.include('sign: *one\n    body: [*one, *two]');
  });

  it('hides numbers with the name of a secret that nothing leads to', async () => {
    const before = 'x-notes: { pin: 493817, limit: 12, auth: { code: 1 } }';
    expect(await shown(around('    url: https://crm.example.com', before))).to.include(
      'x-notes: { pin: ***, limit: 12, auth: { code: *** } }',
    );
  });

  it('hides very long lines as a whole, and searches long ones once', async () => {
    const words = ['a', '_a', 'a.', '/', 'a ', 'token ', 'x://', '${a:-', '"'];
    for (const word of words) {
      const text = word.repeat(Math.floor(9_000 / word.length));
      const rows = Array.from({ length: 20 }, () => `# ${text}`).join('\n');
      expect(await shown(around('    url: https://crm.example.com', rows))).to.be.a('string');
      // Each of a million characters would otherwise be compared with all that follow it.
      const long = `# ${word.repeat(Math.floor(900_000 / word.length))}end`;
      expect(await shown(around('    url: https://crm.example.com', long))).not.to.include('end');
    }
  });

  it('hides secrets of the router itself and of sources', async () => {
    const text = await shown(
      `version: 1\nserver: { admin: { token: abcd-efgh } }\nsources: { agents: { use: agents.events, secrets: { sales: one-secret, help: "\${TWO:-two-secret}" } } }\ndestinations: { out: { use: log } }\nroutes: [{ to: out }]\n`,
    );
    expect(text).to.include('token: *** }').and.include('{ sales: ***, help: "${TWO:-***}" }');
  });

  it('is the value of a program as YAML, without what it has read from the environment itself', async () => {
    process.env.SWITCHHOOK_TEST_VALUE = 'value "of the" \\environment\nand its second line';
    try {
      const config = {
        version: 1,
        sources: { agents: { use: 'agents.events', secrets: ['literal-secret'] } },
        destinations: {
          out: {
            use: 'http.post',
            url: `https://crm.example.com/${process.env.SWITCHHOOK_TEST_VALUE}`,
            sign: '${ONE:-otherwise}',
          },
        },
        routes: [{ to: 'out' }],
      };
      const checked = await checkConfig(
        documentOf(config, '/nowhere/switchhook.config.ts', ['/nowhere/switchhook.config.ts']),
        catalog,
      );
      expect(checked.kind === 'config' && checked.config.shown()).to.deep.equal({
        isFile: false,
        text: `version: 1
sources:
  agents:
    use: agents.events
    secrets:
      - ***
destinations:
  out:
    use: http.post
    url: |-
      https://crm.example.com/***
      ***
    sign: \${ONE:-***}
routes:
  - to: out
`,
      });
    } finally {
      delete process.env.SWITCHHOOK_TEST_VALUE;
    }
  });
});
