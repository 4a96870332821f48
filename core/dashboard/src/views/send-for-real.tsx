/** Sends a body to its source as its platform would: says first what will happen, then what has become of it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiFailure, api } from '../model/api.js';
import { linkTo } from '../model/location.js';
import type { Explanation } from '../model/replies.js';
import type { SampleSource, Sent } from '../model/trial-replies.js';
import { count, ends } from '../model/wording.js';
import { Dialog } from '../parts/dialog.js';
import { Badge } from '../parts/text.js';
import { Source } from '../parts/tree.js';

interface SendProps {
  readonly source: SampleSource;
  /** Throws where it is not JSON. */
  readonly bodyOf: () => unknown;
  /** Whether it is a copy of a sample or an event, with its ids. */
  readonly isCopy: boolean;
  readonly failed: (reason: string) => void;
}

/** The button, and its dialog. */
export function SendForReal({ source, bodyOf, isCopy, failed }: SendProps) {
  const [asked, setAsked] = useState<{ readonly body: unknown } | null>(null);
  const ask = (): void => {
    try {
      setAsked({ body: bodyOf() });
    } catch (error) {
      failed(error instanceof ApiFailure ? error.message : String(error));
    }
  };
  return (
    <>
      <button type="button" onClick={ask}>
        Send it for real…
      </button>
      {asked !== null && <SendDialog source={source} body={asked.body} isCopy={isCopy} close={() => setAsked(null)} />}
    </>
  );
}

type Phase =
  | { readonly kind: 'looking' }
  | { readonly kind: 'ready'; readonly explanations: readonly Explanation[] }
  | { readonly kind: 'sending' }
  | { readonly kind: 'sent'; readonly sent: Sent }
  | { readonly kind: 'failed'; readonly reason: string };

interface DialogProps extends Pick<SendProps, 'source' | 'isCopy'> {
  readonly body: unknown;
  readonly close: () => void;
}

function SendDialog({ source: { source, calls }, body, isCopy, close }: DialogProps) {
  const [phase, setPhase] = useState<Phase>({ kind: 'looking' });
  const [newIds, setNewIds] = useState(isCopy);
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
      const asked = { method: 'POST' as const, body: { source, body }, signal };
      const { explanations } = await api<{ readonly explanations: readonly Explanation[] }>('explain', asked);
      setPhase({ kind: 'ready', explanations });
    });
    return () => abort.current.abort();
  }, []);
  const send = (): void =>
    void attempt(async (signal) => {
      setPhase({ kind: 'sending' });
      const sent = await api<Sent>('send', { method: 'POST', body: { source, body, newIds }, signal });
      setPhase({ kind: 'sent', sent });
    });
  return (
    <Dialog title={`Send to ${source} for real`} close={close}>
      <div role="status" aria-live="polite">
        {phase.kind === 'looking' && <p>Looking at what will happen…</p>}
        {phase.kind === 'ready' && <WillHappen explanations={phase.explanations} isCall={calls} />}
        {phase.kind === 'sending' && <p>Sending…</p>}
        {phase.kind === 'sent' && <Became sent={phase.sent} isCall={calls} />}
        {phase.kind === 'failed' && <p class="wrong">{ends(phase.reason)}</p>}
      </div>
      {phase.kind === 'ready' && (
        <>
          <label class="check">
            <input
              type="checkbox"
              checked={newIds}
              onChange={({ currentTarget }) => setNewIds(currentTarget.checked)}
            />{' '}
            Give it new ids, so that it is another event
          </label>
          <p class="dim">
            With the ids of an event that is kept it is a duplicate, and nothing is delivered
            {calls && '; a call between the same numbers within a short time gets the answer of the first one'}.
          </p>
          <div class="buttons">
            <button type="button" class="main" onClick={send}>
              Send it
            </button>
            <button type="button" onClick={close}>
              Cancel
            </button>
          </div>
        </>
      )}
    </Dialog>
  );
}

interface WillHappenProps {
  readonly explanations: readonly Explanation[];
  readonly isCall: boolean;
}

function WillHappen({ explanations, isCall }: WillHappenProps) {
  const wanted = explanations.flatMap(({ routes }) =>
    routes.filter(({ matches }) => matches).flatMap(({ destinations }) => destinations),
  );
  const names = [...new Set(wanted.map(({ destination }) => destination))];
  const held = [...new Set(wanted.map(({ heldBack }) => heldBack).filter((text) => text !== null))];
  const rejected = wanted.filter((one) => one.rejected);
  return (
    <>
      <p>The router signs the body with the secret of the source, and takes it as a request of the platform:</p>
      <ul>
        <li>
          {isCall ? 'the call is answered, and' : 'it is verified;'}{' '}
          {count(explanations.length, 'event is', 'events are')} kept,
        </li>
        <li>
          {names.length === 0
            ? 'no route matches: nothing is delivered.'
            : `${count(wanted.length, 'delivery is', 'deliveries are')} made, to ${names.join(', ')}.`}
        </li>
      </ul>
      {names.length > 0 && <p>The destinations receive it like any other event.</p>}
      {rejected.map(({ destination, reason }) => (
        <p key={destination} class="note bad">
          The delivery to {destination} would be rejected: {ends(reason ?? '')}
        </p>
      ))}
      {held.map((text) => (
        <p key={text} class="note warn">
          {text} What is for it waits.
        </p>
      ))}
    </>
  );
}

function Became({ sent, isCall }: { readonly sent: Sent; readonly isCall: boolean }) {
  const { reply, event, duplicate, reason, replaced, kept } = sent;
  return (
    <>
      <p>
        {reason === null ? (
          <Badge level="well">Replied with {reply.status}</Badge>
        ) : (
          <Badge level="bad">Refused with {reply.status}</Badge>
        )}{' '}
        {reason !== null && ends(reason)}
        {duplicate && 'It was there already: nothing is delivered anew.'}
      </p>
      {event !== null && (
        <p>
          <a href={linkTo([isCall ? 'calls' : 'events', event])}>
            {isCall ? 'The call and its answer' : 'The event and its deliveries'}
          </a>
        </p>
      )}
      {replaced.length > 0 && (
        <>
          <p>It was sent with new ids, so that it is another event:</p>
          <ul>
            {replaced.map((id) => (
              <li key={id.old}>
                <code>{id.old}</code> → <code>{id.new}</code>
              </li>
            ))}
          </ul>
        </>
      )}
      {kept.length > 0 && (
        <p class="note warn">
          The source does not go by these ids, which stay:{' '}
          {kept.map(({ field, value }) => `${field} ${value}`).join(', ')}. A system behind that goes by one of them
          sees the same call or customer again: change it in the body.
        </p>
      )}
      {reply.text !== null && <Source text={reply.text} label="Text of the reply" />}
      {reply.body !== null && <Source text={JSON.stringify(reply.body, null, 2)} label="Body of the reply" />}
    </>
  );
}
