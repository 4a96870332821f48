import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { doctorCommand } from '@switchhook/cli/internal';
import { checkConfig, documentFrom, openCatalog } from '@switchhook/core/internal';
import basic from '@switchhook/plugin-basic';
import bearer from '@switchhook/plugin-bearer';
import elevenlabs from '@switchhook/plugin-elevenlabs';
import hmac from '@switchhook/plugin-hmac';
import livekit from '@switchhook/plugin-livekit';
import retell from '@switchhook/plugin-retell';
import sigmamind from '@switchhook/plugin-sigmamind';
import standardWebhooks from '@switchhook/plugin-standard-webhooks';
import synthflow from '@switchhook/plugin-synthflow';
import twilio from '@switchhook/plugin-twilio';
import ultravox from '@switchhook/plugin-ultravox';
import vapi from '@switchhook/plugin-vapi';
import type { JsonObject, Plugin } from '@switchhook/sdk';
import { aRequest, createComponent, fakeServices, refusalOf, signedRequest } from '@switchhook/testkit';
import { expect } from 'chai';

const secret = 'secret-of-the-tests';

describe('switchhook doctor signature', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'switchhook-doctor-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  /** The file of a request. */
  const captured = async (head: string, headers: Readonly<Record<string, string>>, body: string | Uint8Array) => {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const file = join(directory, 'request.http');
    await writeFile(file, Buffer.concat([Buffer.from(`${head}\r\n${lines.join('')}\r\n`), Buffer.from(body)]));
    return file;
  };
  const run = async (file: string, args: readonly string[] = ['--secret', secret]) => {
    const lines: string[] = [];
    const add = (text: string | readonly string[] = '') => void lines.push(...[text].flat());
    const output = { terminal: false, line: add, note: add, progress: () => {}, clear: () => {} };
    const command = doctorCommand(output);
    const given = ['signature', '--capture', file, '--config', join(directory, 'switchhook.yaml'), ...args];
    const failure = await command.parseAsync(given, { from: 'user' }).then(
      () => null,
      (error) => ({ code: error.code ?? error.exitCode, message: String(error.message) }),
    );
    return { failure, text: lines.join('\n') };
  };
  const examined = async (file: string, args: readonly string[] = ['--secret', secret]) => {
    const { text } = await run(file, [...args, '--json']);
    return JSON.parse(text) as {
      matches: { use: string; row: JsonObject; signedAt: string | null; body: string | null }[];
      reasons: { use: string; reason: string }[];
      notes: string[];
    };
  };

  const senders: readonly (readonly [Plugin, string, JsonObject])[] = [
    [basic, 'basic', { users: { ada: secret } }],
    [bearer, 'bearer', { tokens: secret }],
    [bearer, 'bearer', { tokens: secret, header: 'X-Api-Key' }],
    [elevenlabs, 'elevenlabs.events', { secrets: secret }],
    [hmac, 'hmac', { preset: 'github', secrets: secret }],
    [hmac, 'hmac', { preset: 'stripe', secrets: secret }],
    [hmac, 'hmac', { preset: 'slack', secrets: secret }],
    [livekit, 'livekit.events', { keys: { APIkey: secret } }],
    [retell, 'retell.events', { secrets: secret }],
    [sigmamind, 'sigmamind.events', { secrets: secret }],
    [standardWebhooks, 'standard-webhooks', { secrets: `whsec_${Buffer.from(secret).toString('base64')}` }],
    [synthflow, 'synthflow.events', { secrets: secret }],
    [twilio, 'twilio.events', { secrets: secret, url: 'https://hooks.example.com/hooks/under-test' }],
    [ultravox, 'ultravox.events', { secrets: secret }],
    [vapi, 'vapi.events', { secrets: secret }],
    [vapi, 'vapi.events', { secrets: secret, signature: {} }],
  ];
  for (const [plugin, type, options] of senders)
    it(`finds ${type} with ${Object.keys(options).join(', ')}${options.preset === undefined ? '' : ` ${options.preset}`}`, async () => {
      const component = plugin.components.find((one) => one.type === type);
      const source = createComponent('source', component, options, fakeServices(), plugin);
      const [sample = {}] = Object.values(component?.samples ?? {});
      const request = signedRequest(source, sample);
      const { pathname, search } = new URL(request.url);
      const headers = { host: 'hooks.example.com', ...request.headers };
      const file = await captured(`POST ${pathname}${search} HTTP/1.1`, headers, request.body);
      const given = typeof options.secrets === 'string' ? options.secrets : secret;
      const { failure, text } = await run(file, ['--secret', given]);
      expect(failure, text).to.equal(null);
      expect(text).to.include(`ok ${type} accepts the request`).and.to.not.include(given);
    });

  it('finds an Ed25519 signature by its public key', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const key = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64');
    const body = '{"data":{"event_type":"call.conversation.ended","id":"e1","payload":{}}}';
    const signature = sign(null, Buffer.from(`1767225600|${body}`), privateKey).toString('base64');
    const headers = { 'telnyx-signature-ed25519': signature, 'telnyx-timestamp': '1767225600' };
    const { matches } = await examined(await captured('POST / HTTP/1.1', headers, body), ['--secret', key]);
    expect(matches.map(({ use, signedAt }) => [use, signedAt])).to.deep.include([
      'telnyx.events',
      '2026-01-01T00:00:00.000Z',
    ]);
  });

  it('finds the settings of a sender that no source knows, as YAML that the router accepts', async () => {
    const body = '{"type":"call.ended","id":"1"}';
    const digest = createHmac('sha512', secret).update(`1767225600:${body}`).digest('base64');
    const file = await captured(
      'POST /hooks/a HTTP/1.1',
      { 'X-Call-Mark': `v2=${digest}`, 'X-Sent': '1767225600' },
      body,
    );
    const { failure, text } = await run(file);
    expect(failure).to.equal(null);
    const yaml = /sources:\n[\s\S]+?\n\n/.exec(text)?.[0] ?? '';
    const rest = 'version: 1\ndestinations: { console: { use: log } }\nroutes: [{ to: console }]\n';
    const name = join(process.cwd(), 'switchhook.yaml');
    const checked = await checkConfig(
      documentFrom(`${rest}${yaml}`, name, { WEBHOOK_SECRET: secret }),
      openCatalog(process.cwd()),
    );
    if (checked.kind === 'problems') throw new Error(`${yaml}\n${JSON.stringify(checked.problems)}`);
    const { matches } = await examined(file);
    const { use: _, ...row } = JSON.parse(JSON.stringify(matches[0]?.row).replace('${WEBHOOK_SECRET}', secret));
    const source = createComponent('source', hmac.components[0], row, fakeServices());
    const headers = { 'x-call-mark': `v2=${digest}`, 'x-sent': '1767225600' };
    expect(await source.receive(aRequest({ body, headers }))).to.include({ kind: 'events' });
    expect((await refusalOf(source, aRequest({ body: `${body} `, headers })))?.code).to.equal('UNVERIFIED');
  });

  const retellRequest = async (change: (body: string) => string) => {
    const body = '{"event":"call_ended","call":{"call_id":"c1","agent_id":"a1"}}';
    const digest = createHmac('sha256', secret).update(`${body}1767225600000`).digest('hex');
    return captured(
      'POST /hooks/agents HTTP/1.1',
      { 'x-retell-signature': `v=1767225600000,d=${digest}`, 'content-length': String(body.length) },
      change(body),
    );
  };

  it('tells when an old request was signed', async () => {
    const { text } = await run(await retellRequest((body) => body));
    expect(text).to.include('    use: retell.events\n    secrets: ${WEBHOOK_SECRET}');
    expect(text).to.include('Signed at 2026-01-01T00:00:00.000Z.');
  });

  for (const [what, change, found] of [
    ['a line break at its end', (body: string) => `${body}\n`, 'without the line break at its end'],
    ['spaces', (body: string) => JSON.stringify(JSON.parse(body), null, 4), 'as compact JSON'],
  ] as const)
    it(`notices that the body has got ${what}`, async () => {
      const { failure, text } = await run(await retellRequest(change));
      expect(failure?.code).to.equal(1);
      expect(text).to.include(`retell.events accepts the request only with its body ${found}`);
      expect(text).to.include('content-length is 62, but the file has');
    });

  it('gives the reasons of the sources whose signature the request has, and not of others', async () => {
    const { failure, text } = await run(await retellRequest((body) => body), ['--secret', 'another secret']);
    expect(failure?.code).to.equal(1);
    expect(text).to.match(/retell\.events\s+signature does not match the body/);
    expect(text).to.not.include('elevenlabs.events ');
    expect(text).to.include('The request has the headers x-retell-signature, content-length.');
  });

  it('accepts a secret that was copied with a line break', async () => {
    const { matches } = await examined(await retellRequest((body) => body), [
      '--secret',
      'old',
      '--secret',
      `${secret}\n`,
    ]);
    expect(matches.map(({ use }) => use)).to.include('retell.events');
  });

  it('takes only what is a request', async () => {
    await writeFile(join(directory, 'request.http'), '{"event":"call_ended"}');
    expect((await run(join(directory, 'request.http'))).failure?.message).to.include('the file is no HTTP request');
    expect((await run(join(directory, 'nothing'))).failure?.message).to.include('the capture cannot be read');
  });
});
