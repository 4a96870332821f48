/**
 * What a program needs that only asks a running router. It loads neither the router nor its libraries: what is large is imported
 * when it is used.
 */
import type { ServerConfig } from './config/config.js';
import type { Network } from './system/http-client.js';

export type { Config } from './config/config.js';
export { ConfigurationError, formatProblems, type Problem } from './config/problem.js';
export { systemClock } from './system/clock.js';
export type { Network } from './system/http-client.js';
export { httpUrl } from './system/http-url.js';
export { printable } from './system/printable.js';
export { random } from './system/random.js';
export { version } from './system/version.js';

/** Opens the router's HTTP client: close it after use. */
export async function openNetwork(): Promise<Network> {
  return (await import('./system/http-client.js')).openNetwork();
}

/** Reads the section `server` of a configuration file, and loads no plugin. Rejects with a `ConfigurationError`. */
export async function loadServer(file: string): Promise<ServerConfig> {
  return (await import('./runtime/config-file.js')).loadServer(file);
}
