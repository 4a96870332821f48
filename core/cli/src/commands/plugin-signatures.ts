/** `switchhook plugins --signatures`: verifies the signatures of the registry for the plugins that npm has installed. */
import { openNetwork } from '@switchhook/core/client';
import { type PluginOrigin, pluginOrigins } from '@switchhook/core/internal';
import type { ConfigOptions } from '../configuration.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';
import { printJson, printTable } from '../print.js';
import { type Attestation, Registry, type SignatureResult } from './registry-signatures.js';

/** Options of the command. */
export interface SignatureOptions extends ConfigOptions {
  /** In place of the one that npm has installed from. */
  readonly registry?: string;
}

/** Where a lock file names none. */
const usualRegistry = 'https://registry.npmjs.org';

type Result = SignatureResult | { readonly state: 'not-from-registry'; readonly reason: string };

/** Of a plugin, and which registry was asked. */
interface Checked {
  readonly origin: PluginOrigin;
  readonly registry: string | null;
  readonly result: Result;
}

/** What makes the command fail: a signature that is taken away must not pass. */
const failing: readonly Result['state'][] = ['invalid', 'missing', 'unknown'];

const shown: Readonly<Record<Result['state'], string>> = {
  valid: 'valid',
  invalid: 'INVALID',
  missing: 'missing',
  'without-keys': 'no keys',
  'not-from-registry': 'not from a registry',
  unknown: 'not verified',
};

export async function runSignatures(output: Output, options: SignatureOptions): Promise<void> {
  const origins = await pluginOrigins(options.config);
  const checked = await allChecked(origins, options.registry);
  const failed = checked.filter(({ result }) => failing.includes(result.state));
  if (options.json)
    printJson(output, {
      plugins: checked.map(({ origin, registry, result }) => ({ ...origin, registry, signature: result })),
    });
  else print(checked, output);
  if (failed.length > 0) throw new CommandFailure(exitCodes.failed);
}

async function allChecked(origins: readonly PluginOrigin[], given: string | undefined): Promise<readonly Checked[]> {
  const network = await openNetwork();
  const registries = new Map<string, Registry>();
  const registryAt = (url: string): Registry => {
    const known = registries.get(url) ?? new Registry(network, url);
    registries.set(url, known);
    return known;
  };
  try {
    return await Promise.all(
      origins.map(async (origin) => {
        const { name, version, provenance } = origin;
        if (provenance?.source !== 'registry')
          return { origin, registry: null, result: { state: 'not-from-registry', reason: whereFrom(origin) } as const };
        const registry = registryAt(given ?? registryOf(provenance.resolved, name ?? ''));
        const { integrity } = provenance;
        const result: Result =
          name === null || version === null || integrity === null
            ? { state: 'unknown', reason: 'npm has recorded no digest of it' }
            : await registry.check({ name, version, integrity });
        return { origin, registry: registry.url, result };
      }),
    );
  } finally {
    await network.close();
  }
}

/** Where the archives of a package are below its registry, that is in front of `/@acme/crm/-/`. */
function registryOf(resolved: string | null, name: string): string {
  const index = resolved?.indexOf(`/${name}/-/`) ?? -1;
  return resolved === null || index < 0 ? usualRegistry : resolved.slice(0, index);
}

function whereFrom({ plugin, provenance }: PluginOrigin): string {
  if (provenance === null) return 'it is not installed';
  const { source, resolved } = provenance;
  if (source === 'unknown') return 'npm has recorded nothing about it';
  return resolved === null || resolved === plugin ? source : `${source} ${resolved}`;
}

function print(checked: readonly Checked[], output: Output): void {
  const rows = checked.map(({ origin: { plugin, version }, registry, result }) => [
    plugin,
    version ?? '',
    styled(output, styleOf(result), shown[result.state]),
    detailOf(result, registry),
  ]);
  printTable(output, ['plugin', 'version', 'signature', 'detail'], rows);
  const all = checked.map(({ result }) => result);
  const failed = all.filter(({ state }) => failing.includes(state)).length;
  if (failed > 0) output.note(`${failed} of ${all.length} could not be verified.`);
  if (all.some((result) => result.state === 'valid' && result.attestation !== null))
    output.note(
      'Repository and commit are what the registry states; "npm audit signatures" verifies the attestation, and the signatures of all dependencies.',
    );
}

function styleOf({ state }: Result): 'green' | 'red' | 'dim' {
  if (state === 'valid') return 'green';
  return failing.includes(state) ? 'red' : 'dim';
}

function detailOf(result: Result, registry: string | null): string {
  if (result.state !== 'valid') return result.reason;
  return `signed by ${registry} with ${result.keyid}${builtFrom(result.attestation)}`;
}

function builtFrom(attestation: Attestation | null): string {
  if (attestation === null) return '';
  const { repository, commit } = attestation;
  return `; built from ${repository}${commit === null ? '' : `, commit ${commit}`}`;
}
