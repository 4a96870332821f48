/** The configuration as the rest of the router sees it: checked, complete and frozen. */
import type { Component, Kind, MaskOptions, Plugin } from '@switchhook/sdk';
import type { AnswerRow } from '../calls/answer.js';
import type { QueuePolicy } from '../delivery/policy.js';
import type { Expectation } from '../monitor/incomplete.js';
import type { AlertPolicy } from '../monitor/tally.js';
import type { BreakerPolicy } from '../resilience/breaker.js';
import type { RetentionPolicy } from '../routing/retention-policy.js';
import type { Route } from '../routing/routes.js';
import type { NamedPlugin } from './load.js';
import type { Problem } from './problem.js';
import type { ShownConfig } from './shown-config.js';
import type { WrittenAnswer } from './written.js';

/** A whole configuration. */
export interface Config {
  /** The file, as it was named. */
  readonly file: string;
  /** Its directory, absolute: relative paths start here. */
  readonly directory: string;
  readonly server: ServerConfig;
  /** Of phone numbers that come without it, ISO 3166-1 alpha-2; null = all are international. */
  readonly country: string | null;
  readonly log: LogConfig;
  readonly alerts: AlertPolicy;
  /** Of all sources. */
  readonly expectations: readonly Expectation[];
  /** Packages and paths, as they were named. */
  readonly plugins: readonly string[];
  /** Of the plugins that have options of their own, and whose components are used: checked by the plugin's schema. */
  readonly pluginOptions: ReadonlyMap<unknown, Readonly<Record<string, unknown>>>;
  /** The plugins that `plugins:` names, and those that rows use by the name of their package. Their services are found by their tokens. */
  readonly loaded: ReadonlySet<Plugin>;
  /** Services that are injected and no loaded plugin provides, by their tokens: the installed plugins that provide them, as `plugins:` would name them. */
  readonly unlistedServices: ReadonlyMap<unknown, string>;
  readonly store: ComponentRow<'store'>;
  /** How long events, their bodies and keys are kept. */
  readonly retention: RetentionPolicy;
  readonly sources: readonly SourceRow[];
  readonly transforms: readonly ComponentRow<'transform'>[];
  readonly destinations: readonly DestinationRow[];
  readonly resolvers: readonly ResolverRow[];
  /** In the order of the file. */
  readonly routes: readonly Route[];
  /** In the order of the file: the first that matches answers. */
  readonly answers: readonly AnswerRow[];
  /** Every value that must not be seen, as it was read: those of secret options, and what variables bring into texts of components' options. */
  readonly secrets: ReadonlySet<string>;
  /** What is not wrong, but probably not meant. */
  readonly warnings: readonly Problem[];
  /** See `writtenRows`. */
  readonly written: ReadonlyMap<string, string>;
  /** See `expressionPositions`. */
  readonly positions: ReadonlyMap<string, string>;
  /** The conditions of `routes`, in the same order. */
  readonly writtenConditions: readonly (string | null)[];
  /** The texts of `answers`, in the same order. */
  readonly writtenAnswers: readonly WrittenAnswer[];
  /** All files that it depends on, absolute: the file itself, `.env` beside it, those of `${file:…}`, local plugins and what they import. */
  readonly files: readonly string[];
  /** Packages of plugins whose installed version is not the one that this process has loaded. */
  readonly outdated: readonly OutdatedPlugin[];
  /** What of the file only a restart brings into effect: the router has started with another one. */
  readonly pending: readonly RestartNeeded[];
  /** Its text without secrets. */
  readonly shown: () => ShownConfig;
  /** What `plugins` names; none where no file was read. */
  readonly named?: readonly NamedPlugin[];
  /** Digests of `files` when they were read; none where no file was. */
  readonly digests?: ReadonlyMap<string, string>;
}

/** What only a restart changes. */
export interface RestartNeeded {
  readonly setting: string;
  readonly reason: string;
}

/** A package that was replaced by another version since this process has loaded it. */
export interface OutdatedPlugin {
  readonly plugin: string;
  readonly running: string;
  readonly installed: string;
}

export interface ServerConfig {
  /** Among the routers of its store; null = by host and process. */
  readonly name: string | null;
  readonly host: string;
  readonly port: number;
  /** Without a trailing slash; null where it is not known. */
  readonly publicUrl: string | null;
  readonly bodyLimitBytes: number;
  readonly bodyTimeoutMs: number;
  readonly graceMs: number;
  readonly keepAliveMs: number;
  /** Whether `/metrics` needs no token. */
  readonly publicMetrics: boolean;
  readonly trustProxy: boolean;
  /** Whether the dashboard is served, where it is installed. */
  readonly dashboard: boolean;
  /** Whether a thread watches for code that keeps the process to itself. */
  readonly watchdog: boolean;
  /** Null = the API answers on loopback only. */
  readonly adminToken: string | null;
}

export interface LogConfig {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

/** A row that names a component. */
export interface ComponentRow<K extends Kind = Kind> {
  readonly name: string;
  readonly component: Component<K>;
  /** What brings it; null = the router itself. */
  readonly plugin: Plugin | null;
  /** `switchhook.yaml:12:3`; none or null where the file does not have it. */
  readonly position?: string | null;
  /** Checked by the component's own schema: what its `create` takes. */
  readonly options: Readonly<Record<string, unknown>>;
}

export interface SourceRow extends ComponentRow<'source'> {
  /** Whether refused requests are kept whole. */
  readonly capture: boolean;
  /** What is masked before anything is kept; null = nothing. */
  readonly mask: MaskOptions | null;
}

export interface DestinationRow extends ComponentRow<'destination'> {
  readonly queue: QueuePolicy;
}

export interface ResolverRow extends ComponentRow<'resolver'> {
  /** Null = as long as the answer has. */
  readonly timeoutMs: number | null;
  /** Names of resolvers whose facts it needs first; without cycles. */
  readonly after: readonly string[];
  /** Look-ups at the same time. */
  readonly concurrency: number;
  /** Null = none. */
  readonly breaker: BreakerPolicy | null;
}
