/** Replays or discards all deliveries that match, by filter: a count first, then the action with its progress. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiFailure } from '../model/api.js';
import { type DiscardProgress, discardAll, replayAll, replayBodyOf } from '../model/bulk.js';
import { linkTo } from '../model/location.js';
import type { Replay } from '../model/replies.js';
import { count, ends } from '../model/wording.js';
import { Dialog } from './dialog.js';

interface BulkProps {
  /** Conditions of the list, with `state`. */
  readonly filter: Readonly<Record<string, string>>;
  readonly changed: () => void;
  readonly short?: boolean;
}

type Verb = 'replay' | 'discard';

export function BulkActions({ filter, changed, short = false }: BulkProps) {
  const [asked, setAsked] = useState<Verb | null>(null);
  const what = [filter.destination, filter.reason].filter((one) => one !== undefined).join(', ');
  // Without a state the API takes the dead ones, which is not what a list of all states shows.
  if (filter.state === undefined) return <span class="dim">Choose a state to replay or discard all that match.</span>;
  const isDiscardable = (filter.state === 'dead' && filter.reason !== 'discarded') || filter.state === 'waiting';
  const isReplayable = filter.state !== 'running';
  const labelled = (verb: string) => ({ 'aria-label': `${verb} all that match${what === '' ? '' : `: ${what}`}` });
  return (
    <div class="buttons">
      {isReplayable && (
        <button type="button" {...labelled('Replay')} onClick={() => setAsked('replay')}>
          Replay all{short ? '' : ' that match'}…
        </button>
      )}
      {isDiscardable && (
        <button type="button" class="danger" {...labelled('Discard')} onClick={() => setAsked('discard')}>
          Discard all{short ? '' : ' that match'}…
        </button>
      )}
      {asked !== null && (
        <BulkDialog
          verb={asked}
          filter={filter}
          close={() => {
            setAsked(null);
            changed();
          }}
        />
      )}
    </div>
  );
}

type Phase =
  | { readonly kind: 'counting' }
  | { readonly kind: 'counted'; readonly replay: Replay }
  | { readonly kind: 'replaying'; readonly replay: Replay }
  | { readonly kind: 'discarding'; readonly progress: DiscardProgress; readonly done: boolean }
  | { readonly kind: 'failed'; readonly reason: string };

interface DialogProps {
  readonly verb: Verb;
  readonly filter: BulkProps['filter'];
  readonly close: () => void;
}

function BulkDialog({ verb, filter, close }: DialogProps) {
  const [phase, setPhase] = useState<Phase>({ kind: 'counting' });
  const [perSecond, setPerSecond] = useState(50);
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
      const replay = await replayAll({ ...replayBodyOf(filter), dryRun: true }, signal, () => undefined);
      setPhase({ kind: 'counted', replay });
    });
    return () => abort.current.abort();
  }, []);
  const start = (): void =>
    void attempt(async (signal) => {
      if (verb === 'discard') {
        const show = (progress: DiscardProgress, done = false): void =>
          setPhase({ kind: 'discarding', progress, done });
        show({ discarded: 0, skipped: 0 });
        show(await discardAll(filter, signal, show), true);
      } else
        await replayAll({ ...replayBodyOf(filter), perSecond }, signal, (replay) =>
          setPhase({ kind: 'replaying', replay }),
        );
    });
  const title = verb === 'replay' ? 'Replay all that match' : 'Discard all that match';
  return (
    <Dialog title={title} close={close}>
      <Conditions filter={filter} />
      <div role="status" aria-live="polite">
        <PhaseText phase={phase} verb={verb} filter={filter} />
      </div>
      {phase.kind === 'counted' && phase.replay.matched > 0 && (
        <>
          {verb === 'replay' && (
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
          )}
          <div class="buttons">
            <button type="button" class={verb === 'discard' ? 'danger' : 'main'} onClick={start}>
              {verb === 'replay' ? 'Replay' : 'Discard'} {count(phase.replay.matched, 'delivery', 'deliveries')}
            </button>
            <button type="button" onClick={close}>
              Cancel
            </button>
          </div>
        </>
      )}
      {phase.kind === 'discarding' && !phase.done && (
        <button type="button" onClick={close}>
          Stop
        </button>
      )}
    </Dialog>
  );
}

function Conditions({ filter }: { readonly filter: BulkProps['filter'] }) {
  return (
    <dl class="facts">
      {Object.entries(filter).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function PhaseText({
  phase,
  verb,
  filter,
}: {
  readonly phase: Phase;
  readonly verb: Verb;
  readonly filter: BulkProps['filter'];
}) {
  switch (phase.kind) {
    case 'counting':
      return <p>Counting…</p>;
    case 'failed':
      return <p class="wrong">{ends(phase.reason)}</p>;
    case 'counted': {
      const { matched, destinations } = phase.replay;
      if (matched === 0) return <p>No delivery matches any more.</p>;
      return (
        <p>
          {count(matched, 'delivery matches', 'deliveries match')}
          {destinations.length > 0 && `, to ${destinations.join(', ')}`}.{' '}
          {verb === 'discard'
            ? 'They are not made, until a replay brings them back.'
            : 'They are sent again, the oldest first.'}
        </p>
      );
    }
    case 'replaying': {
      const { state, matched, replayed, skipped, reason } = phase.replay;
      const left = skipped.running + skipped.unconfigured + skipped.withoutBody;
      return (
        <>
          <progress
            max={Math.max(1, matched)}
            value={state === 'done' ? Math.max(1, matched) : replayed}
            aria-label="Replayed"
          />
          <p>
            {state === 'running' ? 'At work' : state}: {replayed.toLocaleString('en')} of{' '}
            {count(matched, 'delivery', 'deliveries')} made to wait for their next attempt
            {left > 0 && `, ${left.toLocaleString('en')} skipped: running, or without a destination`}.{' '}
            {reason !== null && ends(reason)}
          </p>
          {state === 'done' && <Became filter={filter} />}
        </>
      );
    }
    case 'discarding': {
      const { discarded, skipped } = phase.progress;
      return (
        <p>
          {phase.done ? 'Done: ' : ''}
          {count(discarded, 'delivery', 'deliveries')} discarded
          {skipped > 0 && `, ${skipped} skipped: their state changed meanwhile`}.
        </p>
      );
    }
  }
}

/** Leads to the same deliveries in whatever state they are now. */
function Became({ filter }: { readonly filter: BulkProps['filter'] }) {
  const { state: _, reason: __, ...rest } = filter;
  return (
    <p>
      <a href={linkTo(['deliveries'], rest)}>See what becomes of them</a>
    </p>
  );
}
