import { type Catalog, checkConfig, configurationSchema, documentFrom } from '@switchhook/core/internal';
import { defineDestination, type Template, text, z } from '@switchhook/sdk';
import { ERRORS } from '@switchhook/sdk/internal';
import { expect } from 'chai';
import { brief, catalog, checked, configOf, problemsOf, smallest } from './setup.js';

const whole = `version: 1
server:
  host: 127.0.0.1
  port: 9000
  publicUrl: https://hooks.example.com/
  bodyLimit: 64kb
  bodyTimeout: 3s
  grace: 1m
  trustProxy: true
  admin: { token: an-admin-token }
log: { level: warn }
store: { use: sqlite, path: ./events.db }
plugins: ["@acme/switchhook-hubspot", ./mine.ts]
sources:
  agents: { use: agents.events, secrets: { sales: a-sales-secret } }
  calls: { use: agents.call, token: a-call-token }
destinations:
  crm:
    use: http.post
    url: https://crm.example.com/\${{ event.subject }}
    timeout: 2s
    concurrency: 3
    retry: { attempts: 4, first: 1s, max: 1m }
  journal: { use: log }
resolvers:
  customer: { use: static, values: { tier: gold } }
  history: { use: static, values: {}, timeout: 500ms, after: customer }
transforms:
  redacted: { use: redact }
routes:
  - name: ended
    from: agents
    on: [conversation_ended, "conversation_*"]
    where: event.agent == "sales"
    to: [crm, journal]
    transform: redacted
  - to: journal
answers:
  - name: line
    from: calls
    where: call.to == "+123"
    within: 4s
    resolve: [customer, history]
    variables: { tier: "\${{ customer.tier }}", from: "\${{ call.from }}" }
    defaults: { tier: standard, count: 3, known: false }
    overrideAgent: \${{ known.customer.agent }}
  - from: [calls]
    resolve: customer
country: DE
`;

/** A configuration with these destinations, all of them used. */
function withDestinations(rows: string): string {
  const names = [...rows.matchAll(/^ {2}([\w-]+):/gm)].map(([, name]) => name);
  return `version: 1
sources: { agents: { use: agents.events, secrets: [a-long-secret] } }
routes: [{ to: [${names.join(', ')}] }]
destinations:
${rows}`;
}

