/** Replays or discards all deliveries that match, by filter: a count first, then the action with its progress, and what became of them. */
import type { ComponentChild } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiFailure } from '../model/api.js';
import {
  bulkBodyOf,
  type Conditions,
  cancel,
  changeAll,
  changedBy,
  changesMade,
  changesOf,
  levelOf,
  type Made,
  openOf,
  skippedBy,
  usualPace,
  type Verb,
  willBe,
} from '../model/bulk.js';
import type { BulkChange } from '../model/bulk-replies.js';
import { count, ends, excerpt } from '../model/wording.js';
import { Action } from './actions.js';
import { Became } from './became.js';
import { Dialog } from './dialog.js';
import { useResource } from './resource.js';
import { Badge, Time } from './text.js';

/** What an operator wants to do with many deliveries. */
interface Asked {
  readonly verb: Verb;
  readonly filter: Conditions;
}

/**
 * The dialog for changes of many, and how to open it. It belongs to a view, not to the buttons: these may go while it is open, such as
 * with the last row of a list. `changed`: called when it is closed.
 */
export function useBulk(changed: () => void): {
  readonly ask: (asked: Asked) => void;
  readonly dialog: ComponentChild;
} {
  const [asked, ask] = useState<Asked | null>(null);
  const close = (): void => {
    ask(null);
    changed();
  };
  return { ask, dialog: asked !== null && <BulkDialog verb={asked.verb} filter={asked.filter} close={close} /> };
}

interface BulkProps {
  /** Conditions of the list, with `state`. */
  readonly filter: Conditions;
  readonly ask: (asked: Asked) => void;
  /** How many match, where that is known; their number is on the buttons then. */
  readonly matching?: number;
}

export function BulkActions({ filter, ask, matching }: BulkProps) {
  const { destination, reason, failure } = filter;
  const conditions = [destination, reason, failure === null ? noAttempt : failure && excerpt(failure, 80)];
  const what = conditions.filter((one) => one !== undefined).join(', ');
  // Without a state the API takes the dead ones, which is not what a list of all states shows.
  if (filter.state === undefined) return <span class="dim">Choose a state to replay or discard all that match.</span>;
  const isDiscardable = (filter.state === 'dead' && filter.reason !== 'discarded') || filter.state === 'waiting';
  const isReplayable = filter.state !== 'running';
  const which = matching === undefined ? 'all that match' : matching.toLocaleString('en');
  const labelled = (verb: string) => ({ 'aria-label': `${verb} ${which}${what === '' ? '' : `: ${what}`}` });
  return (
    <div class="buttons">
      {isReplayable && (
        <button type="button" {...labelled('Replay')} onClick={() => ask({ verb: 'replay', filter })}>
          Replay {which}…
        </button>
      )}
      {isDiscardable && (
        <button type="button" class="danger" {...labelled('Discard')} onClick={() => ask({ verb: 'discard', filter })}>
          Discard {which}…
        </button>
      )}
    </div>
  );
}

/** A failure that is null. */
export const noAttempt = 'no attempt came back';

type Phase =
  | { readonly kind: 'counting' }
  | { readonly kind: 'counted'; readonly change: BulkChange }
  | { readonly kind: 'starting' }
  | { readonly kind: 'changing'; readonly change: BulkChange }
  | { readonly kind: 'failed'; readonly reason: string };

interface DialogProps {
  readonly verb: Verb;
  readonly filter: BulkProps['filter'];
  readonly close: () => void;
}

function BulkDialog({ verb, filter, close }: DialogProps) {
  const [phase, setPhase] = useState<Phase>({ kind: 'counting' });
  const [perSecond, setPerSecond] = useState(usualPace[verb]);
  const abort = useRef(new AbortController());
  const attempt = async (run: (signal: AbortSignal) => Promise<void>): Promise<void> => {
    const { signal } = abort.current;
    try {
      await run(signal);
    } catch (error) {
      if (!signal.aborted)
        setPhase({ kind: 'failed', reason: error instanceof ApiFailure ? error.message : String(error) });
    }
  };
  useEffect(() => {
    void attempt(async (signal) => {
      const change = await changeAll(verb, { ...bulkBodyOf(filter), dryRun: true }, signal, () => undefined);
      setPhase({ kind: 'counted', change });
    });
    return () => abort.current.abort();
  }, []);
  const start = (): void =>
    void attempt(async (signal) => {
      // In place of the button, which could be clicked once more until the router has replied.
      setPhase({ kind: 'starting' });
      await changeAll(verb, { ...bulkBodyOf(filter), perSecond }, signal, (change) =>
        setPhase({ kind: 'changing', change }),
      );
    });
  const title = verb === 'replay' ? 'Replay all that match' : 'Discard all that match';
  return (
    <Dialog title={title} close={close}>
      <Chosen filter={filter} />
      <div role="status" aria-live="polite">
        <PhaseText phase={phase} verb={verb} />
      </div>
      {phase.kind === 'counted' && phase.change.matched > 0 && (
        <>
          <label>
            <span>Deliveries per second</span>
            <input
              type="number"
              min={1}
              max={10_000}
              value={perSecond}
              onInput={({ currentTarget }) =>
                setPerSecond(Math.min(10_000, Math.max(1, Math.round(Number(currentTarget.value)) || 1)))
              }
            />
          </label>
          <div class="buttons">
            <button type="button" class={verb === 'discard' ? 'danger' : 'main'} onClick={start}>
              {verb === 'replay' ? 'Replay' : 'Discard'} {count(phase.change.matched, 'delivery', 'deliveries')}
            </button>
            <button type="button" onClick={close}>
              Cancel
            </button>
          </div>
        </>
      )}
      {phase.kind === 'changing' && phase.change.state === 'running' && (
        <>
          <p class="dim">It goes on in the router if you close this page.</p>
          <Stop made={{ verb, change: phase.change }} />
        </>
      )}
    </Dialog>
  );
}

