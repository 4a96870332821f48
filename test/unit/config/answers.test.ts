import { placeholdersIn, promptFit } from '@switchhook/core/internal';
import { expect } from 'chai';
import { brief, checked, configOf, problemsOf } from './setup.js';

/** A configuration with these resolvers and one answer. */
const withAnswer = (answer: string, resolvers = 'customer: { use: static, values: { tier: gold } }') => `version: 1
sources:
  calls: { use: agents.call, token: a-call-token }
resolvers:
  ${resolvers}
answers:
  - from: calls
    ${answer}
`;

async function warningsOf(yaml: string): Promise<readonly string[]> {
  const result = await checked(yaml);
  return result.kind === 'config' ? result.config.warnings.map(brief) : result.problems.map(brief);
}

describe('checking an answer', () => {
  it('has no more time than the platform waits', async () => {
    const problems = (within: string, environment = {}) =>
      problemsOf(withAnswer(`resolve: customer\n    within: ${within}`), environment);
    expect(await problems('12s')).to.deep.equal([
      '9:13 INVALID_VALUE answers[0].within: 12s, but the platform of "calls" waits 10s for the reply',
    ]);
    expect(await problems('"${WITHIN}"', { WITHIN: '1m' })).to.have.length(1);
    expect(await problems('10s')).to.deep.equal([]);
  });

  describe('its variables', () => {
    const asked = 'resolve: customer\n    ';

    it('are texts, numbers, or true and false', async () => {
      const { answers } = await configOf(withAnswer(`${asked}variables: { a: x, b: 5, c: true }`));
      const rendered = Object.entries(answers[0]?.variables ?? {}).map(([name, value]) => [name, value.render({})]);
      expect(rendered).to.deep.equal([
        ['a', 'x'],
        ['b', 5],
        ['c', true],
      ]);
    });

    it('are no maps or lists, where that can be known', async () => {
      expect(await problemsOf(withAnswer(`${asked}variables: { a: { b: c } }`))).to.deep.equal([
        '9:21 WRONG_TYPE answers[0].variables.a: expected a text, a number or true or false, found a map',
      ]);
      for (const value of ['${{ customer }}', '${{ call.data }}', '${{ [1, 2] }}', '${{ known }}'])
        expect(await problemsOf(withAnswer(`${asked}variables: { a: "${value}" }`)), value).to.deep.equal([
          '9:21 INVALID_VALUE answers[0].variables.a: expected a text, a number, or true or false; this is a map or a list',
        ]);
    });

    it('may have names that objects bring along, but for the one that objects lose', async () => {
      const { answers } = await configOf(
        withAnswer(`${asked}variables: { constructor: x }\n    defaults: { toString: y }`),
      );
      expect(Object.keys({ ...answers[0]?.variables, ...answers[0]?.defaults })).to.deep.equal([
        'constructor',
        'toString',
      ]);
      for (const section of ['variables', 'defaults'])
        expect(await problemsOf(withAnswer(`${asked}${section}: { __proto__: x }`)), section).to.have.length(1);
    });

    it('have names that a placeholder can have', async () => {
      for (const name of ['first-name', '1st', 'a.b', '"a b"', 'x'.repeat(65)]) {
        const [problem = ''] = await problemsOf(withAnswer(`${asked}defaults: { ${name}: x }`));
        expect(problem, name).to.include('a variable starts with a letter or _ and has only letters, digits and _');
      }
    });

    it('are warned of where some callers do not get them', async () => {
      const yaml = withAnswer(
        `${asked}variables: { tier: "\${{ customer.tier }}", name: "\${{ customer.name }}", line: "\${{ call.to }}" }
    defaults: { tier: standard }`,
      );
      expect(await warningsOf(yaml)).to.deep.equal([
        '9:54 UNSUPPLIED_VARIABLE answers[0].variables.name: "name" has no default: where it cannot be filled, the agent does not get it',
      ]);
    });

    it('need no default where their expression has one, or the time and the call are enough', async () => {
      const yaml = withAnswer(
        `${asked}variables: { a: "\${{ default(customer.name, 'there') }}", b: '\${{ now.getHours("Europe/Berlin") < 12 ? "x" : "y" }}' }`,
      );
      expect(await warningsOf(yaml)).to.deep.equal([]);
    });

    it('are all there that the agent cannot do without', async () => {
      const yaml = withAnswer(
        `${asked}defaults: { first_name: there, tier: standard }\n    expects: [first_name, teir]`,
      );
      expect(await problemsOf(yaml)).to.deep.equal([
        '10:27 UNSUPPLIED_VARIABLE answers[0].expects[1]: nothing supplies "teir"; did you mean "tier"?',
      ]);
      expect(await problemsOf(yaml.replace('teir', 'tier'))).to.deep.equal([]);
      expect(await problemsOf(yaml.replace('[first_name, teir]', 'nobody'))).to.deep.equal([
        '10:14 UNSUPPLIED_VARIABLE answers[0].expects: nothing supplies "nobody"',
      ]);
    });
  });

  describe('its agent', () => {
    const problemsWith = (agent: string) => problemsOf(withAnswer(`resolve: customer\n    overrideAgent: ${agent}`));

    it('is no map or list', async () => {
      expect(await problemsWith('"${{ customer }}"')).to.deep.equal([
        '9:20 INVALID_VALUE answers[0].overrideAgent: expected the id of an agent; this is a map or a list',
      ]);
    });

    it('has an id that can be one', async () => {
      for (const agent of ['agent night', '"agent\\u0000"', '"agent\\u200bnight"', `"\${{ 'agent night' }}"`])
        expect(await problemsWith(agent), agent).to.deep.equal([
          '9:20 INVALID_VALUE answers[0].overrideAgent: an id of an agent has no spaces or control characters in it',
        ]);
      expect(await problemsWith('x'.repeat(257))).to.deep.equal([
        '9:20 INVALID_VALUE answers[0].overrideAgent: it is longer than 256 characters, which no id of an agent is',
      ]);
      for (const [agent, value] of [
        ['true', 'true'],
        ['\'${{ call.from == "+1" }}\'', 'false'],
      ] as const)
        expect(await problemsWith(agent)).to.deep.equal([
          `9:20 INVALID_VALUE answers[0].overrideAgent: it is ${value}, and no id`,
        ]);
      expect(await problemsWith('7')).to.deep.equal([]);
      for (const agent of ['x'.repeat(256), '" agent_night "', '""', '7', '"${{ customer.agent }}"'])
        expect(await problemsWith(agent), agent).to.deep.equal([]);
    });
  });

  describe('its condition', () => {
    it('may ask for the time of day', async () => {
      const { answers } = await configOf(
        withAnswer('resolve: customer\n    where: now.getHours("Europe/Berlin") >= 9'),
      );
      const { where } = answers[0] ?? {};
      expect(where?.evaluate({ now: new Date('2026-07-01T07:00:00Z') })).to.equal(true);
      expect(where?.evaluate({ now: new Date('2026-07-01T06:59:59Z') })).to.equal(false);
    });

    it('is warned of where it fails for a call about which nothing is known', async () => {
      const yaml = withAnswer('resolve: customer\n    where: timestamp(call.from) < now');
      expect((await warningsOf(yaml))[0]).to.match(
        /^9:12 EXPRESSION_TYPE answers\[0\]\.where: .*timestamp\(call\.from\)/,
      );
    });

    it('asks for the time of a zone that exists', async () => {
      const problems = (expression: string) => problemsOf(withAnswer(`resolve: customer\n    ${expression}`));
      expect(await problems('where: call.to == "+1" && now.getHours("Europe/Berlim") >= 9')).to.deep.equal([
        '9:44 EXPRESSION_UNKNOWN_NAME answers[0].where: there is no time zone "Europe/Berlim"; did you mean "Europe/Berlin"?',
      ]);
      expect(await problems('variables: { a: \'${{ now.getDayOfWeek("Nowhere/X") }}\' }')).to.deep.equal([
        '9:43 EXPRESSION_UNKNOWN_NAME answers[0].variables.a: there is no time zone "Nowhere/X"; write it like "Europe/Berlin"',
      ]);
    });
  });

  describe('its numbers', () => {
    const warnings = (answer: string, country = '') =>
      warningsOf(withAnswer(`resolve: customer\n    ${answer}`) + country);

    it('are warned of where none of a call is written like that', async () => {
      expect(await warnings('where: call.to == "12025550123"')).to.deep.equal([
        '9:23 NEVER_MATCHES answers[0].where: call.to is never "12025550123": numbers are E.164 here; did you mean "+12025550123"?',
      ]);
      expect(await warnings('where: call.from == "(202) 555-0123"', 'country: US')).to.deep.equal([
        '9:25 NEVER_MATCHES answers[0].where: call.from is never "(202) 555-0123": numbers are E.164 here; did you mean "+12025550123"?',
      ]);
      expect(await warnings(`where: '"tel:+12025550123" != call.to'`)).to.deep.equal([
        '9:13 NEVER_MATCHES answers[0].where: call.to is never "tel:+12025550123": numbers are E.164 here; did you mean "+12025550123"?',
      ]);
      expect(await warnings('where: call.id == "x" || call.from == "anonymous"')).to.deep.equal([
        '9:43 NEVER_MATCHES answers[0].where: call.from is never "anonymous": a withheld number is empty here; did you mean ""?',
      ]);
    });

    it('are warned of in lists, as keys of a map, and in templates', async () => {
      const places = async (answer: string) =>
        (await warnings(answer)).map((each) => each.replace(/ NEVER_MATCHES (\S+): (call\.\w+) .*/, ' $1 $2'));
      expect(await places('where: call.to in ["+12025550123", "12025550124", "24365"]')).to.deep.equal([
        '9:40 answers[0].where call.to',
      ]);
      expect(await places(`overrideAgent: '\${{ {"12025550123": "night"}[call.to] }}'`)).to.deep.equal([
        '9:26 answers[0].overrideAgent call.to',
      ]);
      expect(
        await places(`variables: { a: 'Hi \${{ call.id }}\${{ call.from == "12025550123" ? "x" : "y" }}' }`),
      ).to.deep.equal(['9:56 answers[0].variables.a call.from']);
    });

    it('are no matter where they are as the router reads them, or are no numbers', async () => {
      for (const where of [
        'call.to == "+12025550123" || call.to == "24365" || call.from == "ACME" || call.from == ""',
        'call.data.from == "12025550123" || call.id == "12025550123" || call.from == call.to',
      ])
        expect(await warnings(`where: ${where}`), where).to.deep.equal([]);
    });
  });

  describe('its place among the others', () => {
    const sources =
      'sources:\n  calls: { use: agents.call, token: token-of-a }\n  more: { use: agents.call, token: token-of-b }\n';
    const warnings = (answers: string) => warningsOf(`version: 1\n${sources}answers:\n${answers}`);

    it('is warned of where those before it take all its calls', async () => {
      const first = '  - { name: all, from: calls }\n';
      expect(await warnings(`${first}  - { from: calls, where: call.to == "+1" }\n`)).to.deep.equal([
        '7:5 NEVER_MATCHES answers[1]: it is never given: every call from "calls" goes to "all" before',
      ]);
      expect(await warnings(`${first}  - { from: more }\n  - { from: [calls, more] }\n`)).to.deep.equal([
        '8:5 NEVER_MATCHES answers[2]: it is never given: every call from "calls" goes to "all" before, every call from "more" goes to "answer-2" before',
      ]);
    });

    it('is right where a call can get as far as it', async () => {
      expect(await warnings('  - { from: calls }\n  - { from: [calls, more] }\n')).to.deep.equal([]);
      expect(await warnings('  - { from: calls, where: call.to == "+1" }\n  - { from: calls }\n')).to.deep.equal([]);
    });
  });

  describe('its cache', () => {
    const cacheOf = async (cache: string) =>
      (await configOf(withAnswer(`resolve: customer\n    cache: ${cache}`))).answers[0]?.cache;

    it('is one time for both, or one for each', async () => {
      expect(await cacheOf('10m')).to.deep.equal({ forMs: 600_000, staleMs: 600_000 });
      expect(await cacheOf('{ for: 10m, stale: 24h }')).to.deep.equal({ forMs: 600_000, staleMs: 86_400_000 });
      expect(await cacheOf('{ for: 10m }')).to.deep.equal({ forMs: 600_000, staleMs: 600_000 });
      expect(await cacheOf('{ stale: 7d }')).to.deep.equal({ forMs: 0, staleMs: 604_800_000 });
      expect((await configOf(withAnswer('resolve: customer'))).answers[0]?.cache).to.equal(null);
    });

    it('is refused where it means nothing', async () => {
      for (const cache of ['0s', '31d', '{}', '{ for: 10m, stale: 1m }', 'true'])
        expect(await problemsOf(withAnswer(`resolve: customer\n    cache: ${cache}`)), cache).to.have.length(1);
    });
  });
});

