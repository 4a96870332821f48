import { readdirSync, readFileSync } from 'node:fs';
import { ComponentFailure, Router } from '@switchhook/core';
import { checkConfig, documentFrom, openCatalog } from '@switchhook/core/internal';
import { ERRORS } from '@switchhook/sdk/internal';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { fuzzing } from '../support/fuzzing.js';
import { memoryBytes } from '../support/memory.js';
import { randomTexts, randomTrees } from '../support/random-configurations.js';
import { randomBytes, randomRequests } from '../support/random-requests.js';
import { exchanged, statusesIn } from '../support/raw-http.js';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { repository, type Workplace, workplace } from '../support/workplace.js';

const token = 'token-of-the-tests';
const yaml = `
version: 1
server: { host: 127.0.0.1, port: 0, bodyLimit: 64kb }
store: { use: memory }
sources:
  agents: { use: sigmamind.events, secrets: [${secret}] }
  stamped:
    use: sigmamind.events
    secrets: { agent_sales: [${secret}], agent_support: another-secret }
    signature: { timestampHeader: X-Timestamp, tolerance: 5m }
  calls: { use: sigmamind.call, token: ${token} }
destinations:
  console: { use: log }
  shaped:
    use: http.post
    url: http://127.0.0.1:9/\${{ event.subject }}
    allowPrivate: true
    headers: { X-Type: "\${{ event.type }}" }
    body: { duration: "\${{ event.data.duration }}" }
    retry: { attempts: 1 }
resolvers:
  greeting: { use: static, values: { first_name: there } }
routes:
  - { to: console }
  - { where: event.data.duration > 30 && event.agent.startsWith("agent"), to: shaped }
answers:
  - name: sales
    from: calls
    where: call.to.startsWith("+") && call.data.from_number != ""
    resolve: [greeting]
    variables: { first_name: "\${{ greeting.first_name }}", from: "\${{ call.from }}", what: "\${{ call.data.what }}" }
    defaults: { what: nothing }
`;
const json = { 'content-type': 'application/json' };

/** What a sender may be told, whatever it sends. */
const allowed = [200, 400, 401, 403, 404, 405, 408, 413, 414, 415, 417, 426, 429, 431, 503];

describe('random requests', function () {
  this.timeout(600_000);
  let place: Workplace;
  let url: string;
  let port: number;
  let lines: string[];

  beforeEach(async () => {
    place = await workplace();
    ({ url, lines } = await place.router(yaml));
    port = Number(new URL(url).port);
  });
  afterEach(() => place.close());

  const stillServes = async (): Promise<void> => {
    expect((await fetch(`${url}/readyz`)).status).to.equal(200);
    expect((await postSigned(`${url}/hooks/agents`, endedBody())).status).to.equal(200);
    const body = JSON.stringify({ event: 'inbound_call', from_number: '+12345678912', to_number: '+12345678913' });
    const ring = await fetch(`${url}/hooks/calls/${token}`, { method: 'POST', headers: json, body });
    expect(await ring.json()).to.have.nested.property('dynamic_variables.first_name', 'there');
    expect(lines.filter((line) => /"event":"(http|source|call)\.failed"/.test(line))).to.deep.equal([]);
    for (const line of lines) expect(line.length, 'what was sent is not logged').to.be.lessThan(4_000);
  };

  it('are answered, also where their signature is good, and the router goes on', async () => {
    const property = fc.asyncProperty(randomRequests(token), async ({ path, headers, body }) => {
      // A body that is too large is cut off, and some clients find no answer then.
      const reply = await fetch(`${url}${path}`, { method: 'POST', body, headers }).catch(() => null);
      expect(reply?.status ?? 413).to.be.oneOf(allowed);
      await reply?.arrayBuffer().catch(() => null);
    });
    await fc.assert(property, fuzzing(500));
    await stillServes();
  });

  it('may be no HTTP at all: each connection comes to its end, and the router goes on', async () => {
    const property = fc.asyncProperty(randomBytes, async (bytes) => {
      const received = await exchanged(port, bytes);
      for (const status of statusesIn(received)) expect(status).to.be.oneOf([100, 204, 304, ...allowed]);
    });
    await fc.assert(property, fuzzing(400));
    await stillServes();
  });

  it('may flood it with headers', async () => {
    const request = 'POST /hooks/agents HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n';
    for (const flood of [
      'X: y\r\n'.repeat(10_000),
      `X: ${'y'.repeat(100_000)}\r\n`,
      `${'X'.repeat(100_000)}: y\r\n`,
      Array.from({ length: 3_000 }, (_, n) => `X${n}: ${n}\r\n`).join(''),
    ]) {
      const statuses = statusesIn(await exchanged(port, Buffer.from(`${request}${flood}\r\n{}`)));
      // Cut off while it was still sending, a sender may find no answer.
      expect(statuses).to.be.deep.oneOf([[431], []]);
    }
    await stillServes();
  });

  it('leave no memory behind, however much they carry', async () => {
    const sizes = [63 * 1_024, 200 * 1_024];
    const post = async (n: number): Promise<unknown> => {
      const body = Buffer.alloc(sizes[n % sizes.length] ?? 0, 'x');
      const reply = await fetch(`${url}/hooks/agents`, { method: 'POST', body, headers: json }).catch(() => null);
      return reply?.arrayBuffer().catch(() => null);
    };
    const attack = async (): Promise<void> => {
      for (let round = 0; round < 40; round += 1) await Promise.all(Array.from({ length: 16 }, (_, n) => post(n)));
    };
    await attack();
    const before = await memoryBytes();
    await attack();
    // Another 80 MB have been sent.
    expect((await memoryBytes()) - before).to.be.lessThan(10 * 1_048_576);
    await stillServes();
  });
});

describe('random configurations', function () {
  this.timeout(600_000);
  const directory = `${repository}config/examples/`;
  const examples = readdirSync(directory)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => readFileSync(`${directory}${name}`, 'utf8'));

  /** Either a configuration, or problems that an operator can act on. */
  const isJudged = async (text: string): Promise<void> => {
    const document = documentFrom(text, `${directory}fuzz.yaml`, {});
    const checked = await checkConfig(document, openCatalog(directory));
    if (checked.kind === 'config') {
      isShown(checked.config, text);
      return isMade({ ...checked.config, log: { level: 'silent' } });
    }
    expect(checked.problems).not.to.deep.equal([]);
    for (const { code, line, column, message, hint } of checked.problems) {
      expect(code in ERRORS).to.equal(true);
      expect([line, column].every((number) => Number.isInteger(number) && number >= 0)).to.equal(true);
      expect(message).not.to.equal('');
      expect(hint).not.to.equal('');
      expect(`${message}${hint}`).not.to.match(/\[object Object\]|\bundefined\b|\.js:\d/);
    }
  };

  /** Line by line. */
  const isShown = ({ shown }: ConstructorParameters<typeof Router>[0], text: string): void => {
    expect(shown().text.split('\n')).to.have.length(text.split('\n').length);
  };

  const isMade = (config: ConstructorParameters<typeof Router>[0]): void => {
    try {
      new Router(config);
    } catch (error) {
      expect(error).to.be.instanceOf(ComponentFailure);
    }
  };

  it('made from the examples by changing characters are judged, never fallen over', async () => {
    await fc.assert(fc.asyncProperty(randomTexts(examples), isJudged), fuzzing(250));
  });

  it('made from the examples by changing values, keys and rows are judged, never fallen over', async () => {
    await fc.assert(fc.asyncProperty(randomTrees(examples), isJudged), fuzzing(250));
  });
});