describe('checking a configuration', () => {
  describe('that is right', () => {
    it('gives every part of it', async () => {
      const config = await configOf(whole);
      expect(config.server).to.deep.equal({
        host: '127.0.0.1',
        port: 9_000,
        name: null,
        publicUrl: 'https://hooks.example.com',
        bodyLimitBytes: 65_536,
        bodyTimeoutMs: 3_000,
        graceMs: 60_000,
        keepAliveMs: 660_000,
        publicMetrics: false,
        trustProxy: true,
        watchdog: true,
        dashboard: true,
        adminToken: 'an-admin-token',
      });
      expect([config.log, config.country]).to.deep.equal([{ level: 'warn' }, 'DE']);
      expect(config.plugins).to.deep.equal(['@acme/switchhook-hubspot', './mine.ts']);
      expect(config.store).to.deep.include({ name: 'store', options: { path: './events.db' } });
      expect(config.sources.map(({ name, component }) => [name, component.type])).to.deep.equal([
        ['agents', 'agents.events'],
        ['calls', 'agents.call'],
      ]);
      expect(config.destinations[0]?.queue).to.deep.include({
        timeoutMs: 2_000,
        concurrency: 3,
        retry: { attempts: 4, firstMs: 1_000, maxMs: 60_000 },
      });
      expect(config.resolvers.map(({ name, timeoutMs, after }) => [name, timeoutMs, after])).to.deep.equal([
        ['customer', null, []],
        ['history', 500, ['customer']],
      ]);
      expect(config.transforms.map(({ name }) => name)).to.deep.equal(['redacted']);
    });

    it('keeps routes and answers in their order, with names made where there are none', async () => {
      const { routes, answers } = await configOf(whole);
      expect(routes.map(({ name }) => name)).to.deep.equal(['ended', 'route-2']);
      expect(routes[0]).to.deep.include({
        from: ['agents'],
        on: ['conversation_ended', 'conversation_*'],
        to: ['crm', 'journal'],
        transforms: ['redacted'],
      });
      expect(routes[1]).to.deep.include({ from: ['agents', 'calls'], on: ['*'], where: null, transforms: [] });
      expect(answers.map(({ name, from, withinMs, resolve }) => [name, from, withinMs, resolve])).to.deep.equal([
        ['line', ['calls'], 4_000, ['customer', 'history']],
        ['answer-2', ['calls'], 3_000, ['customer']],
      ]);
      expect(answers[0]?.defaults).to.deep.equal({ tier: 'standard', count: '3', known: 'false' });
    });

    it('compiles expressions and templates', async () => {
      const { routes, answers, destinations } = await configOf(whole);
      expect(routes[0]?.where?.evaluate({ event: { agent: 'sales' } })).to.equal(true);
      expect(answers[0]?.where?.evaluate({ call: { to: '+1' } })).to.equal(false);
      expect(answers[0]?.variables.tier?.render({ customer: { tier: 'gold' } })).to.equal('gold');
      expect(answers[0]?.overrideAgent?.render({ known: { customer: { agent: 'vip' } } })).to.equal('vip');
      const url = destinations[0]?.options.url as Template | undefined;
      expect(url?.render({ event: { subject: 'c1' } })).to.equal('https://crm.example.com/c1');
    });

    it('has defaults for all that is left out', async () => {
      const config = await configOf(smallest);
      expect(config.server).to.deep.equal({
        host: '0.0.0.0',
        port: 8_080,
        name: null,
        publicUrl: null,
        bodyLimitBytes: 1_048_576,
        bodyTimeoutMs: 10_000,
        graceMs: 10_000,
        keepAliveMs: 660_000,
        publicMetrics: false,
        trustProxy: false,
        watchdog: true,
        dashboard: true,
        adminToken: null,
      });
      expect([config.log, config.country]).to.deep.equal([{ level: 'info' }, null]);
      expect(config.store.component.type).to.equal('sqlite');
      expect(config.store.options).to.deep.equal({ path: './data/switchhook.db' });
      expect(config.destinations[0]?.queue).to.deep.include({
        timeoutMs: 10_000,
        concurrency: 8,
        retry: { attempts: 12, firstMs: 5_000, maxMs: 3_600_000 },
      });
    });

    it('may leave the value of a section out', async () => {
      const config = await configOf(`${smallest}server:\nlog:\nstore:\nplugins:\nresolvers:\nanswers:\n`);
      expect([config.server.port, config.store.component.type, config.answers]).to.deep.equal([8_080, 'sqlite', []]);
    });

    it('knows all secrets', async () => {
      expect([...(await configOf(whole)).secrets]).to.have.members([
        'an-admin-token',
        'a-sales-secret',
        'a-call-token',
      ]);
    });

    it('takes what variables bring into texts of components for secret, whatever their names are', async () => {
      const yaml = `version: 1
server: { publicUrl: "\${PUBLIC}" }
log: { level: "\${LEVEL}" }
sources: { agents: { use: agents.events, secrets: ["\${NAME:-a-long-secret}"] } }
destinations:
  crm:
    use: http.post
    timeout: \${TIME}
    url: "https://\${HOST}/x/\${UNSET:-default}"
    method: \${METHOD}
    body: { region: "\${REGION}", list: ["\${ITEM}"] }
    wait: \${WAIT}
    limits: { size: "\${SIZE}", strict: "\${STRICT}" }
resolvers: { customer: { use: static, values: { tier: "is \${TIER}!" } } }
routes: [{ to: crm, where: 'event.agent == "\${AGENT}"' }]
answers: [{ from: calls, resolve: customer }]
`.replace('} }\ndest', '}, calls: { use: agents.call, token: a-call-token } }\ndest');
      const { secrets } = await configOf(yaml, {
        ...{ PUBLIC: 'https://hooks.example.com', LEVEL: 'debug', TIME: '1500ms', METHOD: 'PATCH', WAIT: '2500ms' },
        ...{ SIZE: '8080', STRICT: 'true', HOST: 'crm.example.com', REGION: 'north', ITEM: 'item-1', TIER: 'gold' },
        ...{ AGENT: 'sales' },
      });
      const hidden = ['crm.example.com', 'north', 'item-1', 'gold'];
      expect([...secrets]).to.have.members(['a-long-secret', 'a-call-token', ...hidden]);
    });

    it('cannot be changed', async () => {
      const config = await configOf(whole);
      for (const part of [
        config,
        config.server,
        config.routes,
        config.routes[0],
        config.destinations[0]?.queue.retry,
        config.answers[0]?.defaults,
      ])
        expect(part).to.satisfy(Object.isFrozen);
    });

    it('does not freeze what belongs to plugins', async () => {
      expect((await configOf(whole)).sources[0]?.component).to.not.satisfy(Object.isFrozen);
    });

    it('may keep anchors in keys that begin with x-', async () => {
      expect(await problemsOf(`x-anything: { a: 1 }\n${smallest}`)).to.deep.equal([]);
    });

    it('may have answers only', async () => {
      const yaml =
        'version: 1\nsources: { calls: { use: agents.call, token: a-call-token } }\nanswers: [{ from: calls }]\n';
      expect((await configOf(yaml)).routes).to.deep.equal([]);
    });
  });

  describe('at the top', () => {
    it('wants a version, sources, and something to do', async () => {
      expect(await problemsOf('log: {}\n')).to.deep.equal([
        '1:1 MISSING_KEY sources: at least one source is needed',
        '1:1 MISSING_KEY routes: without a route or an answer nothing happens',
        '1:1 MISSING_KEY version: missing key "version"',
      ]);
    });

    it('reads version 1', async () => {
      expect(await problemsOf(smallest.replace('version: 1', 'version: 2'))).to.deep.equal([
        '1:10 INVALID_VALUE version: expected 1, found 2',
      ]);
    });

    it('wants a country that has phones', async () => {
      const expected = 'expected the code of a country, two capital letters such as US, GB or DE';
      for (const country of ['UK', 'us', 'Germany'])
        expect(await problemsOf(`${smallest}country: ${country}\n`), country).to.deep.equal([
          `8:10 INVALID_VALUE country: ${expected}, found "${country}"`,
        ]);
    });

    it('finds misspelled keys', async () => {
      expect(await problemsOf(`${smallest}sever: {}\nanything: 1\nserver: { prot: 1 }\n`)).to.deep.equal([
        '8:1 UNKNOWN_KEY sever: unknown key "sever"; did you mean "server"?',
        '9:1 UNKNOWN_KEY anything: unknown key "anything"',
        '10:11 UNKNOWN_KEY server.prot: unknown key "prot"; did you mean "port"?',
      ]);
    });

    it('wants maps of maps and lists of rows', async () => {
      expect(await problemsOf('version: 1\nsources: [1]\ndestinations: x\nroutes: {}\nserver: 1\n')).to.deep.equal([
        '2:10 WRONG_TYPE sources: expected a map of names to rows',
        '3:15 WRONG_TYPE destinations: expected a map of names to rows',
        '4:9 WRONG_TYPE routes: expected a list',
        '5:9 WRONG_TYPE server: expected a map, found a number',
      ]);
    });

    const values: readonly (readonly [string, string])[] = [
      ['server: { port: 70000 }', '8:17 INVALID_VALUE server.port: expected at most 65535, found 70000'],
      ['server: { port: 1.5 }', '8:17 WRONG_TYPE server.port: expected a whole number, found a number'],
      ['server: { port: http }', '8:17 WRONG_TYPE server.port: expected a number, found a text'],
      ['server: { publicUrl: hooks }', '8:22 INVALID_VALUE server.publicUrl: invalid URL, found "hooks"'],
      [
        'server: { bodyLimit: 1 mb }',
        '8:22 INVALID_VALUE server.bodyLimit: expected a size such as 64kb or 1mb, found "1 mb"',
      ],
      ['server: { grace: 2d }', '8:18 INVALID_VALUE server.grace: must be more than 0 and at most 1d'],
      ['server: { trustProxy: yes }', '8:23 WRONG_TYPE server.trustProxy: expected true or false, found a text'],
      [
        'server: { admin: { tokn: x } }',
        '8:20 UNKNOWN_KEY server.admin.tokn: unknown key "tokn"; did you mean "token"?',
      ],
      [
        'log: { level: infoo }',
        '8:15 INVALID_VALUE log.level: expected debug, info, warn, error or silent, perhaps "info", found "infoo"',
      ],
      ['plugins: ./mine.ts', '8:10 WRONG_TYPE plugins: expected a list, found a text'],
      ['plugins: [1]', '8:11 WRONG_TYPE plugins[0]: expected a text or a map, found a number'],
      ['plugins: [./a.ts, "@acme/broken"]', '8:19 PLUGIN_BROKEN plugins[1]: @acme/broken cannot be loaded'],
      ...['localhost:8080', '0.0.0.0:8080', ':8080', '[::1]:8080', '[::1]', 'http://localhost'].map(
        (host) =>
          [
            `server: { host: "${host}" }`,
            `8:17 INVALID_VALUE server.host: expected a name or an IP address alone, found "${host}"`,
          ] as const,
      ),
      ['store: { use: sqlit }', '8:15 UNKNOWN_COMPONENT store.use: there is no store sqlit'],
      ['store: { path: x }', '8:1 MISSING_KEY store.use: missing key "use"'],
    ];
    for (const [line, problem] of values)
      it(`says of ${line}: ${problem.split(' ')[1]}`, async () => {
        expect(await problemsOf(`${smallest}${line}\n`)).to.deep.equal([problem]);
      });
  });

  describe('of rows', () => {
    it('says which package to install', async () => {
      const result = await checked(withDestinations('  team: { use: slack.message, webhookUrl: x, retyr: 1 }\n'));
      const [problem, ...others] = result.kind === 'problems' ? result.problems : [];
      expect(others).to.deep.equal([]);
      expect(problem).to.deep.include({
        code: 'PLUGIN_NOT_INSTALLED',
        path: 'destinations.team.use',
        line: 5,
        column: 16,
        hint: 'npm install @switchhook/plugin-slack',
      });
    });

    it('says no more about a row whose component is not known', async () => {
      expect(await problemsOf(withDestinations('  a: { use: http.pots, retyr: 1, timeout: x }\n'))).to.deep.equal([
        '5:13 UNKNOWN_COMPONENT destinations.a.use: there is no destination http.pots',
      ]);
    });

    it('wants `use` in a map', async () => {
      expect(await problemsOf(withDestinations('  a: {}\n  b: log\n  c: { use: 1 }\n  d:\n'))).to.deep.equal([
        '5:3 MISSING_KEY destinations.a.use: missing key "use"',
        '6:6 WRONG_TYPE destinations.b: expected a map, found a text',
        '7:13 WRONG_TYPE destinations.c.use: expected a text, found a number',
        '8:3 WRONG_TYPE destinations.d: expected a map, found nothing',
      ]);
    });

    it('finds misspelled keys among those of the component and those of every row', async () => {
      const yaml = withDestinations(
        '  a:\n    use: http.post\n    url: https://x\n    methd: PUT\n    timout: 3s\n    x: 1\n',
      );
      const result = await checked(yaml);
      expect(await problemsOf(yaml)).to.deep.equal([
        '8:5 UNKNOWN_KEY destinations.a.methd: unknown key "methd"; did you mean "method"?',
        '9:5 UNKNOWN_KEY destinations.a.timout: unknown key "timout"; did you mean "timeout"?',
        '10:5 UNKNOWN_KEY destinations.a.x: unknown key "x"',
      ]);
      expect(result).to.have.nested.property(
        'problems[2].hint',
        'Keys here: url, method, body, sign, wait, limits, use, timeout, concurrency, retry, rateLimit, breaker, ordered, batch.',
      );
    });

    it('refuses a batch where the destination takes none, beside everything else that is wrong', async () => {
      const yaml = withDestinations('  a: { use: http.post, url: https://x, batch: { max: 5 }, timout: 3s }\n');
      expect(await problemsOf(yaml)).to.deep.equal([
        '5:40 INVALID_VALUE destinations.a.batch: http.post takes no batches',
        '5:59 UNKNOWN_KEY destinations.a.timout: unknown key "timout"; did you mean "timeout"?',
      ]);
    });

    it('does not miss a key that is only misspelled', async () => {
      expect(await problemsOf(withDestinations('  a: { use: http.post, ulr: https://x }\n'))).to.deep.equal([
        '5:24 UNKNOWN_KEY destinations.a.ulr: unknown key "ulr"; did you mean "url"?',
      ]);
    });

    it('says what a key is for whose value is wrong, or that of the map or list around it', async () => {
      const hintOf = async (yaml: string) => {
        const result = await checked(yaml);
        return result.kind === 'problems' ? result.problems[0]?.hint : undefined;
      };
      expect(await hintOf(withDestinations('  a: { use: log, concurrency: 0 }\n'))).to.equal(
        'Most attempts at the same time.',
      );
      expect(await hintOf(withDestinations('  a: { use: log, concurrency: { a: 1 } }\n'))).to.equal(
        'Most attempts at the same time.',
      );
      expect(await hintOf(smallest.replace('[a-long-secret]', '{ sales: }'))).to.equal('A secret.');
      expect(await hintOf(whole.replace('{ tier: gold }', '{ tier: [] }'))).to.equal('Values.');
      expect(await hintOf(withDestinations('  a: log\n'))).to.equal(ERRORS.WRONG_TYPE.hint);
    });

    it('says what a missing key is for', async () => {
      const result = await checked(withDestinations('  a: { use: http.post }\n'));
      expect(result).to.have.nested.property('problems[0].message', 'missing key "url"');
      expect(result).to.have.nested.property('problems[0].hint', 'Where to.');
    });

    it('checks both halves of a row', async () => {
      const row =
        '  a: { use: http.post, url: 1, method: GET, wait: 3, limits: { size: 0, strict: 1, x: 1 }, concurrency: 0, retry: { first: 2h, max: 1h } }\n';
      expect((await problemsOf(withDestinations(row))).map((each) => each.replace(/^\d+:\d+ /, ''))).to.have.members([
        'WRONG_TYPE destinations.a.url: expected a text, found a number',
        'INVALID_VALUE destinations.a.method: expected POST, PUT or PATCH, found "GET"',
        'WRONG_TYPE destinations.a.wait: expected a text, found a number',
        'INVALID_VALUE destinations.a.limits.size: expected more than 0, found 0',
        'WRONG_TYPE destinations.a.limits.strict: expected true or false, found a number',
        'UNKNOWN_KEY destinations.a.limits.x: unknown key "x"',
        'INVALID_VALUE destinations.a.concurrency: expected at least 1, found 0',
        'INVALID_VALUE destinations.a.retry.first: must not be longer than max',
      ]);
    });

    it('takes the choice apart that was meant', async () => {
      const secrets = (value: string) => problemsOf(smallest.replace('[a-long-secret]', value));
      expect(await secrets('3')).to.deep.equal([
        '3:42 WRONG_TYPE sources.agents.secrets: expected a list or a map, found a number',
      ]);
      expect(await secrets('["secret-1", 3, "abc"]')).to.deep.equal([
        '3:55 WRONG_TYPE sources.agents.secrets[1]: expected a text, found a number',
        '3:58 INVALID_VALUE sources.agents.secrets[2]: expected at least 4 characters',
      ]);
      expect(await secrets('{ sales: 3 }')).to.deep.equal([
        '3:51 WRONG_TYPE sources.agents.secrets.sales: expected a text, found a number',
      ]);
    });

    it('wants names that can stand in a URL', async () => {
      const rows =
        '  "a b": { use: log }\n  1a: { use: log }\n  "": { use: log }\n  __proto__: { use: log }\n  a_b-C1: { use: log }\n';
      const yaml = withDestinations(rows).replace(/to: \[.*?\]/, 'to: ["a b", 1a, "", __proto__, a_b-C1]');
      expect(
        (await problemsOf(yaml)).filter((each) => !each.startsWith('3:')).map((each) => each.slice(0, 17)),
      ).to.deep.equal(['5:3 INVALID_VALUE', '6:3 INVALID_VALUE', '7:3 INVALID_VALUE', '8:3 INVALID_VALUE']);
    });

    it('wants no key __proto__, which objects lose, wherever it stands', async () => {
      const yaml = `version: 1
__proto__: 1
sources:
  agents: { use: agents.events, secrets: { __proto__: a-long-secret } }
destinations:
  out: { use: http.post, url: x, body: { a: [{ "__proto__": 1 }] } }
  __proto__: { use: log }
x-rows: &rows { __proto__: 1 }
routes:
  - { to: out, <<: *rows }
`;
      const result = await checked(yaml);
      const problems = result.kind === 'config' ? [] : result.problems;
      expect(problems.map(brief)).to.deep.equal(
        [
          '2:1 INVALID_VALUE __proto__',
          '4:44 INVALID_VALUE sources.agents.secrets.__proto__',
          '6:48 INVALID_VALUE destinations.out.body.a[0].__proto__',
          '7:3 INVALID_VALUE destinations.__proto__',
          '8:17 INVALID_VALUE x-rows.__proto__',
        ].map((each) => `${each}: "__proto__" cannot be a key`),
      );
      expect(JSON.stringify(problems)).not.to.include('a-long-secret');
    });

    it('wants names of resolvers that can stand in expressions', async () => {
      const yaml = `${whole}`
        .replaceAll('customer', 'first-customer')
        .replaceAll('{{ first-customer.tier', '{{ call.to')
        .replace('known.first-customer', 'known.history');
      expect(await problemsOf(yaml)).to.deep.equal([
        '26:3 INVALID_VALUE resolvers.first-customer: a resolver\'s name stands in expressions; write "first_customer"',
      ]);
      for (const name of ['call', 'known', 'int'])
        expect((await problemsOf(`${smallest}resolvers: { ${name}: { use: static, values: {} } }\n`))[0]).to.equal(
          `8:14 INVALID_VALUE resolvers.${name}: a resolver's name stands in expressions, and this one means something there already`,
        );
    });

    it('blames the plugin where its schema throws, and masks its words', async () => {
      const broken = defineDestination({
        type: 'log',
        description: 'Broken.',
        options: z.strictObject({
          a: z.string().transform((value) => {
            throw new Error(`cannot read ${value}`);
          }),
        }),
        create: () => ({ deliver: async () => ({ kind: 'delivered' }) }),
      });
      const plugin: Catalog = {
        ...catalog,
        find: async (kind, use) => (kind === 'destination' ? { component: broken } : catalog.find(kind, use)),
      };
      const yaml = smallest.replace('{ use: log }', '{ use: log, a: a-long-secret }');
      const result = await checkConfig(documentFrom(yaml, '/nowhere/x.yaml', {}), plugin);
      expect(result.kind === 'problems' && result.problems.map(({ code, message }) => [code, message])).to.deep.equal([
        ['PLUGIN_BROKEN', 'these options cannot be checked: cannot read ***'],
      ]);
    });

    it('does not take a component of another kind', async () => {
      const plugin: Catalog = { ...catalog, find: () => catalog.find('transform', 'redact') };
      const result = await checkConfig(documentFrom(smallest, '/nowhere/x.yaml', {}), plugin);
      expect(result).to.have.nested.property(
        'problems[1].message',
        'agents.events is a transform, a source belongs here',
      );
    });

    it('gives the rows of a destination the limits of its component, unless they have others', async () => {
      const limits = { rateLimit: '10/s', concurrency: 3, timeout: '30s' };
      const own = defineDestination({
        type: 'log',
        description: 'Own.',
        limits,
        options: z.strictObject({}),
        create: () => ({ deliver: async () => ({ kind: 'delivered' }) }),
      });
      const limited: Catalog = {
        ...catalog,
        find: async (kind, use) => (kind === 'destination' ? { component: own } : catalog.find(kind, use)),
      };
      const queueOf = async (row: string) => {
        const yaml = smallest.replace('{ use: log }', row);
        const result = await checkConfig(documentFrom(yaml, '/nowhere/x.yaml', {}), limited);
        return result.kind === 'config' ? result.config.destinations[0]?.queue : result.problems;
      };
      expect(await queueOf('{ use: log }')).to.deep.include({
        rateLimit: { count: 10, perMs: 1_000 },
        concurrency: 3,
        timeoutMs: 30_000,
      });
      expect(await queueOf('{ use: log, rateLimit: 5/m, concurrency: 8, timeout: 1s }')).to.deep.include({
        rateLimit: { count: 5, perMs: 60_000 },
        concurrency: 8,
        timeoutMs: 1_000,
      });
      expect(JSON.stringify(configurationSchema([own])))
        .to.include('"default":3')
        .and.to.include('"default":"10/s"');
    });

    it('lets options use their own variables', async () => {
      const own = defineDestination({
        type: 'log',
        description: 'Own.',
        options: z.strictObject({ a: text('Own.', ['reply']) }),
        create: () => ({ deliver: async () => ({ kind: 'delivered' }) }),
      });
      const plugin: Catalog = {
        ...catalog,
        find: async (kind, use) => (kind === 'destination' ? { component: own } : catalog.find(kind, use)),
      };
      const yaml = smallest.replace('{ use: log }', '{ use: log, a: "${{ reply.x }} ${{ event.x }}" }');
      const result = await checkConfig(documentFrom(yaml, '/nowhere/x.yaml', {}), plugin);
      expect(result).to.have.nested.property('problems[0].message', 'there is no variable "event" here, only reply');
    });
  });

  describe('of references', () => {
    it('finds names that lead nowhere', async () => {
      const yaml = whole
        .replace('from: agents', 'from: agnts')
        .replace('to: [crm, journal]', 'to: [crn, journal, nobody]')
        .replace('transform: redacted', 'transform: redact')
        .replace('from: calls', 'from: call')
        .replace('resolve: [customer, history]', 'resolve: [customr, history]')
        .replace('after: customer', 'after: custmer')
        .replace('{{ customer.tier', '{{ customr.tier');
      expect(await problemsOf(yaml)).to.deep.equal([
        '27:62 UNKNOWN_REFERENCE resolvers.history.after: there is no resolver "custmer"; did you mean "customer"?',
        '32:11 UNKNOWN_REFERENCE routes[0].from: there is no source "agnts"; did you mean "agents"?',
        '35:10 UNKNOWN_REFERENCE routes[0].to[0]: there is no destination "crn"; did you mean "crm"?',
        '35:24 UNKNOWN_REFERENCE routes[0].to[2]: there is no destination "nobody"',
        '36:16 UNKNOWN_REFERENCE routes[0].transform: there is no transform "redact"; did you mean "redacted"?',
        '40:11 UNKNOWN_REFERENCE answers[0].from: there is no source "call"; did you mean "calls"?',
        '43:15 UNKNOWN_REFERENCE answers[0].resolve[0]: there is no resolver "customr"; did you mean "customer"?',
      ]);
    });

    it('finds names of the wrong kind', async () => {
      const yaml = whole
        .replace('to: [crm, journal]', 'to: [crm, agents]')
        .replace('transform: redacted', 'transform: [redacted, customer]')
        .replace('resolve: [customer, history]', 'resolve: [customer, history, crm]');
      expect(await problemsOf(yaml)).to.deep.equal([
        '35:15 WRONG_KIND routes[0].to[1]: "agents" is a source, a destination belongs here',
        '36:27 WRONG_KIND routes[0].transform[1]: "customer" is a resolver, a transform belongs here',
        '43:34 WRONG_KIND answers[0].resolve[2]: "crm" is a destination, a resolver belongs here',
      ]);
    });

    it('finds types that are misspelled, or that the source spells otherwise', async () => {
      const problems = (on: string) =>
        problemsOf(whole.replace('on: [conversation_ended, "conversation_*"]', `on: ${on}`));
      expect(await problems('[conversation_analyzed, "conversation_*", conversation_end]')).to.deep.equal([
        '33:10 NEVER_MATCHES routes[0].on[0]: "conversation_analyzed" is no known type of "agents"; did you mean "conversation_analysed"?',
        '33:51 NEVER_MATCHES routes[0].on[2]: "conversation_end" is no known type of "agents"; did you mean "conversation_ended"?',
      ]);
      for (const [written, meant] of [
        ['ConversationEnded', 'conversation_ended'],
        ['conversation-started', 'conversation_started'],
        ['conversation_analysis', 'conversation_analysed'],
        ['pings', 'ping'],
      ] as const)
        expect(await problems(written)).to.deep.equal([
          `33:9 NEVER_MATCHES routes[0].on: "${written}" is no known type of "agents"; did you mean "${meant}"?`,
        ]);
      const result = await checked(whole.replace('on: [', 'on: [pings, '));
      expect(result).to.have.nested.property(
        'problems[0].hint',
        'Known types: conversation_started, conversation_ended, conversation_analysed, ping. If the sender does send the written one, select it with `where: event.type == "…"`.',
      );
    });

    it('takes types that are not known, patterns, and any type where a source has not named its own', async () => {
      for (const on of ['conversation_created', 'conversation', 'pong_received', 'pi', '"conversation_analyz*"', '"*"'])
        expect(await problemsOf(whole.replace('on: [conversation_ended,', `on: [${on},`)), on).to.deep.equal([]);
      for (const from of ['', 'from: [agents, calls]'])
        expect(
          await problemsOf(whole.replace('from: agents', from).replace('conversation_ended', 'pings')),
        ).to.deep.equal([]);
    });

    it('wants sources of calls for answers', async () => {
      expect(await problemsOf(whole.replace('from: [calls]', 'from: [agents, calls]'))).to.deep.equal([
        '47:12 WRONG_KIND answers[1].from[0]: "agents" is a source of events, an answer needs one of calls',
      ]);
    });

    it('finds what nothing uses', async () => {
      const yaml = whole
        .replace('to: [crm, journal]', 'to: [journal]')
        .replace('resolve: [customer, history]', 'resolve: [customer]')
        .replace('    transform: redacted\n', '');
      expect(await problemsOf(yaml)).to.deep.equal([
        '18:3 UNUSED destinations.crm: no route names this destination',
        '27:3 UNUSED resolvers.history: no answer names this resolver',
        '29:3 UNUSED transforms.redacted: no route names this transform',
      ]);
    });

    it('does not call unused what a broken reference may have meant', async () => {
      const cases: readonly (readonly [string, string, string])[] = [
        ['to: [crm, journal]', 'too: [crm, journal]', 'UNKNOWN_KEY'],
        ['to: [crm, journal]', 'to: [crn, journal]', 'UNKNOWN_REFERENCE'],
        ['to: [crm, journal]', 'to: [1, journal]', 'WRONG_TYPE'],
        ['to: [crm, journal]', 'to: ["${NOBODY}", journal]', 'ENV_MISSING'],
      ];
      for (const [right, wrong, code] of cases)
        expect(
          (await problemsOf(whole.replace(right, wrong))).map((each) => each.split(' ')[1]),
          wrong,
        ).to.deep.equal([code]);
    });

    it('takes each destination once', async () => {
      expect(await problemsOf(whole.replace('to: [crm, journal]', 'to: [crm, journal, crm]'))).to.deep.equal([
        '35:24 DUPLICATE_NAME routes[0].to[2]: "crm" is named twice',
      ]);
    });

    it('takes each name of a route or answer once', async () => {
      const yaml = whole
        .replace('  - to: journal', '  - { name: ended, to: journal }')
        .replace('- name: line', '- name: answer-2');
      expect(await problemsOf(yaml)).to.deep.equal([
        '37:13 DUPLICATE_NAME routes[1].name: "ended" is the name of another row, too',
        '47:5 DUPLICATE_NAME answers[1].name: "answer-2" is the name of another row, too',
      ]);
    });

    it('lets no resolver wait for itself', async () => {
      const yaml = whole
        .replace('values: { tier: gold } }', 'values: { tier: gold }, after: history }')
        .replace('after: customer }', 'after: [customer] }');
      expect(await problemsOf(yaml)).to.deep.equal([
        '26:59 INVALID_VALUE resolvers.customer.after: "customer" would wait for itself',
        '27:62 INVALID_VALUE resolvers.history.after: "history" would wait for itself',
      ]);
    });

    it('wants at least one name', async () => {
      expect(await problemsOf(whole.replace('to: [crm, journal]', 'to: []'))).to.include(
        '35:9 INVALID_VALUE routes[0].to: expected at least 1 entries',
      );
    });
  });

  it('wants conditions that are true or false, over what is there', async () => {
    const yaml = whole
      .replace('event.agent == "sales"', 'event.type')
      .replace('call.to == "+123"', 'event.type == "x"');
    expect(await problemsOf(yaml)).to.deep.equal([
      '34:12 EXPRESSION_TYPE routes[0].where: a condition must be true or false, this is string',
      '41:12 EXPRESSION_UNKNOWN_NAME answers[0].where: there is no variable "event" here, only call, now',
    ]);
  });

  it('lets variables of an answer use the resolvers it asks, and no others', async () => {
    expect(
      await problemsOf(
        whole.replace('resolve: customer\n', 'resolve: customer\n    variables: { a: "${{ history.x }}" }\n'),
      ),
    ).to.deep.equal([
      '49:26 EXPRESSION_UNKNOWN_NAME answers[1].variables.a: there is no variable "history" here: add it to `resolve`',
    ]);
    expect(await problemsOf(whole.replace('call.to == "+123"', 'customer.tier == "gold"'))).to.deep.equal([
      '41:12 EXPRESSION_UNKNOWN_NAME answers[0].where: there is no variable "customer" here, only call, now',
    ]);
  });

  it('takes a misspelled resolver for the one that was meant, and suggests none that does not exist', async () => {
    const misspelled = (name: string) => whole.replace('resolve: [customer, history]', `resolve: [${name}, history]`);
    const first = '43:15 UNKNOWN_REFERENCE answers[0].resolve[0]: there is no resolver';
    expect(await problemsOf(misspelled('custmer'))).to.deep.equal([`${first} "custmer"; did you mean "customer"?`]);
    const others = misspelled('client').replace(', after: customer', '');
    expect(await problemsOf(others.replace('{{ customer.tier', '{{ clients.tier'))).to.deep.equal([
      `${first} "client"`,
      '44:29 EXPRESSION_UNKNOWN_NAME answers[0].variables.tier: there is no variable "clients" here, only call, now, known, history',
    ]);
    expect(await problemsOf(others.replace('{{ customer.tier', '{{ client.tier'))).to.deep.equal([`${first} "client"`]);
  });

  it('reports ten different mistakes of one file, each at its line', async () => {
    const yaml = `version: 1
server: { prot: 8080 }
log: { level: loud }
sources:
  agents: { use: agents.events, secrets: ["\${SIGMAMIND_SECRET}"] }
destinations:
  crm:
    use: http.post
    methd: POST
    wait: five seconds
    concurrency: many
    url: https://crm.example.com/\${{ event.sbject }}
  slack: { use: slack.message }
  forgotten: { use: log }
routes:
  - where: event.agent = "sales"
    to: [cmr, slack]
    to: [crm, slack]
  - to: [crm, slakc]
`;
    expect((await problemsOf(yaml)).map((each) => each.split(' ').slice(0, 2).join(' '))).to.deep.equal([
      '2:11 UNKNOWN_KEY',
      '3:15 INVALID_VALUE',
      '5:44 ENV_MISSING',
      '9:5 UNKNOWN_KEY',
      '10:11 INVALID_VALUE',
      '11:18 WRONG_TYPE',
      '12:44 EXPRESSION_UNKNOWN_NAME',
      '13:17 PLUGIN_NOT_INSTALLED',
      '14:3 UNUSED',
      '16:24 EXPRESSION_SYNTAX',
      '18:5 YAML_DUPLICATE_KEY',
      '19:15 UNKNOWN_REFERENCE',
    ]);
  });

  it('warns of settings that a component assumes, until they are written, where they belong', async () => {
    const warnings = async (signature: string) =>
      (
        await configOf(
          smallest.replace(
            'agents.events, secrets: [a-long-secret]',
            `lines.guessed, secret: a-long-secret${signature}`,
          ),
        )
      ).warnings;
    const [assumed, ...others] = await warnings('');
    expect([assumed && brief(assumed), assumed?.hint, others]).to.deep.equal([
      '3:3 SETTING_ASSUMED sources.agents.signature.header: the header is assumed to be x-sig',
      'Compare it.',
      [],
    ]);
    expect((await warnings(', signature: {}')).map(brief)).to.deep.equal([
      '3:56 SETTING_ASSUMED sources.agents.signature.header: the header is assumed to be x-sig',
    ]);
    expect(await warnings(', signature: { header: x-sig }')).to.deep.equal([]);
    expect((await warnings(', signature: { header: broken }')).map(({ message }) => message)).to.deep.equal([
      'what lines.guessed assumes cannot be read: a fault of the plugin',
    ]);
  });

  it('warns of an address that other machines reach, where they cannot use the API', async () => {
    const warnings = async (server: string) =>
      (await configOf(smallest.replace('sources:', `server: ${server}\nsources:`))).warnings.map(brief);
    const [found = ''] = await warnings('{ host: 0.0.0.0 }');
    expect(found).to.match(
      /^2:17 API_TOKEN_NEEDED server\.host: the router listens at 0\.0\.0\.0, .* no server\.admin\.token/,
    );
    expect(await warnings('{ host: 0.0.0.0, admin: { token: a-long-enough-token-of-it } }')).to.deep.equal([]);
    for (const host of ['127.0.0.1', 'localhost', '"::1"'])
      expect(await warnings(`{ host: ${host} }`)).to.deep.equal([]);
    expect(await warnings('{}')).to.deep.equal([]);
  });
});
