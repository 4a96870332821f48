/** Which service of which plugin a token stands for, and what is wrong with services. */
import type { Inject, PluginOptions, ServiceDefinition, Token } from '@switchhook/sdk';
import { shortPath } from '../system/returned.js';
import { tokenName } from './container.js';

/** What of a plugin concerns its services. */
export interface ServicePlugin {
  readonly name: string;
  readonly services?: readonly ServiceDefinition[];
  readonly options?: PluginOptions;
}

/** A service and the plugin that has it. */
export interface Provided {
  readonly plugin: ServicePlugin;
  readonly provider: ServiceDefinition;
}

/** What provides a token for a plugin: the plugin itself, or else every other loaded one that does. */
export function providersOf(
  token: Token<unknown>,
  plugin: ServicePlugin,
  loaded: Iterable<ServicePlugin>,
): readonly Provided[] {
  const of = (one: ServicePlugin) =>
    // The last one, as in a container; `serviceProblems` refuses two.
    (one.services ?? []).filter((provider) => provider.token === token).slice(-1);
  const [own] = of(plugin);
  if (own !== undefined) return [{ plugin, provider: own }];
  return [...loaded].flatMap((one) => of(one).map((provider) => ({ plugin: one, provider })));
}

/** All services that are made for what is injected, each once, also those that services need. `isGiven`: tokens that no other plugin is asked for. */
export function servicesFor(
  inject: Inject = {},
  plugin: ServicePlugin,
  loaded: Iterable<ServicePlugin>,
  isGiven: (token: Token<unknown>) => boolean = () => false,
): readonly Provided[] {
  const found = new Map<ServiceDefinition, Provided>();
  const visit = (needed: Inject, by: ServicePlugin): void => {
    for (const token of Object.values(needed))
      for (const one of providersOf(token, by, loaded)) {
        if (found.has(one.provider) || (one.plugin !== by && isGiven(token))) continue;
        found.set(one.provider, one);
        visit(one.provider.inject ?? {}, one.plugin);
      }
  };
  visit(inject, plugin);
  return [...found.values()];
}

/** Why no service can be given for a token that neither the router nor a plugin provides. `unlisted`: see `Config`. */
export function unprovided(
  token: Token<unknown>,
  loaded: Iterable<ServicePlugin>,
  unlisted: ReadonlyMap<unknown, string>,
): Error {
  const name = tokenName(token);
  const owner = [...loaded].find(({ options }) => options?.token === token);
  if (owner !== undefined)
    return new Error(`${name} stands for the options of ${owner.name}; only ${owner.name} itself can inject them`);
  const from = unlisted.get(token);
  if (from !== undefined)
    return new Error(
      `nothing provides ${name}: it is a service of ${from}, which plugins does not name; add "${from}"`,
    );
  const copies = [...loaded].flatMap((plugin) =>
    (plugin.services ?? [])
      .filter((other) => typeof token === 'function' && tokenName(other.token) === name)
      .map((other) => `${plugin.name} provides another class ${name}${placeOf(other)}`),
  );
  const why =
    copies.length > 0
      ? `${copies.join(', ')}. If its package is installed twice, install it once: \`npm ls\` shows the copies, and a plugin names a package whose token it imports in peerDependencies`
      : 'list it by provide(…) in the services of definePlugin, or name the plugin that provides it in plugins';
  return new Error(`nothing provides ${name}: ${why}`);
}

/** Two plugins provide a token, and a third one injects it. */
export function providedTwice(token: Token<unknown>, providers: readonly Provided[]): Error {
  const those = providers.map(({ plugin, provider }) => `${plugin.name}${placeOf(provider)}`).join(' and ');
  return new Error(`${tokenName(token)} is provided by ${those}; remove one of them from plugins, or rename its token`);
}

/** Throws where `create` of a service has returned nothing or a promise: a component would fail with it at its first use. */
export function requireInstance(provider: ServiceDefinition, instance: unknown): void {
  const isPromise = typeof Object(instance).then === 'function';
  if (instance != null && !isPromise) return;
  const what = `create of the service ${tokenName(provider.token)}${placeOf(provider)} returned ${isPromise ? 'a promise' : 'nothing'}`;
  throw new Error(`${what}: return the service itself, and do in its open what takes time`);
}

/** Services of several plugins that need each other. */
export function circle(path: readonly ServiceDefinition[]): Error {
  const names = path.map((provider) => `${tokenName(provider.token)}${placeOf(provider)}`);
  return new Error(`services need each other in a circle: ${names.join(' → ')}`);
}

/** The problem of a service that injects another, if its objects have different keys at the same time. */
export function keyProblem(by: ServiceDefinition, needed: ServiceDefinition): string | null {
  if (needed.key === undefined || by.key !== undefined) return null;
  return `${tokenName(by.token)}${placeOf(by)} has no key, but injects ${tokenName(needed.token)}, which has one`;
}

/** Why the services of a plugin cannot be made, whatever the configuration; empty where they can. */
export function serviceProblems(
  providers: readonly ServiceDefinition[],
  options?: Pick<PluginOptions, 'token'>,
): readonly string[] {
  const byToken = new Map<unknown, ServiceDefinition>(providers.map((provider) => [provider.token, provider]));
  const problems = new Set<string>();
  const seen = new Set<ServiceDefinition>();
  const visit = (provider: ServiceDefinition, path: readonly ServiceDefinition[]): void => {
    if (path.includes(provider)) {
      const names = [...path.slice(path.indexOf(provider)), provider].map(({ token }) => tokenName(token));
      problems.add(`its services need each other in a circle: ${names.join(' → ')}${placeOf(provider)}`);
    }
    if (seen.has(provider)) return;
    seen.add(provider);
    for (const token of Object.values(provider.inject ?? {})) {
      const needed = byToken.get(token);
      if (needed === undefined) continue;
      const problem = keyProblem(provider, needed);
      if (problem !== null) problems.add(problem);
      visit(needed, [...path, provider]);
    }
  };
  for (const provider of providers) {
    const last = byToken.get(provider.token) ?? provider;
    if (last !== provider || provider.token === options?.token)
      problems.add(`it provides ${tokenName(provider.token)} twice${placeOf(last)}`);
    visit(provider, []);
  }
  return [...problems];
}

function placeOf({ definedAt }: ServiceDefinition): string {
  return definedAt == null ? '' : ` (${shortPath(definedAt)})`;
}
