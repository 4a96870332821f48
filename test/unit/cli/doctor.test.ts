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
import openai from '@switchhook/plugin-openai';
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
      matches: {
        use: string;
        row: JsonObject;
        signedAt: string | null;
        late: string | null;
        body: string | null;
        secret: { number: number; change: string | null };
      }[];
      receivedAt: string | null;
      reasons: { use: string; reason: string }[];
      notes: string[];
    };
  };

  const whsec = `whsec_${Buffer.from(secret).toString('base64')}`;
  const senders: readonly (readonly [Plugin, string, JsonObject])[] = [
    [basic, 'basic', { users: { ada: secret } }],
    [bearer, 'bearer', { tokens: secret }],
    [bearer, 'bearer', { tokens: secret, header: 'X-Api-Key' }],
    [elevenlabs, 'elevenlabs.events', { secrets: secret }],
    [elevenlabs, 'elevenlabs.call', { secrets: secret, header: 'X-Token' }],
    [hmac, 'hmac', { preset: 'github', secrets: secret }],
    [hmac, 'hmac', { preset: 'stripe', secrets: secret }],
    [hmac, 'hmac', { preset: 'slack', secrets: secret }],
    [hmac, 'hmac', { preset: 'meta', secrets: secret, handshake: { tokens: 'a-verify-token' } }],
    [hmac, 'hmac', { preset: 'dropbox', secrets: secret }],
    [livekit, 'livekit.events', { keys: { APIkey: secret } }],
    [openai, 'openai.call', { secrets: whsec, apiKey: 'a-key', model: 'gpt-realtime' }],
    [retell, 'retell.events', { secrets: secret }],
    [sigmamind, 'sigmamind.events', { secrets: secret }],
    [standardWebhooks, 'standard-webhooks', { secrets: whsec }],
    [synthflow, 'synthflow.events', { secrets: secret }],
    [twilio, 'twilio.events', { secrets: secret, url: 'https://hooks.example.com/hooks/under-test' }],
    [ultravox, 'ultravox.events', { secrets: secret }],
    [vapi, 'vapi.events', { secrets: secret }],
    [vapi, 'vapi.events', { secrets: secret, signature: {} }],
    [vapi, 'vapi.events', { secrets: secret, header: 'X-My-Secret' }],
    [vapi, 'vapi.call', { secrets: secret, assistant: 'asst_1' }],
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
      const rows = text.split('ok ').filter((part) => part.startsWith(`${type} accepts the request`));
      // GitHub and Meta sign in the same way, and a sample has no header that names its sender.
      expect(rows, text).to.have.length(['github', 'meta'].includes(String(options.preset)) ? 2 : 1);
      expect(text).to.not.include(given).and.to.not.include('as configured it has');
      for (const name of ['preset', 'header'] as const)
        if (options[name] !== undefined)
          expect(rows.join('').toLowerCase()).to.include(`    ${name}: ${String(options[name]).toLowerCase()}\n`);
    });

  it('takes an incoming call of OpenAI for one that is accepted, by the API that it is for', async () => {
    const [, live = {}] = Object.values(openai.components[0]?.samples ?? {});
    const source = createComponent(
      'source',
      openai.components[0],
      { secrets: whsec, apiKey: 'a-key', model: 'm' },
      fakeServices(),
    );
    const { headers, body } = signedRequest(source, live);
    const { matches } = await examined(await captured('POST / HTTP/1.1', headers, body), ['--secret', whsec]);
    const found = matches.find(({ use }) => use === 'openai.call');
    expect(found?.row).to.deep.equal({
      use: 'openai.call',
      secrets: '${WEBHOOK_SECRET}',
      apiKey: '${OPENAI_API_KEY}',
      model: 'gpt-realtime',
      api: 'live',
    });
    const other = signedRequest(source, { type: 'lead.created', data: {} });
    const uses = (await examined(await captured('POST / HTTP/1.1', other.headers, other.body), ['--secret', whsec]))
      .matches;
    expect(uses.map(({ use }) => use)).to.deep.equal(['standard-webhooks']);
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
    expect(text).to.match(
      /Signed at 2026-01-01T00:00:00\.000Z\. By the clock of this computer, the timestamp is \d+ s old, 300 s are allowed: a router refuses it now/,
    );
  });

  it('tells by how much the clock of the router was wrong when it received the request', async () => {
    const body = '{"event":"call_ended","call":{"call_id":"c1","agent_id":"a1"}}';
    const digest = createHmac('sha256', secret).update(`${body}1767225600000`).digest('hex');
    const received = async (receivedAt: string) => {
      const headers = {
        'x-retell-signature': `v=1767225600000,d=${digest}`,
        'x-switchhook-received-at': receivedAt,
      };
      const file = await captured('POST /hooks/agents HTTP/1.1', headers, body);
      return { ...(await examined(file)), ...(await run(file)) };
    };
    const late = await received('2026-01-01T00:15:07.000Z');
    expect(late.failure).to.equal(null);
    expect(late.text).to.include(
      'Signed at 2026-01-01T00:00:00.000Z. The router received it at 2026-01-01T00:15:07.000Z: the timestamp is 907 s old, 300 s are allowed. Set the clock of the router by NTP.',
    );
    expect((await received('2025-12-31T23:50:00.000Z')).text).to.include('the timestamp is 600 s ahead');
    const [inTime] = (await received('2026-01-01T00:04:00.000Z')).matches;
    expect(inTime).to.deep.include({ use: 'retell.events', signedAt: null, late: null });
  });

  const bodies: readonly (readonly [string, (body: string) => string, string])[] = [
    ['a line break at its end', (body) => `${body}\n`, 'without the line break at its end'],
    ['spaces', (body) => JSON.stringify(JSON.parse(body), null, 4), 'as compact JSON'],
  ];
  for (const [what, change, found] of bodies)
    it(`notices that the body has got ${what}`, async () => {
      const { failure, text } = await run(await retellRequest(change));
      expect(failure?.code).to.equal(1);
      expect(text).to.include(`retell.events accepts the request only with its body ${found}`);
      expect(text).to.include('content-length is 62, but the file has');
    });

  const spacedBody = '{"event": "call_ended", "call": {"call_id": "c1", "note": "a, b: \\"c\\""}}';
  for (const [form, sent] of [
    ['as JSON with a space after each , and :', spacedBody.replace('c1', 'cé')],
    ['as JSON of Python', spacedBody.replace('c1', 'c\\u00e9')],
    ['as JSON of PHP', '{"event":"call_ended","call":{"call_id":"c\\u00e9","url":"https:\\/\\/a"}}'],
    [
      'as JSON of Go',
      '{"event":"call_ended","call":{"call_id":"<\\u0026>"}}'.replace('<', '\\u003c').replace('>', '\\u003e'),
    ],
    ['as JSON with two spaces', JSON.stringify({ event: 'call_ended', call: { call_id: 'c1' } }, null, 2)],
  ] as const)
    it(`notices that a proxy has written a body anew that was sent ${form}`, async () => {
      const digest = createHmac('sha256', secret).update(`${sent}1767225600000`).digest('hex');
      const headers = { 'x-retell-signature': `v=1767225600000,d=${digest}` };
      const { matches } = await examined(await captured('POST / HTTP/1.1', headers, JSON.stringify(JSON.parse(sent))));
      expect(matches.map(({ use, body }) => [use, body?.slice(0, form.length)])).to.deep.include([
        'retell.events',
        form,
      ]);
    });

  const base64 = Buffer.from(secret).toString('base64');
  for (const [change, given] of [
    ['without the quotes around it', `"${secret}"`],
    ['without the quotes around it', `'${secret}'`],
    ['without the name of its variable', `RETELL_API_KEY="${secret}"`],
    ['without "Bearer "', `Bearer ${secret}`],
    ['without whsec_', `whsec_${secret}`],
    ['decoded from base64', base64],
    ['decoded from hex', Buffer.from(secret).toString('hex')],
  ] as const)
    it(`finds that the secret fits ${change}: ${given.replace(secret, '…')}`, async () => {
      const file = await retellRequest((body) => body);
      const { matches } = await examined(file, ['--secret', 'another', '--secret', given]);
      const found = matches.find(({ use }) => use === 'retell.events' || use === 'hmac');
      // A key in base64 or hex is a setting of hmac, which fits it as it is.
      if (found?.secret.change === null)
        expect(found.row.secretEncoding).to.equal(change.slice('decoded from '.length));
      else expect(found?.secret).to.deep.equal({ number: 2, change });
      const { failure, text } = await run(file, ['--secret', given]);
      if (found?.secret.change !== null) {
        expect(failure?.code).to.equal(1);
        expect(text).to.include(`changed retell.events accepts the request with the secret ${change}:`);
      }
      expect(text).to.not.include(secret);
    });

  it('finds a public key that was copied as PEM, as DER or in hex', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const body = '{"data":{"event_type":"call.conversation.ended","id":"e1","payload":{}}}';
    const signature = sign(null, Buffer.from(`1767225600|${body}`), privateKey).toString('base64');
    const headers = { 'telnyx-signature-ed25519': signature, 'telnyx-timestamp': '1767225600' };
    const file = await captured('POST / HTTP/1.1', headers, body);
    for (const given of [
      publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
      Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('hex'),
    ]) {
      const { matches } = await examined(file, ['--secret', given]);
      expect(matches.map(({ use, secret: found }) => [use, found.change])).to.deep.include([
        'telnyx.events',
        'as the base64 of the 32 bytes of the public key',
      ]);
    }
  });

  it('says which of several secrets the sender uses: an old one, for example', async () => {
    const { failure, text } = await run(await retellRequest((body) => body), ['--secret', 'new', '--secret', secret]);
    expect(failure).to.equal(null);
    expect(text).to.include('ok retell.events accepts the request with secret 2 of the 2 that were given:');
  });

  for (const [given, kind] of [
    [`sk-proj-${'a1'.repeat(20)}`, 'an API key of OpenAI; OpenAI signs with the secret of the webhook'],
    [`sk_live_${'a1'.repeat(12)}`, 'an API key of Stripe; Stripe signs with the secret of the endpoint'],
    [`AC${'0a'.repeat(16)}`, 'the SID of a Twilio account; Twilio signs with the Auth Token'],
    ['xoxb-1-2-abc', 'a token of a Slack app; Slack signs with the Signing Secret'],
    [generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 'a private key'],
    [generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'a public key'],
    ['https://hooks.example.com/hooks/agents', 'a URL'],
  ] as const)
    it(`says that it was given ${kind.replace(/[;,].*/, '')} in place of a secret`, async () => {
      const { failure, text } = await run(await retellRequest((body) => body), ['--secret', given]);
      expect(failure?.code).to.equal(1);
      expect(text).to.include(`Secret 1 looks like ${kind}`);
      expect(text).to.not.include(given.trim());
    });

  it('says which headers are missing, and which are masked', async () => {
    const body = '{"event":"call_ended"}';
    const plain = await run(await captured('POST / HTTP/1.1', { 'content-type': 'application/json' }, body));
    expect(plain.failure?.code).to.equal(1);
    expect(plain.text).to.match(
      /The request has the headers content-type\.\nNone of these is a signature that a source knows: .*X-Retell-Signature.*\. Does the sender sign, and does each proxy pass its headers on\?/,
    );
    const masked = await run(await captured('POST / HTTP/1.1', { 'x-mark': '***' }, body));
    expect(masked.text).to.include('x-mark: masked in this file. A signature there cannot be found');
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
