/** Whether a registry of npm has signed what npm has installed. Nothing is installed or imported. */
import { createPublicKey, verify } from 'node:crypto';
import { type Network, systemClock } from '@switchhook/core/client';
import { z } from '@switchhook/sdk';
import { errorMessage, withTimeout } from '@switchhook/sdk/internal';

/** A package that npm has installed from a registry. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** Digest of the archive, as npm has recorded it: `sha512-…`. */
  readonly integrity: string;
}

/** What the registry's signature came to. */
export type SignatureResult =
  /** `keyid`: the registry's key that has signed. */
  | { readonly state: 'valid'; readonly keyid: string; readonly attestation: Attestation | null }
  /** Nothing is signed: neither this version, although the registry has keys, nor any package of a registry `without-keys`. */
  | { readonly state: 'missing' | 'without-keys'; readonly reason: string }
  | { readonly state: 'invalid'; readonly reason: string }
  /** The registry could not be asked, or there is nothing to compare with. */
  | { readonly state: 'unknown'; readonly reason: string };

/** From which source the package was built. The registry states it; its own signature is not verified here. */
export interface Attestation {
  readonly repository: string;
  readonly commit: string | null;
}

/** For each request, the whole body included. */
const longestMs = 30_000;
/** The document of a package with thousands of versions has some tens of megabytes. */
const mostBytes = 64 * 1_048_576;

const keysReply = z.object({
  keys: z.array(
    z.object({ keyid: z.string(), keytype: z.string(), key: z.string(), expires: z.string().nullish().default(null) }),
  ),
});
type Key = z.output<typeof keysReply>['keys'][number];

const versionReply = z.object({
  dist: z.object({
    integrity: z.string().nullish(),
    signatures: z.array(z.object({ keyid: z.string(), sig: z.string() })).default([]),
    attestations: z.object({ url: z.string() }).optional(),
  }),
});
type Version = z.output<typeof versionReply>['dist'];
const packageReply = z.object({
  versions: z.record(z.string(), z.unknown()),
  time: z.record(z.string(), z.unknown()).default({}),
});
const attestationsReply = z.object({
  attestations: z.array(
    z.object({
      predicateType: z.string(),
      bundle: z.object({ dsseEnvelope: z.object({ payload: z.base64() }) }),
    }),
  ),
});
/** Of SLSA provenance 1 and 0.2, what names the source. */
const statement = z.object({
  subject: z.array(z.object({ digest: z.object({ sha512: z.string() }) })).min(1),
  predicate: z.union([
    z
      .object({
        buildDefinition: z.object({
          externalParameters: z.object({ workflow: z.object({ repository: z.string() }) }),
          resolvedDependencies: z
            .array(z.object({ digest: z.object({ gitCommit: z.string().optional() }) }))
            .default([]),
        }),
      })
      .transform(({ buildDefinition: { externalParameters, resolvedDependencies } }) => ({
        repository: externalParameters.workflow.repository,
        commit: resolvedDependencies[0]?.digest.gitCommit ?? null,
      })),
    z
      .object({
        invocation: z.object({ configSource: z.object({ uri: z.string(), digest: z.object({ sha1: z.string() }) }) }),
      })
      .transform(({ invocation: { configSource } }) => ({
        repository: configSource.uri.replace(/^git\+/, '').replace(/@[^@/]*(\/[^@]*)?$/, ''),
        commit: configSource.digest.sha1,
      })),
  ]),
});

/** Why the registry has not answered a question. */
class RegistryFailure extends Error {}

/** One registry; its keys are asked for once. */
export class Registry {
  readonly #network: Network;
  /** Without a slash at its end. */
  readonly url: string;
  #keys: Promise<readonly Key[] | null> | null = null;

  constructor(network: Network, url: string) {
    this.#network = network;
    this.url = url.replace(/\/+$/, '');
  }

  /** Never rejects. */
  async check(installed: InstalledPackage): Promise<SignatureResult> {
    try {
      this.#keys ??= this.#readKeys();
      const keys = await this.#keys;
      if (keys === null) return { state: 'without-keys', reason: `${this.url} publishes no keys, so it signs nothing` };
      return await this.#checkedWith(keys, installed);
    } catch (error) {
      if (!(error instanceof RegistryFailure)) throw error;
      return { state: 'unknown', reason: error.message };
    }
  }

