/** Tries a body: what would become of it, and what a caller would get; and sends it for real where that is asked for. */
import { useState } from 'preact/hooks';
import { ApiFailure, api, noneIfNotKept } from '../model/api.js';
import { now } from '../model/clock.js';
import { parseJson } from '../model/json.js';
import { linkTo } from '../model/location.js';
import type { Explanation, RouterEvent, WholeEvent } from '../model/replies.js';
import { type SampleSource, sentBody } from '../model/trial-replies.js';
import { age } from '../model/wording.js';
import { Empty, FailureNote, Loaded } from '../parts/loaded.js';
import { useResource } from '../parts/resource.js';
import type { ViewProps } from '../parts/view-props.js';
import { Explained } from './explained-body.js';
import { SendForReal } from './send-for-real.js';

interface Start {
  readonly sources: readonly SampleSource[];
  readonly latest: readonly RouterEvent[];
  readonly draft: Draft;
  /** The event of the address, where it is not kept. */
  readonly missing: string | undefined;
}

/** A body that is being written. */
interface Draft {
  readonly source: string;
  readonly body: string;
  /** Where it is from: a copy has the ids of its original. */
  readonly isCopy: boolean;
}

export function Trial({ place }: ViewProps) {
  const id = place.query.event === '' ? undefined : place.query.event;
  const start = useResource(`trial ${id ?? ''}`, async (signal): Promise<Start> => {
    const [{ sources }, { events: latest }, event] = await Promise.all([
      api<{ readonly sources: readonly SampleSource[] }>('samples', { signal }),
      api<{ readonly events: readonly RouterEvent[] }>('events', { query: { limit: '20' }, signal }),
      id === undefined ? null : api<WholeEvent>(`events/${encodeURIComponent(id)}`, { signal }).catch(noneIfNotKept),
    ]);
    const [first] = sources;
    const ofSample = { source: first?.source ?? '', body: textOf(first?.samples[0]?.body ?? {}), isCopy: true };
    const isKept = event !== null && event !== 'none';
    const draft = isKept ? draftOf(event, sources) : ofSample;
    return { sources, latest, draft, missing: event === 'none' ? id : undefined };
  });
  return (
    <>
      <h1>Try a body</h1>
      <p class="lead">
        Choose a sample, take the body of an event, or paste one as a platform sends it, and change it. The router shows
        which routes would match and why, what each destination would be sent, and what a caller would get. Nothing is
        sent or kept, unless you send it for real.
      </p>
      <Loaded of={start}>
        {(value) =>
          value.sources.length === 0 ? (
            <Empty title="No source is configured: add one to sources of the configuration." />
          ) : (
            <>
              {value.missing !== undefined && (
                <p class="note warn" role="status">
                  There is no event {value.missing}: retention may have removed it, or the address is wrong. The form
                  has a sample; take another one, or choose from <a href={linkTo(['events'])}>the events</a>.
                </p>
              )}
              <Form key={`${value.draft.source} ${value.draft.body}`} start={value} />
            </>
          )
        }
      </Loaded>
    </>
  );
}

function textOf(body: unknown): string {
  return JSON.stringify(body, null, 2);
}

function draftOf({ source, data }: WholeEvent, sources: readonly SampleSource[]): Draft {
  if (data === null) throw new ApiFailure('Retention has removed the body of this event.', 'PAGE');
  const isCall = sources.find((one) => one.source === source)?.calls ?? false;
  return { source, body: textOf(sentBody(data, isCall)), isCopy: true };
}

type Result =
  | { readonly kind: 'none' }
  | { readonly kind: 'running' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'explained'; readonly explanations: readonly Explanation[] };

const nothing: Result = { kind: 'none' };

