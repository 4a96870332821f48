/** What a reload changes: two configurations, row by row. */
import { parseJson, stringifyJson } from '@switchhook/sdk';
import type { ComponentRow, Config, RestartNeeded, ServerConfig } from '../config/config.js';
import { type Provided, servicesFor } from './plugin-providers.js';

/** Names of rows. */
export interface RowChanges {
  readonly added: readonly string[];
  /** With other options, secrets included, another policy, another version of a local plugin, or another place in their order. */
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  readonly unchanged: readonly string[];
}

/** The sections whose rows name a component, but the store. */
export const componentSections = ['sources', 'transforms', 'destinations', 'resolvers'] as const;
/** Their order counts: routes number the deliveries of an event, and the first answer that matches is taken. */
const orderedSections = ['routes', 'answers'] as const;

export type ComponentSection = (typeof componentSections)[number];
export type Changes = Readonly<Record<ComponentSection | (typeof orderedSections)[number], RowChanges>>;

/** All rows of both configurations but the store. */
export function changesBetween(earlier: Config, next: Config): Changes {
  const components = componentSections.map((section) => {
    const isSame = (name: string) => isUnchanged(section, name, earlier, next);
    return [section, rowChanges(namesOf(earlier[section]), namesOf(next[section]), isSame)];
  });
  const ordered = orderedSections.map((section) => {
    const [before, after] = [namesOf(earlier[section]), namesOf(next[section])];
    const [left, stayed] = [
      before.filter((name) => after.includes(name)),
      after.filter((name) => before.includes(name)),
    ];
    const isSame = (name: string) =>
      left.indexOf(name) === stayed.indexOf(name) && isSameText(`${section}.${name}`, earlier, next);
    return [section, rowChanges(before, after, isSame)];
  });
  // One entry for each section.
  return Object.fromEntries([...components, ...ordered]) as Changes;
}

/** Whether the component of a row, and what it is used with, can stay. */
export function isUnchanged(section: ComponentSection, name: string, earlier: Config, next: Config): boolean {
  const [before, after] = [earlier, next].map((config) => rowsOf(config, section).find((row) => row.name === name));
  if (before === undefined || after === undefined || earlier.country !== next.country) return false;
  const [services, others] = [servicesOf(before, earlier), servicesOf(after, next)];
  const areSameServices =
    services.length === others.length && services.every(({ provider }, index) => provider === others[index]?.provider);
  // Options of plugins stand in the list of plugins.
  const haveOptions = [after, ...others].some(({ plugin }) => plugin?.options !== undefined);
  const areSameOptions = !haveOptions || isSameText('plugins', earlier, next);
  return (
    before.component === after.component &&
    areSameServices &&
    areSameOptions &&
    isSameText(`${section}.${name}`, earlier, next) &&
    policyOf(before) === policyOf(after)
  );
}

const restartSettings = ['host', 'port', 'keepAliveMs', 'watchdog'] as const;
const settingNames: { readonly [K in keyof ServerConfig]: string } = {
  name: 'server.name',
  host: 'server.host',
  port: 'server.port',
  publicUrl: 'server.publicUrl',
  bodyLimitBytes: 'server.bodyLimit',
  bodyTimeoutMs: 'server.bodyTimeout',
  graceMs: 'server.grace',
  keepAliveMs: 'server.keepAlive',
  publicMetrics: 'server.publicMetrics',
  trustProxy: 'server.trustProxy',
  watchdog: 'server.watchdog',
  adminToken: 'server.admin.token',
  dashboard: 'server.dashboard',
};

/** What of the next configuration is ignored until a restart. */
export function restartNeeded(earlier: Config, next: Config): readonly RestartNeeded[] {
  return [
    ...restartSettings
      .filter((key) => earlier.server[key] !== next.server[key])
      .map((key) => ({ setting: settingNames[key], reason: 'it takes effect when the server is opened' })),
    ...changedStoreSettings(earlier, next).map((setting) => {
      return { setting, reason: 'it takes effect when the store is opened' };
    }),
    ...next.outdated.map(({ plugin, running, installed }) => {
      return { setting: plugin, reason: `version ${installed} is installed, this process runs ${running}` };
    }),
  ];
}

