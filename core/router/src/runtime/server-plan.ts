/** What the HTTP server takes from the configuration. */
import type { Clock, Component, Source } from '@switchhook/sdk';
import type { Installed } from '../api/configuration-responses.js';
import type { ComponentRow, Config } from '../config/config.js';
import { routerRow } from '../config/router-row.js';
import { allHidden, isSecretName, secretsHidden } from '../config/secret-text.js';
import type { ApiAccess } from '../http/access.js';
import type { BodyLimits } from '../http/body.js';
import type { RouterInfo } from '../http/endpoint.js';
import type { Hook } from '../http/hooks.js';
import { version } from '../system/version.js';
import { changedFiles, pathFrom } from './file-digests.js';
import { installedComponents } from './installed-components.js';

/** Read for each request. */
export interface ServerPlan {
  readonly hooks: ReadonlyMap<string, Hook>;
  readonly access: ApiAccess;
  /** Null = no token is needed. */
  readonly metricsAccess: ApiAccess | null;
  readonly limits: BodyLimits;
  readonly trustProxy: boolean;
  readonly publicUrl: string | null;
  readonly info: RouterInfo;
}

export function serverPlan(config: Config, sources: ReadonlyMap<string, Source>, clock: Clock): ServerPlan {
  const { adminToken, trustProxy, publicUrl, publicMetrics, bodyLimitBytes, bodyTimeoutMs } = config.server;
  const access = { token: adminToken, proxied: trustProxy || publicUrl !== null };
  return {
    hooks: new Map(config.sources.map(({ name, component }) => [name, hookOf(component, sources.get(name))])),
    ...{ access, metricsAccess: publicMetrics ? null : access },
    limits: { maxBytes: bodyLimitBytes, timeoutMs: bodyTimeoutMs },
    ...{ trustProxy, publicUrl, info: infoOf(config, sources, clock) },
  };
}

/** All rows that name a component. */
export function componentRows(config: Config): readonly ComponentRow[] {
  const { store, sources, transforms, destinations, resolvers } = config;
  return [store, ...sources, ...transforms, ...destinations, ...resolvers];
}

/** A call is not refused for the media type that its sender names. */
function hookOf({ accepts, calls = false }: Component, source: Source | undefined): Hook {
  const handshake = source?.handshake !== undefined;
  return { accepts: accepts ?? (calls ? null : ['application/json']), calls, handshake };
}

function infoOf(config: Config, sources: ReadonlyMap<string, Source>, clock: Clock): RouterInfo {
  const { file, routes, directory, shown, warnings, files, pending, digests } = config;
  const components = componentRows(config).map(({ name, component: { kind, type: use, description } }) => {
    const receivesAt = kind === 'source' ? pathOf(name, sources.get(name), clock) : null;
    return { kind, name, use, description, receivesAt };
  });
  const samples = [...config.sources, routerRow].map(
    ({ name: source, component: { type: use, calls = false, samples } }) => {
      const signs = source !== routerRow.name && sources.get(source)?.sign !== undefined;
      return {
        source,
        use,
        calls,
        signs,
        samples: Object.entries(samples ?? {}).map(([name, body]) => ({ name, body })),
      };
    },
  );
  const written = (path: string) => pathFrom(directory, path);
  let installed: Promise<Installed> | null = null;
  return {
    ...{ version, node: process.version, file, routes, components, samples },
    conditions: config.writtenConditions.map(searched),
    answers: answerFacts(config),
    configuration: {
      ...{ shown, warnings, files: files.map(written), restart: pending },
      changed: async () => (digests === undefined ? null : (await changedFiles(digests)).map(written)),
    },
    // Until the next reload.
    installed: () => {
      installed ??= installedComponents(config, componentRows(config), clock);
      return installed;
    },
  };
}

/** Where a source takes requests. What it adds to the path by its signature is a token. */
function pathOf(name: string, source: Source | undefined, clock: Clock): string | null {
  if (source === undefined || source.start !== undefined) return null;
  const path = `/hooks/${encodeURIComponent(name)}`;
  try {
    const { rest = '' } = source.sign?.(new Uint8Array(), clock.now()) ?? {};
    return rest === '' ? path : `${path}${rest.charAt(0)}***`;
  } catch {
    return path;
  }
}

function searched(text: string | null): string | null {
  return text === null ? null : secretsHidden(text);
}

/** Texts as they are written, so that no value of a variable is in them, and without literal secrets. */
function answerFacts({ answers, writtenAnswers }: Config): RouterInfo['answers'] {
  const shown = (texts: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(texts).map(([name, text]) => [
        name,
        isSecretName(name, false) ? allHidden(text) : secretsHidden(text),
      ]),
    );
  return answers.map(({ name, from, withinMs, resolve: resolvers, cache }, index) => {
    const { where = null, variables = {}, defaults = {}, overrideAgent = null } = writtenAnswers[index] ?? {};
    return {
      ...{ name, from, resolvers, where: searched(where), overrideAgent: searched(overrideAgent) },
      ...{ variables: shown(variables), defaults: shown(defaults), withinSeconds: withinMs / 1_000 },
      cache: cache === null ? null : { forSeconds: cache.forMs / 1_000, staleSeconds: cache.staleMs / 1_000 },
    };
  });
}
