/** What a new webhook of SigmaMind needs of the configuration: the URL of a source, and a place for its secret. */
import { formatProblems } from '@switchhook/core/client';
import { nodeAt, readConfigFile, scalarsIn, type TreeNode } from '@switchhook/core/internal';
import type { ConfigOptions } from '../configuration.js';
import { CommandFailure, exitCodes } from '../output.js';
import { SecretPlace } from './secret-place.js';

/** Options that say where the webhook is sent, and where its secret is written. */
export interface TargetOptions extends ConfigOptions {
  readonly agent: string;
  readonly source?: string;
  readonly url?: string;
  readonly secretTo?: string;
  readonly replace?: true;
  readonly printSecret?: true;
}

/** What was found. */
export interface Target {
  /** Name of the source, where it is known. */
  readonly source: string | null;
  readonly url: string;
  /** Null if the secret is printed. */
  readonly place: SecretPlace | null;
}

/** Where the webhook is sent, and where its secret goes. Ends the command if it is unclear, or the secret cannot be written. */
export async function targetOf(options: TargetOptions): Promise<Target> {
  const { config, printSecret, secretTo, agent, replace } = options;
  const isComplete = options.url !== undefined && (secretTo !== undefined || printSecret === true);
  const found = isComplete ? null : await sourceIn(options);
  const url = options.url ?? found?.url ?? null;
  if (url === null)
    throw new CommandFailure(exitCodes.usage, 'pass --url, or set server.publicUrl in the configuration');
  const source = options.source ?? found?.name ?? null;
  if (printSecret) return { source, url, place: null };
  const places =
    secretTo !== undefined || found === null
      ? [SecretPlace.named(secretTo ?? '', config)]
      : placesOf(found, agent, config);
  const place = places.find(({ isTaken }) => !isTaken) ?? (replace ? places[0] : undefined);
  if (place === undefined)
    throw new CommandFailure(
      exitCodes.failed,
      `${places.map(({ written }) => written).join(' and ')} ${places.length === 1 ? 'is' : 'are'} set. Add a reference to the secrets of the source and name it with --secret-to, or overwrite the secret with --replace`,
    );
  place.requireWritable();
  return { source, url, place };
}

/** The row of a source that receives the webhooks of agents, as far as it can be read: the secret need not be set yet. */
async function sourceIn({ config, source }: TargetOptions) {
  const { root, problems } = await readConfigFile(config);
  if (root === null) throw new CommandFailure(exitCodes.configuration, formatProblems(problems));
  const rows = nodeAt(root, ['sources']);
  const names = (rows?.kind === 'map' ? [...rows.entries.keys()] : []).filter((name) => {
    return textAt(root, ['sources', name, 'use']) === 'sigmamind.events';
  });
  const [name, ...others] = names.filter((each) => source === undefined || each === source);
  if (name === undefined || others.length > 0)
    throw new CommandFailure(
      exitCodes.usage,
      names.length === 0
        ? `${config} has no source with sigmamind.events: add one, or pass --url and --secret-to`
        : `name the source: --source ${names.join('|')}`,
    );
  const publicUrl = textAt(root, ['server', 'publicUrl'])?.replace(/\/+$/, '');
  const url = publicUrl === undefined ? null : `${publicUrl}/hooks/${name}`;
  return { name, url, secrets: nodeAt(root, ['sources', name, 'secrets']) };
}

function textAt(root: TreeNode, path: readonly string[]): string | undefined {
  const node = nodeAt(root, path);
  return node?.kind === 'scalar' && !node.broken && typeof node.value === 'string' ? node.value : undefined;
}

/** What the secrets of the source refer to: of all agents, or of this one. */
function placesOf(
  { secrets, name }: { readonly secrets: TreeNode | null; readonly name: string },
  agent: string,
  config: string,
) {
  const own = secrets?.kind === 'map' ? (secrets.entries.get(agent)?.node ?? null) : secrets;
  const places = (own === null ? [] : scalarsIn(own)).flatMap(
    ({ written }) => SecretPlace.referredTo(written, config) ?? [],
  );
  if (places.length > 0) return places;
  const example = `\${${agent.replace(/\W/g, '_').toUpperCase()}_SECRET}`;
  throw new CommandFailure(
    exitCodes.failed,
    own === null
      ? `source ${name} has no secret for ${agent}: add ${agent}: ${example}, or pass --secret-to`
      : `the secrets of source ${name} refer to no variable and no file: write ${example}, or pass --secret-to`,
  );
}
