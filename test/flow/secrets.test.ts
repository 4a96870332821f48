/** Secrets of a configuration come back in errors and responses: they must not be found in the store, the API, the log or explain. */
import { readdir, readFile } from 'node:fs/promises';
import { receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { ring, token } from '../support/phones.js';
import { endedBody, postSigned, secret } from '../support/signing.js';
import { workplace } from '../support/workplace.js';

const plugin = `import { definePlugin, defineDestination, defineResolver, secret, z } from '@switchhook/sdk';
const kind = { options: z.strictObject({ key: secret('Key.'), place: z.string().meta({ description: 'Place.' }) }), description: 'For tests.' };
const fail = ({ key, place }) => {
  throw new Error(\`cannot use \${key}, \${encodeURIComponent(key)},\\n\${Buffer.from('user:' + key).toString('base64')} at \${place}\`);
};
export default definePlugin({ name: 'odd', components: [
  defineDestination({ ...kind, type: 'odd.destination', create: (own) => ({ deliver: async () => fail(own), preview: () => fail(own) }) }),
  defineResolver({ ...kind, type: 'odd.resolver', create: (own) => ({ resolve: async () => fail(own) }) }),
] });
`;
const key = 'key+of/the "plugin"';
const values = { TEAM: 'team-rockets', PLACE: 'a place/x', CRM: 'token=of&the crm' };
const hook = 'services/T0001/B0002/abcdefghijklmnopqrstuvwx';
const forms = [key, ...Object.values(values), hook, hook.slice(-24)].flatMap((text) => [
  ...[
    text,
    encodeURIComponent(text),
    JSON.stringify(text).slice(1, -1),
    new URLSearchParams([['', text]]).toString().slice(1),
  ],
  ...[text, `a${text}`, `ab${text}`].map((longer) => Buffer.from(longer).toString('base64').slice(4, -4)),
]);

describe('the secrets of a configuration', () => {
  it('are masked before a reason, a response or a trace is stored, and in previews and the log', async () => {
    const place = await workplace();
    const far = await receiver(({ path, headers, body }) => {
      const copy = { path, headers, body: body.toString(), basic: Buffer.from(`u:${values.CRM}`).toString('base64') };
      return { status: 422, body: JSON.stringify(copy) };
    });
    await place.link();
    await place.write('package.json', '{ "type": "module" }');
    await place.write('odd.js', plugin);
    await place.write('key', `${key}\n`);
    await place.write(
      '.env',
      Object.entries(values)
        .map(([name, value]) => `${name}='${value}'`)
        .join('\n'),
    );
    const { url, lines } = await place.router(`
version: 1
server: { host: 127.0.0.1, port: 0 }
log: { level: debug }
plugins: [./odd.js]
store: { use: sqlite, path: ./switchhook.db }
sources:
  agents: { use: sigmamind.events, secrets: [${secret}] }
  calls: { use: sigmamind.call, token: ${token} }
destinations:
  echo:
    use: http.post
    url: "${far.url}/\${TEAM}?q=\${PLACE}"
    headers: { x-region: "\${TEAM}", authorization: "Bearer \${CRM}" }
    body: { team: "\${TEAM}", note: "in \${PLACE}", plain: "\${UNSET:-default}" }
  slack: { use: slack.message, webhookUrl: "${far.url}/${hook}", text: "\${TEAM}" }
  odd: { use: odd.destination, key: "\${file:key}", place: "\${PLACE}", retry: { attempts: 1 } }
resolvers:
  odd: { use: odd.resolver, key: "\${file:key}", place: "\${PLACE}" }
routes:
  - { from: agents, to: [echo, slack, odd] }
answers:
  - { from: calls, resolve: odd, variables: { name: "\${{ odd.name }}" } }
`);
    const read = async (path: string) => (await fetch(`${url}/api/${path}`)).text();
    await ring(url, '+49301');
    const { id } = (await postSigned(`${url}/hooks/agents`, endedBody({}))).body;
    for (let dead = 0; dead < 3; ) dead = JSON.parse(await read('deliveries?state=dead')).deliveries.length;
    const explained = await fetch(`${url}/api/explain`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ event: id }),
    }).then((response) => response.text());
    const shown = [
      explained,
      await read('deliveries'),
      await read('calls'),
      await read('events'),
      await read(`events/${id}`),
    ];
    for (const index of [0, 1, 2]) shown.push(await read(`deliveries/${id}.${index}`));
    const stored = (await readdir(place.directory)).filter((name) => name.startsWith('switchhook.db'));
    expect(stored).to.include('switchhook.db');
    for (const name of stored) shown.push(await readFile(place.path(name), 'latin1'));
    await place.close();
    await far.close();
    for (const text of [...shown, ...lines]) for (const form of forms) expect(text).to.not.include(form);
    const [echo, , odd] = JSON.parse(explained).explanations[0].routes[0].destinations;
    expect(echo.preview.headers).to.include({ 'x-region': '***', authorization: 'Bearer ***' });
    expect(echo.preview.body).to.deep.equal({ team: '***', note: 'in ***', plain: 'default' });
    expect(echo.preview.url).to.equal(`${far.url}/***?q=***`);
    expect(odd.reason).to.equal(`cannot use ***, ***,\ndXNlcj*** at *** (${place.path('odd.js')}:4:9)`);
    expect(shown.join('\n')).to.include('cannot use ***');
    expect(lines.join('\n')).to.include('cannot use ***');
  });
});
