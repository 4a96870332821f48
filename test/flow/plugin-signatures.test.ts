/** `switchhook plugins --signatures`, against an imitation of npm's registry with keys of its own. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { type Receiver, receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { type Workplace, workplace } from '../support/workplace.js';

/** A package as a test wants it to be in the registry. */
interface Published {
  readonly integrity?: string;
  readonly time?: string;
  readonly signatures?: readonly { readonly keyid: string; readonly sig: string }[];
  readonly attestations?: { readonly url: string };
}

const integrity = `sha512-${createHash('sha512').update('archive').digest('base64')}`;
const keyPair = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const [own, old, foreign] = [keyPair(), keyPair(), keyPair()];
const spki = ({ publicKey }: { publicKey: KeyObject }) =>
  publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
const keytype = 'ecdsa-sha2-nistp256';
const keys = [
  { keyid: 'SHA256:own', keytype, scheme: keytype, key: spki(own), expires: null },
  { keyid: 'SHA256:old', keytype, scheme: keytype, key: spki(old), expires: '2025-01-29T00:00:00.000Z' },
];
const signed = (text: string, { privateKey }: { privateKey: KeyObject } = own, keyid = 'SHA256:own') => [
  { keyid, sig: sign('sha256', Buffer.from(text), privateKey).toString('base64') },
];
const crm = `@acme/crm@1.2.3:${integrity}`;