function Stop({ made }: { readonly made: Made }) {
  const stop = async (): Promise<string> => {
    const { matched, ...rest } = await cancel(made);
    const changed = changedBy({ ...rest, matched });
    return `The ${made.verb} was cancelled: ${changed.toLocaleString('en')} of ${count(matched, 'delivery', 'deliveries')} ${done[made.verb]}.`;
  };
  return (
    <Action run={stop} label={`Stop the ${made.verb}`}>
      Stop
    </Action>
  );
}

function Chosen({ filter }: { readonly filter: BulkProps['filter'] }) {
  return (
    <dl class="facts">
      {Object.entries(filter).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value ?? noAttempt}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What has been done to those that it changed. */
const done = { replay: 'made to wait for their next attempt', discard: 'discarded' } as const;

function PhaseText({ phase, verb }: { readonly phase: Phase; readonly verb: Verb }) {
  switch (phase.kind) {
    case 'counting':
      return <p>Counting…</p>;
    case 'starting':
      return <p>Starting…</p>;
    case 'failed':
      return <p class="wrong">{ends(phase.reason)}</p>;
    case 'counted': {
      const { matched, destinations } = phase.change;
      if (matched === 0) return <p>No delivery matches any more.</p>;
      return (
        <p>
          {count(matched, 'delivery matches', 'deliveries match')}
          {destinations.length > 0 && `, to ${destinations.join(', ')}`}. {willBe(verb, matched)}
          {'heldBack' in phase.change && phase.change.heldBack.map((sentence) => ` ${sentence}`)}
        </p>
      );
    }
    case 'changing':
      return <Progress made={{ verb, change: phase.change }} />;
  }
}

function Progress({ made }: { readonly made: Made }) {
  const { verb, change } = made;
  const { state, matched, reason } = change;
  const most = Math.max(1, matched);
  const skipped = skippedBy(change);
  return (
    <>
      <progress
        max={most}
        value={state === 'done' ? most : changedBy(change)}
        aria-label={verb === 'replay' ? 'Replayed' : 'Discarded'}
      />
      <p>
        {state === 'running' ? 'At work' : state}: {changedBy(change).toLocaleString('en')} of{' '}
        {count(matched, 'delivery', 'deliveries')} {done[verb]}
        {skipped > 0 &&
          `, ${skipped.toLocaleString('en')} skipped: ${verb === 'replay' ? 'running, without a destination, or without their body' : 'their state changed meanwhile'}`}
        . {reason !== null && ends(reason)}
      </p>
      {state !== 'running' && <Became made={made} />}
    </>
  );
}

/** How many of them are listed, and how soon they are read again while one runs. */
const [listed, soonMs, laterMs] = [5, 1_000, 5_000];

/** The latest replays and discards of many, also of other pages and of the command line. Nothing where there was none. */
export function BulkHistory() {
  const found = useResource('bulk changes', changesOf, (all) => {
    if (all.some(({ change }) => change.state === 'running')) return soonMs;
    return all.some(({ change }) => openOf(change) > 0) ? laterMs : null;
  });
  const made = changesMade.value;
  useEffect(() => {
    if (made > 0) found.reload();
  }, [made]);
  const latest = found.data.value?.slice(0, listed) ?? [];
  if (latest.length === 0) return null;
  return (
    <section aria-labelledby="bulk-history">
      <h2 id="bulk-history">Replays and discards of many, since the router started</h2>
      <ul class="facts-list">
        {latest.map((one) => (
          <li key={one.change.id}>
            <Badge level={levelOf(one.change)}>{`${one.verb}: ${one.change.state}`}</Badge>{' '}
            {changedBy(one.change).toLocaleString('en')} of {count(one.change.matched, 'delivery', 'deliveries')},{' '}
            <Time iso={one.change.startedAt} />{' '}
            <span class="dim">
              {Object.entries(one.change.filter)
                .map(([name, value]) => `${name}: ${value ?? noAttempt}`)
                .join(', ')}
            </span>{' '}
            {one.change.state === 'running' ? <Stop made={one} /> : <Became made={one} />}
          </li>
        ))}
      </ul>
    </section>
  );
}
