/** What an endpoint of the API is, and what it answers from. */
import type { Readable } from 'node:stream';
import type { JsonObject, Kind, RefusalCode } from '@switchhook/sdk';
import type { z } from 'zod';
import type { ChangeFeed } from '../admin/change-feed.js';
import type { Controls } from '../admin/control.js';
import type { EventSearches } from '../admin/event-search.js';
import type { History } from '../admin/history.js';
import type { Operations } from '../admin/operations.js';
import type { StatusReader } from '../admin/status.js';
import type { Intake, Trials } from '../admin/trials.js';
import type { AnswerList, Configuration, Installed } from '../api/configuration-responses.js';
import type { ReloadReport, RestartReport } from '../api/reload-responses.js';
import type { ReloadRequest } from '../api/requests.js';
import type { RecentDuplicates } from '../ingest/duplicates.js';
import type { Incomplete } from '../monitor/incomplete.js';
import type { RetentionPolicy } from '../routing/retention-policy.js';
import type { Route } from '../routing/routes.js';
import type { Session } from './sessions.js';

/** What the API returns from the configuration alone. */
export interface RouterInfo {
  readonly version: string;
  readonly node: string;
  /** The configuration file. */
  readonly file: string;
  readonly routes: readonly Route[];
  /** Of `routes`, in the same order: conditions as they are written, without secrets. */
  readonly conditions: readonly (string | null)[];
  /** In the order of the file, without secrets that are written in it. */
  readonly answers: AnswerList['answers'];
  readonly configuration: ConfigurationFacts;
  /** What is installed. Must not reject. */
  readonly installed: () => Promise<Installed>;
  /** Everything that is configured, the store included. */
  readonly components: readonly ComponentFacts[];
  readonly samples: readonly SampleSource[];
}

/** Bodies to try a source with. */
export interface SampleSource {
  readonly source: string;
  readonly use: string;
  readonly calls: boolean;
  /** Whether it can sign a body as its platform does. */
  readonly signs: boolean;
  readonly samples: readonly { readonly name: string; readonly body: JsonObject }[];
}

/** The configuration at work, as it was read. */
export interface ConfigurationFacts extends Pick<Configuration, 'files' | 'restart' | 'warnings'> {
  /** Its text without secrets. */
  readonly shown: () => { readonly isFile: boolean; readonly text: string };
  /** Files with another content by now; null where none was read. */
  readonly changed: () => Promise<readonly string[] | null>;
}

/** A component that is configured. */
export interface ComponentFacts {
  readonly kind: Kind;
  readonly name: string;
  readonly use: string;
  readonly description: string;
  /** The path of a source that takes requests, without its secrets. Null for anything else. */
  readonly receivesAt: string | null;
}

/** What endpoints answer from. */
export interface Answering {
  readonly operations: Operations;
  readonly searches: EventSearches;
  readonly trials: Trials;
  /** Takes what a trial sends for real. */
  readonly intake: Intake;
  readonly status: StatusReader;
  readonly controls: Controls;
  readonly duplicates: RecentDuplicates;
  readonly changes: ChangeFeed;
  readonly incomplete: Incomplete;
  readonly history: History;
  /** What retention removed when it looked last; null before it did. */
  readonly pruned: () => { readonly atMs: number; readonly removed: number; readonly bodies: number } | null;
  readonly retention: () => RetentionPolicy;
  readonly info: RouterInfo;
  /** Which configuration is at work, and since when. */
  readonly generation: { readonly number: number; readonly sinceMs: number; readonly digest: string };
  /** Replaces the secrets of the configuration. */
  readonly mask: (text: string) => string;
  /** Reads the configuration anew. Refuses as `CONFIG_REJECTED`. */
  readonly reload: (request: ReloadRequest) => Promise<ReloadReport>;
  /** Has another process take over. Refuses as `NOT_REPLACEABLE` or `RESTART_FAILED`. */
  readonly restart: () => Promise<RestartReport>;
  readonly nowMs: number;
}

/** A request, checked. */
interface Asked<Q, B> {
  /** The address of the client. */
  readonly from: string;
  readonly session: Session;
  /** Where a stream that broke off has to go on; null where it begins. */
  readonly lastEventId: string | null;
  /** What stands for `{id}` in the path; `''` where nothing does. */
  readonly id: string;
  readonly query: Q;
  readonly body: B;
  /** False from when on the client has gone. */
  isWaiting(): boolean;
}

/** A request for a stream, checked. */
interface AskedStream extends Pick<Asked<unknown, unknown>, 'query' | 'lastEventId'> {
  /** False from when on the client is signed out, or its token is another one: it gets nothing more. */
  isAllowed(): boolean;
  /** Aborted when the client has gone. The stream itself ends later: when its generator has what it waits for. */
  readonly gone: AbortSignal;
}

/** One endpoint. */
export interface Endpoint<
  Q extends z.ZodObject = z.ZodObject,
  B extends z.ZodType = z.ZodType,
  R extends z.ZodType = z.ZodType,
> {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** True where no token is needed, if there is one. All endpoints of a path are alike. */
  readonly open?: true;
  /** `{id}` stands for one segment. */
  readonly path: string;
  readonly summary: string;
  readonly query: Q;
  /** `nothing` where none is read. */
  readonly body: B;
  readonly reply: R;
  /** What it can refuse, beside what every endpoint can. */
  readonly refusals: readonly RefusalCode[];
  answer(asked: Asked<z.output<Q>, z.output<B>>, from: Answering): Promise<z.input<R>>;
  /** Replaces `answer`: server-sent events whose data are replies. */
  stream?(asked: AskedStream, from: Answering): Promise<Readable>;
}

/** One endpoint, typed by its schemas. */
export function endpoint<Q extends z.ZodObject, B extends z.ZodType, R extends z.ZodType>(
  one: Endpoint<Q, B, R>,
): Endpoint {
  // The types hold between the schemas and the answer of one endpoint; outside, every endpoint takes a request that was checked already.
  return one as unknown as Endpoint;
}