  async #checkedWith(keys: readonly Key[], installed: InstalledPackage): Promise<SignatureResult> {
    const { name, version } = installed;
    const found = await this.#get(`/${name.replace('/', '%2f')}`, packageReply);
    const { data } = versionReply.safeParse(found?.versions[version]);
    if (data === undefined) return { state: 'missing', reason: `${this.url} has no ${name}@${version}` };
    const publishedAt = Date.parse(String(found?.time[version]));
    const result = signatureResult(keys, installed, data.dist, publishedAt);
    if (result.state !== 'valid' || data.dist.attestations === undefined) return result;
    const attestation = await this.#attestation(data.dist.attestations.url, installed);
    if (attestation !== 'other') return { ...result, attestation };
    return { state: 'invalid', reason: 'its attestation is about another archive' };
  }

  async #readKeys(): Promise<readonly Key[] | null> {
    const reply = await this.#get('/-/npm/v1/keys', keysReply);
    return reply === null || reply.keys.length === 0 ? null : reply.keys;
  }

  /** Null where there is none of a build; `other` where it is about another archive. */
  async #attestation(url: string, { integrity }: InstalledPackage): Promise<Attestation | null | 'other'> {
    // As npm does it: of the same registry, whatever host the document names.
    const path = URL.canParse(url, this.url) ? new URL(url, this.url).pathname : '';
    const base = new URL(this.url).pathname.replace(/\/$/, '');
    const reply = await this.#get(path.startsWith(`${base}/`) ? path.slice(base.length) : path, attestationsReply);
    for (const { predicateType, bundle } of reply?.attestations ?? []) {
      if (!predicateType.startsWith('https://slsa.dev/provenance/')) continue;
      const { data } = statement.safeParse(jsonOrNull(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString()));
      if (data === undefined) continue;
      const isSame = data.subject.some(({ digest }) => integrity === `sha512-${base64Of(digest.sha512)}`);
      return isSame ? data.predicate : 'other';
    }
    return null;
  }

  /** Null where there is no such thing. */
  async #get<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
    const headers = { accept: 'application/json' };
    const response = await withTimeout(systemClock, longestMs, (signal) =>
      this.#network.fetch(this.url + path, { headers, maxBytes: mostBytes, signal }),
    ).catch((error: unknown) => {
      throw new RegistryFailure(`${this.url} cannot be reached: ${errorMessage(error)}`);
    });
    const { status, truncated } = response;
    if (status === 404 || status === 400) return null;
    if (status === 401 || status === 403)
      throw new RegistryFailure(
        `${this.url} wants credentials (status ${status}): "npm audit signatures" sends those of .npmrc`,
      );
    const { data } = status === 200 && !truncated ? schema.safeParse(jsonOrNull(response.text())) : {};
    if (data === undefined)
      throw new RegistryFailure(`${this.url}${path} is no reply of a registry (status ${status})`);
    return data;
  }
}

/** Checks the signatures of the registry against what is installed, not against what the registry has today. */
function signatureResult(
  keys: readonly Key[],
  installed: InstalledPackage,
  { integrity, signatures }: Version,
  publishedAt: number,
): SignatureResult {
  const { name, version } = installed;
  if (signatures.length === 0) return { state: 'missing', reason: 'the registry has keys, but has not signed it' };
  const signed = signatures.flatMap(({ keyid, sig }) => {
    const key = keys.find((each) => each.keyid === keyid);
    return key === undefined ? [] : [{ key, sig }];
  });
  const [first] = signed;
  if (first === undefined) {
    const names = signatures.map(({ keyid }) => keyid).join(', ');
    return { state: 'invalid', reason: `it is signed with ${names}, which is no key of the registry` };
  }
  const isSigned = (digest: string) =>
    signed.every(({ key, sig }) => isRight(key, `${name}@${version}:${digest}`, sig));
  if (!isSigned(installed.integrity)) {
    const other = typeof integrity === 'string' && integrity !== installed.integrity && isSigned(integrity);
    const reason = other
      ? `the registry has signed another archive of this version, ${integrity}`
      : 'the signature does not fit name, version and digest';
    return { state: 'invalid', reason };
  }
  const expired = signed.find(({ key: { expires } }) => expires !== null && publishedAt >= Date.parse(expires));
  if (expired !== undefined)
    return { state: 'invalid', reason: `it was published after its key ${expired.key.keyid} had expired` };
  return { state: 'valid', keyid: first.key.keyid, attestation: null };
}

function isRight({ keytype, key }: Key, text: string, signature: string): boolean {
  if (keytype !== 'ecdsa-sha2-nistp256') return false;
  try {
    const publicKey = createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' });
    const isOfType = publicKey.asymmetricKeyDetails?.namedCurve === 'prime256v1';
    return isOfType && verify('sha256', Buffer.from(text), publicKey, Buffer.from(signature, 'base64'));
  } catch {
    // The registry has sent something else than a key.
    return false;
  }
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // An error page, e.g. of a proxy.
    return null;
  }
}

function base64Of(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}
