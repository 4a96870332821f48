/** Tries a body against today's routes. Nothing is sent or kept. */
import { useState } from 'preact/hooks';
import { ApiFailure, api } from '../model/api.js';
import { now } from '../model/clock.js';
import { parseJson } from '../model/json.js';
import type { Component, Explanation, RouterEvent, WholeEvent } from '../model/replies.js';
import { age } from '../model/wording.js';
import { RouteList } from '../parts/explained.js';
import { Empty, FailureNote, Loaded } from '../parts/loaded.js';
import { useResource } from '../parts/resource.js';
import type { ViewProps } from '../parts/view-props.js';

interface Start {
  readonly sources: readonly string[];
  /** The source and the body to begin with. */
  readonly source: string;
  readonly body: string;
  /** Whose body may be taken instead. */
  readonly latest: readonly RouterEvent[];
}

export function Trial({ place }: ViewProps) {
  const id = place.query.event === '' ? undefined : place.query.event;
  const start = useResource(`trial ${id ?? ''}`, async (signal): Promise<Start> => {
    const [{ components }, { events }, event] = await Promise.all([
      api<{ readonly components: readonly Component[] }>('components', { signal }),
      api<{ readonly events: readonly RouterEvent[] }>('events', { query: { limit: '20' }, signal }),
      id === undefined ? null : api<WholeEvent>(`events/${encodeURIComponent(id)}`, { signal }),
    ]);
    const sources = components.filter(({ kind }) => kind === 'source').map(({ name }) => name);
    return {
      sources,
      latest: events,
      source: event?.source ?? sources[0] ?? '',
      body: JSON.stringify(event?.data ?? {}, null, 2),
    };
  });
  return (
    <>
      <h1>Try a body</h1>
      <p class="lead">
        Paste a body as a platform sends it, or take that of an event and change it. The router shows which routes would
        match and what each destination would be sent. Nothing is sent or kept.
      </p>
      <Loaded of={start}>
        {(value) =>
          value.sources.length === 0 ? (
            <Empty title="No source is configured: add one to sources of the configuration." />
          ) : (
            <Form key={`${value.source} ${value.body}`} start={value} />
          )
        }
      </Loaded>
    </>
  );
}

type Result =
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'explained'; readonly explanations: readonly Explanation[] };

function Form({ start }: { readonly start: Start }) {
  const [source, setSource] = useState(start.source);
  const [body, setBody] = useState(start.body);
  const [result, setResult] = useState<Result>({ kind: 'none' });
  const take = async (id: string): Promise<void> => {
    try {
      const event = await api<WholeEvent>(`events/${encodeURIComponent(id)}`);
      if (event.data === null) throw new Error('Retention has removed the body of this event.');
      setSource(event.source);
      setBody(JSON.stringify(event.data, null, 2));
      setResult({ kind: 'none' });
    } catch (error) {
      setResult({ kind: 'failed', reason: error instanceof ApiFailure ? error.message : String(error) });
    }
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      const asked = { source, body: parseJson(body) };
      const { explanations } = await api<{ readonly explanations: readonly Explanation[] }>('explain', {
        method: 'POST',
        body: asked,
      });
      setResult({ kind: 'explained', explanations });
    } catch (error) {
      const reason =
        error instanceof ApiFailure
          ? error.message
          : `The body is not JSON: ${error instanceof Error ? error.message : ''}`;
      setResult({ kind: 'failed', reason });
    }
  };
  return (
    <>
      <Latest events={start.latest} take={take} />
      <form class="trial" onSubmit={(event) => void submit(event)}>
        <div class="field">
          <label for="trial-source">Source</label>
          <select
            id="trial-source"
            data-search=""
            value={source}
            onChange={({ currentTarget }) => setSource(currentTarget.value)}
          >
            {start.sources.map((name) => (
              <option key={name} value={name}>
                {name}
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
            value={body}
            onInput={({ currentTarget }) => setBody(currentTarget.value)}
          />
        </div>
        <button type="submit" class="main">
          Try it
        </button>
      </form>
      <div role="status" aria-live="polite">
        {result.kind === 'failed' && <FailureNote text={result.reason} />}
        {result.kind === 'explained' && <Explained explanations={result.explanations} />}
      </div>
    </>
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
    <div class="trial">
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
    </div>
  );
}

function Explained({ explanations }: { readonly explanations: readonly Explanation[] }) {
  if (explanations.length === 0) return <Empty title="The source makes no event of this body." />;
  return (
    <>
      {explanations.map(({ event, routes }) => (
        <section key={event.id} aria-label={`Event ${event.type}`}>
          <h2>
            {event.type} <span class="dim">{event.subject ?? 'without a call or conversation'}</span>
          </h2>
          <RouteList routes={routes} />
        </section>
      ))}
    </>
  );
}
