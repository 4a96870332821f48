import { formatProblems } from '@switchhook/core/internal';
import { expect } from 'chai';
import fc from 'fast-check';
import { checked } from './setup.js';

const valid = `# every part of a configuration
version: 1
server: { port: 8080, publicUrl: https://hooks.example.com, bodyLimit: 1mb, admin: { token: "\${TOKEN}" } }
log: { level: info }
store: { use: sqlite, path: ./x.db }
x-lane: &lane
  retry: { attempts: 8, first: 5s, max: 30m }
sources:
  agents: { use: agents.events, secrets: ["\${TOKEN}", "other"] }
  calls:
    use: agents.call
    token: \${TOKEN}
destinations:
  crm:
    <<: *lane
    use: http.post
    url: "https://crm.example.com/\${{ event.subject }}"
    body:
      text: |
        Call \${{ default(event.data.duration, 0) }}
        of \${{ event.agent }}
      list: [1, "\${{ event.data }}", null]
    concurrency: 4
  journal: { use: log, timeout: 3s }
resolvers:
  customer: { use: static, values: { tier: gold } }
  history: { use: static, values: {}, after: customer, timeout: 1s }
transforms:
  redacted: { use: redact }
routes:
  - name: finished
    from: agents
    on: [conversation_ended, "conversation_*"]
    where: event.agent == "a" && event.data.duration > 30
    to: [crm, journal]
    transform: redacted
  - to: journal
answers:
  - name: line
    from: calls
    where: call.to == "+123"
    within: 4s
    resolve: [customer, history]
    variables: { tier: "\${{ customer.tier }}", who: "\${{ mask(call.from) }}" }
    defaults: { tier: standard, n: 3 }
    overrideAgent: "\${{ customer.agent }}"
`;
const token = 'T0KEN-value';

/** What means something to YAML, to variables, to CEL or to JavaScript. */
const marks = [
  ...[
    '\n',
    '  ',
    '\t',
    ': ',
    '- ',
    '[',
    '{',
    '}',
    ']',
    '"',
    "'",
    '|',
    '>',
    '&a ',
    '*a',
    '*lane',
    '<<: ',
    '#',
    '!',
    '%',
    '@',
    '`',
  ],
  ...[
    '---\n',
    '...\n',
    '?',
    '\0',
    '\u2028',
    '\u001b[31m',
    'é',
    '👍',
    '\ud800',
    'null',
    '~',
    '1',
    '.nan',
    '.inf',
    '0x1',
    'true',
    '\\',
    '\\u',
  ],
  ...[
    '${X}',
    '${TOKEN}',
    '${',
    '$${',
    '${{',
    '}}',
    '${X:-',
    '${file:/dev/zero}',
    '&&',
    '==',
    'event',
    'where',
    '__proto__',
    'constructor',
  ],
];
const piece = fc.oneof(
  fc.constantFrom(...marks),
  fc.string({ maxLength: 5 }),
  fc.nat(valid.length).map((start) => valid.slice(start, start + 30)),
);
const edits = fc.array(fc.record({ at: fc.nat(valid.length), cut: fc.nat(40), put: piece }), {
  minLength: 1,
  maxLength: 6,
});

describe('a configuration that somebody edits without looking', () => {
  it('is right to begin with', async () => {
    expect((await checked(valid, { TOKEN: token })).kind).to.equal('config');
  });

  it('becomes a configuration or problems, each with a code and a place, and never shows a secret', async () => {
    await fc.assert(
      fc.asyncProperty(edits, async (changes) => {
        let yaml = valid;
        for (const { at, cut, put } of changes) yaml = yaml.slice(0, at) + put + yaml.slice(at + cut);
        const result = await checked(yaml, { TOKEN: token });
        if (result.kind === 'config') return;
        expect(result.problems).to.not.deep.equal([]);
        const lines = yaml.split('\n').length;
        for (const { code, line, column, message } of result.problems) {
          // A schema that throws would be a fault of ours: these components do not.
          expect(code).to.not.equal('PLUGIN_BROKEN');
          expect(line).to.be.within(0, lines);
          expect(column).to.be.at.least(line === 0 ? 0 : 1);
          expect(message).to.match(/^[^\n]+$/);
        }
        expect(formatProblems(result.problems)).to.not.include(token);
      }),
      { numRuns: 500 },
    );
  });

  it('is read in time that grows with its size, whatever it is full of', async () => {
    const rest = 'version: 1\nsources: {}\nx-a:\n';
    // Quadratic work on any of these would take minutes, and the test would run out of time.
    for (const yaml of [
      `${rest}${'- *a\n'.repeat(50_000)}`,
      `x-b: &a 1\n${rest}${'- *a\n'.repeat(50_000)}`,
      rest + Array.from({ length: 30_000 }, (_, index) => `  k${index}: 1\n`).join(''),
      `${rest}${'  k: 1\n'.repeat(30_000)}`,
      `${rest}${'- ${NONE}\n'.repeat(30_000)}`,
      `${rest}  "${'${{ {'.repeat(50_000)}"`,
      `${rest}  "${'${'.repeat(50_000)}"`,
      `routes: [{ to: x, where: "${'('.repeat(200_000)}" }]`,
      `routes: [{ to: x, where: "${'x '.repeat(200_000)}" }]`,
    ])
      expect((await checked(yaml)).kind).to.equal('problems');
  });
});
