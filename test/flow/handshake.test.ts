import { createHmac } from 'node:crypto';
import { expect } from 'chai';
import { workplace } from '../support/workplace.js';

const plugin = `
import { definePlugin, defineSource, z } from '@switchhook/sdk';
const source = (type, handshake) => defineSource({
  type,
  description: 'Shakes hands.',
  options: z.strictObject({}),
  create: () => ({ receive: () => ({ kind: 'handshake', reply: { status: 202, text: 'by POST' } }), handshake }),
});
export default definePlugin({
  name: 'hands',
  components: [
    source('hands.throwing', () => { throw new Error('no hands'); }),
    source('hands.invalid', () => ({ status: 200, text: 7 })),
    source('hands.plain', undefined),
  ],
});
`;

const configuration = `
version: 1
plugins: [./hands.mjs]
server: { host: 127.0.0.1, port: 0 }
store: { use: memory }
sources:
  pages: { use: hmac, preset: meta, secrets: app-secret, handshake: { tokens: verify-me } }
  files: { use: hmac, preset: dropbox, secrets: app-secret }
  code: { use: hmac, preset: github, secrets: app-secret }
  throwing: { use: hands.throwing }
  invalid: { use: hands.invalid }
  plain: { use: hands.plain }
destinations:
  console: { use: log }
routes:
  - { from: pages, to: console }
`;

describe('a sender that verifies the URL', () => {
  it('gets its challenge as plain text, and is refused where it is not the configured one', async () => {
    const place = await workplace();
    await place.link();
    await place.write('hands.mjs', plugin);
    const { url, lines } = await place.router(configuration);
    const get = async (path: string) => {
      const response = await fetch(`${url}/hooks/${path}`);
      return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
    };
    const plain = 'text/plain; charset=utf-8';
    const query = 'hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=';
    expect(await get(`pages?${query}verify-me`)).to.deep.equal({ status: 200, type: plain, text: '1158201444' });
    expect(await get('files?challenge=abc')).to.deep.equal({ status: 200, type: plain, text: 'abc' });
    expect((await get(`pages?${query}guess`)).status).to.equal(401);
    const markup = await get(`files?challenge=${encodeURIComponent('<script>alert(1)</script>')}`);
    expect([markup.status, markup.text]).to.satisfy(
      ([status, text]: [number, string]) => status === 400 && !text.includes('script'),
    );
    expect((await get('code?challenge=abc')).status).to.equal(405);
    expect((await get('throwing')).status).to.equal(500);
    expect((await get('invalid')).status).to.equal(500);
    const posted = await fetch(`${url}/hooks/plain`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect([posted.status, posted.headers.get('content-type'), await posted.text()]).to.deep.equal([
      202,
      plain,
      'by POST',
    ]);
    const refused = lines.filter((line) => line.includes('"request.refused"'));
    expect(refused.some((line) => line.includes('hub.verify_token is not a configured token'))).to.equal(true);
    expect(lines.join('')).to.include('handshake returned an object with status, text; allowed is a handshake with');
    expect(lines.join('')).not.to.include('verify-me');

    const body = '{"object":"page","entry":[]}';
    const event = await fetch(`${url}/hooks/pages`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-hub-signature-256': `sha256=${createHmac('sha256', 'app-secret').update(body).digest('hex')}`,
      },
      body,
    });
    expect(event.status).to.equal(200);
    await place.close();
  });
});