describe('switchhook plugins --signatures', () => {
  let place: Workplace;
  let registry: Receiver;

  beforeEach(async () => {
    [place, registry] = [await workplace(), await receiver()];
    await place.write('switchhook.yaml', 'version: 1\nplugins: ["@acme/crm", ./my.ts]\n');
    await place.write('my.ts', 'throw new Error("it has been imported");');
    await installed();
  });
  afterEach(async () => {
    await place.close();
    await registry.close();
  });

  /** As npm installs it from the registry, whose URL has a path. */
  const installed = async (entry: object = {}, name = '@acme/crm', version = '1.2.3') => {
    const folder = place.path(`node_modules/${name}`);
    await mkdir(folder, { recursive: true });
    const manifest = { name, version, type: 'module', exports: './index.js', keywords: ['switchhook-plugin'] };
    await writeFile(`${folder}/package.json`, JSON.stringify(manifest));
    await writeFile(`${folder}/index.js`, 'throw new Error("it has been imported");');
    const resolved = `${registry.url}/npm/${name}/-/${name.replace(/.*\//, '')}-${version}.tgz`;
    const packages = { [`node_modules/${name}`]: { version, resolved, integrity, ...entry } };
    await place.write('node_modules/.package-lock.json', JSON.stringify({ packages }));
  };
  /** The registry has this version; other paths are not there. */
  const has = (published: Published, more: Readonly<Record<string, unknown>> = {}) => {
    const { time = '2026-01-01T00:00:00.000Z', ...dist } = published;
    const replies: Readonly<Record<string, unknown>> = {
      '/npm/-/npm/v1/keys': { keys },
      '/npm/@acme%2fcrm': { versions: { '1.2.3': { dist: { integrity, ...dist } } }, time: { '1.2.3': time } },
      ...more,
    };
    registry.answer(({ path }) =>
      replies[path] === undefined ? 404 : { status: 200, body: JSON.stringify(replies[path]) },
    );
  };
  /** The line about the plugin, and how the command ended. */
  const verified = async (...args: string[]) => {
    const { code, stdout, stderr } = await place.command(['plugins', '--signatures', ...args]);
    const line = stdout.split('\n').find((one) => one.startsWith('@acme/crm\t')) ?? '';
    return { code, stdout, stderr, line };
  };

  it('accepts what the registry has signed, and imports no plugin', async () => {
    has({ signatures: signed(crm) });
    const { code, stdout, stderr } = await verified();
    expect(stdout.split('\n')).to.include(`@acme/crm\t1.2.3\tvalid\tsigned by ${registry.url}/npm with SHA256:own`);
    expect(stdout.split('\n')).to.include('./my.ts\t\tnot from a registry\tlocal file my.ts');
    expect([code, stderr]).to.deep.equal([0, '']);
  });

  const refused: readonly (readonly [what: string, published: Published, state: string, reason: RegExp])[] = [
    [
      'a signature of another version',
      { signatures: signed(crm.replace('1.2.3', '1.2.2')) },
      'INVALID',
      /does not fit/,
    ],
    ['a signature by another key', { signatures: signed(crm, foreign) }, 'INVALID', /does not fit/],
    ['no signature at all: npm signs no text', { signatures: [{ keyid: 'SHA256:own', sig: '' }] }, 'INVALID', /fit/],
    ['a key that the registry does not have', { signatures: signed(crm, foreign, 'SHA256:x') }, 'INVALID', /SHA256:x/],
    [
      'another archive than the one that is installed',
      { integrity: 'sha512-other', signatures: signed('@acme/crm@1.2.3:sha512-other') },
      'INVALID',
      /has signed another archive of this version, sha512-other/,
    ],
    [
      'a key that had expired when it was published',
      { signatures: signed(crm, old, 'SHA256:old') },
      'INVALID',
      /published after its key SHA256:old had expired/,
    ],
    [
      'one wrong signature beside a right one',
      { signatures: [...signed(crm), ...signed(crm, foreign, 'SHA256:old')] },
      'INVALID',
      /does not fit/,
    ],
    ['a signature that was taken away', {}, 'missing', /the registry has keys, but has not signed it/],
  ];
  for (const [what, published, state, reason] of refused)
    it(`ends with 1 for ${what}`, async () => {
      has(published);
      const { code, line, stderr } = await verified();
      const [, , shown, detail] = line.split('\t');
      expect([code, shown]).to.deep.equal([1, state]);
      expect(detail).to.match(reason);
      expect(stderr).to.match(/^1 of \d+ could not be verified\.\n$/);
    });

  it('accepts a key that has expired since', async () => {
    has({ time: '2024-01-01T00:00:00.000Z', signatures: signed(crm, old, 'SHA256:old') });
    expect(await verified()).to.include({ code: 0 });
  });

  it('reports a version that the registry does not have as missing', async () => {
    has({}, { '/npm/@acme%2fcrm': { versions: {} } });
    const { code, line } = await verified();
    expect([code, line]).to.deep.equal([1, `@acme/crm\t1.2.3\tmissing\t${registry.url}/npm has no @acme/crm@1.2.3`]);
  });

  it('accepts that a registry without keys signs nothing', async () => {
    has({}, { '/npm/-/npm/v1/keys': undefined });
    const { code, line } = await verified();
    expect(code).to.equal(0);
    expect(line).to.include('\tno keys\t');
  });

  it('asks another registry, for what was installed from a mirror without keys, or without its URL', async () => {
    has({ signatures: signed(crm) });
    await installed({ resolved: 'http://127.0.0.1:1/@acme/crm/-/crm-1.2.3.tgz' });
    expect(await verified('--registry', `${registry.url}/npm/`)).to.include({ code: 0 });
    await installed({ resolved: undefined });
    expect((await verified('--registry', `${registry.url}/npm`)).line).to.include('\tvalid\t');
  });

  it('shows repository and commit of the attestation, and refuses one about another archive', async () => {
    const path = '/npm/-/npm/v1/attestations/@acme%2fcrm@1.2.3';
    const attestation = (predicateType: string, predicate: unknown, archive = 'archive') => ({
      attestations: [
        { predicateType: 'https://github.com/npm/attestation/tree/main/specs/publish/v0.1', bundle: bundle({}) },
        {
          predicateType,
          bundle: bundle({
            subject: [{ name: 'pkg:npm/%40acme/crm@1.2.3', digest: { sha512: sha512Of(archive) } }],
            predicate,
          }),
        },
      ],
    });
    const bundle = (statement: unknown) => ({
      dsseEnvelope: { payload: Buffer.from(JSON.stringify(statement)).toString('base64') },
    });
    const sha512Of = (text: string) => createHash('sha512').update(text).digest('hex');
    const slsa1 = {
      buildDefinition: {
        externalParameters: { workflow: { ref: 'refs/tags/v1', repository: 'https://github.com/acme/crm' } },
        resolvedDependencies: [
          { uri: 'git+https://github.com/acme/crm@refs/tags/v1', digest: { gitCommit: '1a2b3c' } },
        ],
      },
    };
    const slsa02 = {
      invocation: {
        configSource: { uri: 'git+https://gitlab.com/acme/crm@refs/heads/main', digest: { sha1: '1a2b3c' } },
      },
    };
    const published = { signatures: signed(crm), attestations: { url: `https://elsewhere.example${path}` } };
    for (const [version, predicate, host] of [
      ['v1', slsa1, 'github'],
      ['v0.2', slsa02, 'gitlab'],
    ] as const) {
      has(published, { [path]: attestation(`https://slsa.dev/provenance/${version}`, predicate) });
      const { code, line, stderr } = await verified();
      expect(code).to.equal(0);
      expect(line).to.match(new RegExp(`; built from https://${host}\\.com/acme/crm, commit 1a2b3c$`));
      expect(stderr).to.include('"npm audit signatures" verifies the attestation');
    }
    has(published, { [path]: attestation('https://slsa.dev/provenance/v1', slsa1, 'another archive') });
    expect((await verified()).line).to.include('\tINVALID\tits attestation is about another archive');
  });

  it('ends with 1 and a sentence where the registry cannot be asked', async () => {
    for (const [status, reason] of [
      [401, 'wants credentials (status 401): "npm audit signatures" sends those of .npmrc'],
      [500, '/npm/-/npm/v1/keys is no reply of a registry (status 500)'],
    ] as const) {
      registry.answer(() => status);
      const { code, line } = await verified();
      expect(code).to.equal(1);
      expect(line).to.include(`\tnot verified\t${registry.url}`).and.to.include(reason);
    }
    await registry.close();
    const { code, line, stderr } = await verified();
    expect(code).to.equal(1);
    expect(line).to.match(/\tnot verified\thttp:\S+ cannot be reached: .*ECONNREFUSED/);
    expect(stderr).to.match(/^1 of \d+ could not be verified\.\n$/);
    registry = await receiver();
  });

  it('prints everything as JSON', async () => {
    has({ signatures: signed(crm) });
    const { plugins } = JSON.parse((await verified('--json')).stdout);
    const [first] = plugins;
    expect(first).to.deep.include({ plugin: '@acme/crm', version: '1.2.3', registry: `${registry.url}/npm` });
    expect(first.signature).to.deep.equal({ state: 'valid', keyid: 'SHA256:own', attestation: null });
  });

  it('refuses options that do not belong together, and what is no URL', async () => {
    for (const args of [
      ['list', '--signatures'],
      ['--registry', 'https://a.example'],
      ['--signatures', '--registry', 'npm'],
    ])
      expect((await place.command(['plugins', ...args])).code, args.join(' ')).to.equal(2);
  });

  it("accepts npm's own signatures of two packages", async () => {
    // As https://registry.npmjs.org has published them.
    const npmKeys = [
      {
        keyid: 'SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA',
        key: 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1Olb3zMAFFxXKHiIkQO5cJ3Yhl5i6UPp+IhuteBJbuHcA5UogKo0EWtlWwW6KSaKoTNEYL7JlCQiVnkhBktUgg==',
        expires: '2025-01-29T00:00:00.000Z',
      },
      {
        keyid: 'SHA256:DhQ8wR5APBvFHLF/+Tc+AYvPOdTpcIDqOhxsBHRwC7U',
        key: 'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEY6Ya7W++7aUPzvMTrezH6Ycx3c+HOKYCcNGybJZSCJq/fd7Qa8uuAKtdIkUQtQiEKERhAmE5lMMJhP8OkDOa2g==',
        expires: null,
      },
    ].map((key) => ({ ...key, keytype, scheme: keytype }));
    const packages = [
      {
        name: 'lodash',
        version: '4.17.21',
        time: '2021-02-20T15:42:16.891Z',
        integrity: 'sha512-v2kDEe57lecTulaDIuNTPy3Ry4gLGJ6Z1O3vE1krgXZNrsQ+LFTGHVxVjcXPs17LhbZVGedAJv8XZ1tvj5FvSg==',
        sig: 'MEUCIF3Yithbtmy1aEBNlfNWbLswAfPIyQUuNUGARD3Ex2t4AiEA6TlN2ZKJCUpS/Sf2Z6MduF1BNSvayHIpu5wAcICcKXw=',
      },
      {
        name: '@anthropic-ai/claude-code',
        version: '2.1.96',
        time: '2026-04-08T00:00:00.000Z',
        integrity: 'sha512-ETrc0+1qWHaqtKi+ixbsAecZyM+H52VIJj+zWIvw3jBU/JZ9v5vnE2kHShM1lcpr+Gji7GXk23l0CMGLA7hC0g==',
        sig: 'MEUCIDfVFVFY0qtDRV8JGrx0/QKyh70/hWuV+lO0LSTt2zz6AiEA20JmCcoQACXgZOSLdrLxZ8I2356j3KvBbianSlhxu0A=',
      },
    ];
    for (const [index, { name, version, time, sig, ...one }] of packages.entries()) {
      await installed(one, name, version);
      const signatures = [{ keyid: npmKeys[index]?.keyid, sig }];
      registry.answer(({ path }) => ({
        status: 200,
        body: JSON.stringify(
          path.endsWith('/keys')
            ? { keys: npmKeys }
            : { versions: { [version]: { dist: { ...one, signatures } } }, time: { [version]: time } },
        ),
      }));
      const { stdout } = await verified();
      expect(stdout).to.include(`${name}\t${version}\tvalid\t`);
    }
  });
});
