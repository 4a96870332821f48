/** What `switchhook explain` reads from the configuration, without a router. */
import { ComponentFailure, type Router } from '@switchhook/core';
import type { Explanation } from '@switchhook/core/api';
import { routerRow } from '@switchhook/core/internal';
import { isRefusal, type JsonObject } from '@switchhook/sdk';
import { configOf, unopenedRouter, withComponents } from '../local-router.js';
import { CommandFailure, exitCodes, type Output } from '../output.js';
import type { ExplainOptions } from './explain.js';

/** A sample of the source; those of the router's own events are its types. */
export async function sampleOf(what: string, options: ExplainOptions, output: Output): Promise<JsonObject> {
  const isOfRouter = options.source === routerRow.name;
  const rows = isOfRouter ? [routerRow] : (await configOf(options, output)).sources;
  const row = rows.find(({ name }) => name === options.source);
  if (row === undefined) throw new CommandFailure(exitCodes.usage, `there is no source ${options.source}`);
  const { samples = {} } = row.component;
  const sample = samples[what];
  if (sample !== undefined) return sample;
  const names = Object.keys(samples).join(', ') || 'none';
  throw new CommandFailure(exitCodes.usage, `${what} is neither a file nor a sample of ${row.name}; samples: ${names}`);
}

/** By the configuration file, without a router. */
export async function locally(
  body: JsonObject,
  options: ExplainOptions,
  output: Output,
): Promise<readonly Explanation[]> {
  const config = await configOf(options, output);
  const names = config.sources.map(({ name }) => name);
  const [only, ...others] = options.source === undefined ? names : [options.source];
  if (only === undefined || others.length > 0)
    throw new CommandFailure(exitCodes.usage, `name the source: --source ${names.join('|')}`);
  const isOfCalls = config.sources.some(({ name, component }) => name === only && component.calls === true);
  const router = unopenedRouter(config);
  try {
    return isOfCalls ? await answered(router, only, body, output) : await router.explain(only, body);
  } catch (error) {
    if (isRefusal(error)) throw new CommandFailure(exitCodes.failed, error.message);
    throw error;
  }
}

/** With what a caller would get, for which resolvers are asked: all components are opened. */
async function answered(
  router: Router,
  source: string,
  body: JsonObject,
  output: Output,
): Promise<readonly Explanation[]> {
  const routes = await router.explain(source, body);
  try {
    return await withComponents(router, output, () => router.explain(source, body, { answered: true }));
  } catch (error) {
    if (!(error instanceof ComponentFailure)) throw error;
    output.note(`What its caller would get is not shown: ${error.code}: ${error.message}`);
    return routes;
  }
}