function Form({ start: { sources, latest, draft: first } }: { readonly start: Start }) {
  const [draft, setDraft] = useState(first);
  const [result, setResult] = useState<Result>(nothing);
  const row = sources.find(({ source }) => source === draft.source);
  const change = (changed: Partial<Draft>): void => {
    setDraft({ ...draft, ...changed });
    // It is of the body before.
    setResult(nothing);
  };
  const attempt = async (run: () => Promise<void>): Promise<void> => {
    try {
      await run();
    } catch (error) {
      setResult({ kind: 'failed', reason: error instanceof ApiFailure ? error.message : String(error) });
    }
  };
  const take = (id: string): Promise<void> =>
    attempt(async () => change(draftOf(await api<WholeEvent>(`events/${encodeURIComponent(id)}`), sources)));
  const submit = (event: Event): void => {
    event.preventDefault();
    void attempt(async () => {
      const body = bodyIn(draft.body);
      setResult({ kind: 'running' });
      const { explanations } = await api<{ readonly explanations: readonly Explanation[] }>('explain', {
        method: 'POST',
        body: { source: draft.source, body },
      });
      setResult({ kind: 'explained', explanations });
    });
  };
  return (
    <>
      <form class="trial" onSubmit={submit}>
        <div class="pair">
          <Samples sources={sources} take={(source, body) => change({ source, body: textOf(body), isCopy: true })} />
          <Latest events={latest} take={take} />
        </div>
        <div class="field">
          <label for="trial-source">Source</label>
          <select
            id="trial-source"
            data-search=""
            value={draft.source}
            onChange={({ currentTarget }) => change({ source: currentTarget.value })}
          >
            {sources.map(({ source, calls }) => (
              <option key={source} value={source}>
                {calls ? `${source}, answers calls` : source}
              </option>
            ))}
          </select>
        </div>
        <div class="field">
          <label for="trial-body">Body, as JSON</label>
          <textarea
            id="trial-body"
            class="source"
            rows={14}
            spellcheck={false}
            value={draft.body}
            onInput={({ currentTarget }) => change({ body: currentTarget.value })}
          />
        </div>
        {row?.calls && (
          <p class="dim">
            A call: <em>Try it</em> asks the resolvers of its answer, which read from other systems. No event is kept,
            and no figure, cache or circuit breaker of the router changes.
          </p>
        )}
        <div class="buttons">
          <button type="submit" class="main" aria-busy={result.kind === 'running'}>
            Try it
          </button>
          {row?.signs && (
            <SendForReal
              source={row}
              bodyOf={() => bodyIn(draft.body)}
              isCopy={draft.isCopy}
              failed={(reason) => setResult({ kind: 'failed', reason })}
            />
          )}
        </div>
        {row?.signs === false && <p class="dim">{unsignable(row.source)}</p>}
      </form>
      <div role="status" aria-live="polite">
        {result.kind === 'running' && <p class="loading">Trying…</p>}
        {result.kind === 'failed' && <FailureNote text={result.reason} />}
        {result.kind === 'explained' && <Explained explanations={result.explanations} />}
      </div>
    </>
  );
}

/** Throws where it is no JSON object. */
function bodyIn(text: string): unknown {
  const body = jsonIn(text);
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body;
  throw new ApiFailure('The body is no JSON object: a request has its fields between { and }.', 'PAGE');
}

function jsonIn(text: string): unknown {
  if (text.trim() === '') throw new ApiFailure('The body is empty.', 'PAGE');
  try {
    return parseJson(text);
  } catch (error) {
    throw new ApiFailure(`The body is not JSON: ${error instanceof Error ? error.message : ''}`, 'PAGE');
  }
}

function unsignable(source: string): string {
  return source === 'router'
    ? 'The router itself makes the events of this source: they can be tried, but not sent.'
    : 'The router cannot send this source a body: its platform signs with a key that only the platform has.';
}

interface SamplesProps {
  readonly sources: readonly SampleSource[];
  readonly take: (source: string, body: unknown) => void;
}

/** The samples of all sources. */
function Samples({ sources, take }: SamplesProps) {
  const having = sources.filter(({ samples }) => samples.length > 0);
  if (having.length === 0) return null;
  return (
    <div class="field">
      <label for="trial-sample">Choose a sample</label>
      <select
        id="trial-sample"
        value=""
        onChange={({ currentTarget }) => {
          const [source, name] = JSON.parse(currentTarget.value || '[]');
          // So that the same one can be chosen again.
          currentTarget.value = '';
          const row = having.find((one) => one.source === source);
          const sample = row?.samples.find((one) => one.name === name);
          if (sample !== undefined) take(source, sample.body);
        }}
      >
        <option value="">of a source</option>
        {having.map(({ source, samples }) => (
          <optgroup key={source} label={source}>
            {samples.map(({ name }) => (
              <option key={name} value={JSON.stringify([source, name])}>
                {name}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
    </div>
  );
}

interface LatestProps {
  readonly events: readonly RouterEvent[];
  readonly take: (id: string) => Promise<void>;
}

/** The latest events, to begin with the body of one. */
function Latest({ events, take }: LatestProps) {
  if (events.length === 0) return null;
  return (
    <div class="field">
      <label for="trial-event">Take the body of an event</label>
      <select
        id="trial-event"
        value=""
        onChange={({ currentTarget }) => {
          const { value } = currentTarget;
          // So that the same event can be taken again.
          currentTarget.value = '';
          if (value !== '') void take(value);
        }}
      >
        <option value="">one of the latest</option>
        {events.map(({ id, type, subject, receivedAt }) => (
          <option key={id} value={id}>
            {[type, subject, age(receivedAt, now())].filter((one) => one !== null).join(', ')}
          </option>
        ))}
      </select>
    </div>
  );
}