describe('checking resolvers', () => {
  const echo = (name: string, value: string, more = '') => `${name}: { use: static, values: { a: "${value}" }${more} }`;

  it('gives each its concurrency and its breaker', async () => {
    const { resolvers } = await configOf(
      withAnswer(
        'resolve: [a, b, c]',
        [
          echo('a', ''),
          echo('b', '', ', breaker: false, concurrency: 5'),
          echo('c', '', ', breaker: { failures: 2, window: 10s, cooldown: 5s }'),
        ].join('\n  '),
      ),
    );
    expect(resolvers.map(({ concurrency, breaker }) => [concurrency, breaker])).to.deep.equal([
      [64, { failures: 5, windowMs: 60_000, cooldownMs: 30_000 }],
      [5, null],
      [64, { failures: 2, windowMs: 10_000, cooldownMs: 5_000 }],
    ]);
  });

  it('lets one wait for those whose facts its options use', async () => {
    const rows = [
      echo('customer', ''),
      echo('orders', '${{ known.customer.id }}'),
      echo('notes', `\${{ known['orders'].id + known.?customer.id }}`),
      echo('views', "select * from known.customers, ${{ 'known.customer' }}"),
    ];
    const { resolvers } = await configOf(withAnswer('resolve: [notes, views]', rows.join('\n  ')));
    expect(resolvers.map(({ name, after }) => [name, after])).to.deep.equal([
      ['customer', []],
      ['orders', ['customer']],
      ['notes', ['orders', 'customer']],
      ['views', []],
    ]);
  });

  it('finds names after known that lead nowhere, and circles that go through options', async () => {
    const rows = [
      echo('customer', '${{ known.orders.id }}'),
      echo('orders', '${{ known.customer.id + known.custmer.id }}'),
    ];
    expect(await problemsOf(withAnswer('resolve: [orders]', rows.join('\n  ')))).to.deep.equal([
      '5:13 INVALID_VALUE resolvers.customer: "customer" would wait for itself',
      '6:3 UNKNOWN_REFERENCE resolvers.orders: known.custmer: there is no resolver "custmer"; did you mean "customer"?',
      '6:11 INVALID_VALUE resolvers.orders: "orders" would wait for itself',
    ]);
  });

  it('takes what others wait for as used, and lets variables use it', async () => {
    const rows = [echo('customer', ''), echo('orders', '', ', after: customer')];
    const yaml = withAnswer(
      'resolve: orders\n    variables: { a: "${{ customer.a }}" }\n    defaults: { a: "" }',
      rows.join('\n  '),
    );
    expect(await problemsOf(yaml)).to.deep.equal([]);
  });
});

describe('a prompt', () => {
  const prompt =
    'Hello {{ first_name }}, you are {{tier}}.\nYour orders: {{ open_orders }}, {{ first_name }}\n{ no } {{ }}';

  it('has placeholders, each once, at their lines', () => {
    expect(placeholdersIn(prompt)).to.deep.equal([
      { name: 'first_name', line: 1 },
      { name: 'tier', line: 1 },
      { name: 'open_orders', line: 2 },
      { name: '', line: 3 },
    ]);
  });

  it('is compared with what an answer supplies', async () => {
    const { answers } = await configOf(
      withAnswer('name: line\n    resolve: customer\n    defaults: { first_nam: there, tier: standard, line: main }'),
    );
    const [answer] = answers;
    if (answer === undefined) throw new Error('there is an answer');
    expect(promptFit('Hello {{ first_name }}, you are {{tier}}.', answer)).to.deep.equal({
      answer: 'line',
      unfilled: [{ name: 'first_name', line: 1, suggestion: 'first_nam' }],
      unused: ['first_nam', 'line'],
    });
  });
});
