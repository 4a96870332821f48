/** The section `server` of the configuration. */
import type { Reader } from '@switchhook/sdk/internal';
import type { z } from 'zod';
import { isLoopback } from '../system/http-url.js';
import type { ServerConfig } from './config.js';
import type { ConfigDocument } from './diagnostics.js';
import type { Problem } from './problem.js';
import { serverSchema } from './schema.js';
import { nodeAt } from './tree.js';
import { Checker } from './validate.js';

/** The section has none, and their compiler takes a while to load. */
const noExpressions: Reader['compile'] = (text) => {
  throw new Error(`the section server has no expressions, and ${text} is one`);
};

/** The section `server` alone, without any plugin; or what is wrong with it or with the whole file. */
export function checkServer(document: ConfigDocument): ServerConfig | readonly Problem[] {
  const server = new Checker(document, noExpressions).check(serverSchema, ['server'], {});
  const wrong = document.problems.filter(({ path }) => path === '' || /^server\b/.test(path));
  return server === null || wrong.length > 0 ? wrong : serverConfig(server);
}

/** Warns of a host that is written and that other machines can reach, where nothing lets them use the API. The log says the same of the default. */
export function warnWithoutToken(document: ConfigDocument, { host, admin }: z.output<typeof serverSchema>): void {
  if (admin !== undefined || isLoopback(host) || nodeAt(document.root, ['server', 'host']) === null) return;
  document.warn(
    'API_TOKEN_NEEDED',
    ['server', 'host'],
    `the router listens at ${host}, which other machines can reach, and has no server.admin.token: only this machine can use the API and the dashboard`,
  );
}

/** As the router uses it, of what is written. */
export function serverConfig({
  bodyLimit,
  bodyTimeout,
  grace,
  keepAlive,
  admin,
  publicUrl,
  name,
  ...rest
}: z.output<typeof serverSchema>): ServerConfig {
  return {
    ...rest,
    name: name ?? null,
    publicUrl: publicUrl ?? null,
    bodyLimitBytes: bodyLimit,
    bodyTimeoutMs: bodyTimeout,
    graceMs: grace,
    keepAliveMs: keepAlive,
    adminToken: admin?.token ?? null,
  };
}
