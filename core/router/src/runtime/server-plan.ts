/** What the HTTP server takes from the configuration. */
import type { Component, Source } from '@switchhook/sdk';
import type { ComponentRow, Config } from '../config/config.js';
import { routerRow } from '../config/router-row.js';
import type { ApiAccess } from '../http/access.js';
import type { BodyLimits } from '../http/body.js';
import type { RouterInfo } from '../http/endpoint.js';
import type { Hook } from '../http/hooks.js';
import { version } from '../system/version.js';

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

export function serverPlan(config: Config, sources: ReadonlyMap<string, Source>): ServerPlan {
  const { adminToken, trustProxy, publicUrl, publicMetrics, bodyLimitBytes, bodyTimeoutMs } = config.server;
  const access = { token: adminToken, proxied: trustProxy || publicUrl !== null };
  return {
    hooks: new Map(config.sources.map(({ name, component }) => [name, hookOf(component, sources.get(name))])),
    ...{ access, metricsAccess: publicMetrics ? null : access },
    limits: { maxBytes: bodyLimitBytes, timeoutMs: bodyTimeoutMs },
    ...{ trustProxy, publicUrl, info: infoOf(config, sources) },
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

function infoOf(config: Config, sources: ReadonlyMap<string, Source>): RouterInfo {
  const components = componentRows(config).map(({ name, component: { kind, type: use, description } }) => {
    return { kind, name, use, description };
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
  return { version, node: process.version, file: config.file, routes: config.routes, components, samples };
}