/** As they are written, e.g. `store.path`; `store` where its plugin has become another one. */
function changedStoreSettings(earlier: Config, next: Config): readonly string[] {
  const [before, after] = [earlier, next].map(({ written }) => Object(parseJson(written.get('store') ?? '{}')));
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changed = keys.filter((key) => stringifyJson(before[key] ?? null) !== stringifyJson(after[key] ?? null));
  if (changed.length > 0) return changed.map((key) => `store.${key}`);
  return earlier.store.component === next.store.component ? [] : ['store'];
}

/** The next configuration, with what only a restart changes as it is. */
export function untilRestart(earlier: Config, next: Config): Config {
  const { host, port, keepAliveMs, watchdog } = earlier.server;
  return {
    ...next,
    server: { ...next.server, host, port, keepAliveMs, watchdog },
    store: earlier.store,
    pending: restartNeeded(earlier, next),
    written: new Map([...next.written, ['store', earlier.written.get('store') ?? '{}']]),
  };
}

/** Settings outside of rows that take effect with the reload. */
export function changedSettings(earlier: Config, next: Config): readonly string[] {
  const keys = Object.keys(settingNames) as (keyof ServerConfig)[];
  const server = keys.filter((key) => earlier.server[key] !== next.server[key]).map((key) => settingNames[key]);
  return [
    ...server,
    ...(earlier.log.level === next.log.level ? [] : ['log.level']),
    ...(stringifyJson(earlier.alerts) === stringifyJson(next.alerts) ? [] : ['alerts']),
    ...(earlier.country === next.country ? [] : ['country']),
    ...(retentionText(earlier) === retentionText(next) ? [] : ['store.retention']),
  ];
}

/** When each row was last changed, `answers` as a whole, and settings that concern all (`''`). */
export function changedTimes(
  earlier: ReadonlyMap<string, number>,
  changes: Changes,
  settings: readonly string[],
  nowMs: number,
): ReadonlyMap<string, number> {
  const rows = Object.entries(changes).flatMap(([section, { added, changed, removed }]) => {
    const names = [...added, ...changed, ...removed];
    return [...names.map((name) => `${section}.${name}`), ...(names.length > 0 ? [section] : [])];
  });
  // Others, such as the level of the log, change nothing of what a request or a call meets.
  const concernsAll = settings.some((setting) => setting.startsWith('server.') || setting === 'country');
  const all = concernsAll ? ['', ...rows] : rows;
  return new Map([...earlier, ...all.map((key) => [key, nowMs] as const)]);
}

/** Without what sources have of their own, which is a change of their rows. */
function retentionText({ retention: { parts: _, ...ofStore } }: Config): string {
  return stringifyJson({ ...ofStore });
}

function rowChanges(
  before: readonly string[],
  after: readonly string[],
  isSame: (name: string) => boolean,
): RowChanges {
  const kept = after.filter((name) => before.includes(name));
  return {
    added: after.filter((name) => !before.includes(name)),
    changed: kept.filter((name) => !isSame(name)),
    removed: before.filter((name) => !after.includes(name)),
    unchanged: kept.filter(isSame),
  };
}

/** The rows of a section. */
export function rowsOf(config: Config, section: ComponentSection): readonly ComponentRow[] {
  return config[section];
}

/** Those of other plugins included. */
function servicesOf({ component, plugin }: ComponentRow, { loaded }: Config): readonly Provided[] {
  return servicesFor(component.inject, plugin ?? { name: 'switchhook' }, loaded);
}

function namesOf(rows: readonly { readonly name: string }[]): readonly string[] {
  return rows.map(({ name }) => name);
}

function isSameText(key: string, earlier: Config, next: Config): boolean {
  return earlier.written.get(key) === next.written.get(key);
}

/** What a row has beside its component: also defaults that its plugin sets. */
function policyOf({ component: _, plugin: __, options: ___, position: ____, ...policy }: ComponentRow): string {
  return stringifyJson(policy);
}
