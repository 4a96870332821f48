/** Pause, resume, probe and reset, for a destination or a resolver. */
import { useRef, useState } from 'preact/hooks';
import { api } from '../model/api.js';
import type { Probe, Standing } from '../model/replies.js';
import { duration, ends } from '../model/wording.js';
import { Action, announce } from './actions.js';
import { Dialog } from './dialog.js';

interface ControlsProps {
  readonly kind: 'destination' | 'resolver';
  readonly name: string;
  readonly row: Standing;
  readonly changed: () => void;
}

export function Controls({ kind, name, row, changed }: ControlsProps) {
  const [asking, setAsking] = useState(false);
  const path = `${kind}s/${encodeURIComponent(name)}`;
  const post = async (verb: string, done: string, body?: unknown): Promise<string> => {
    await api(`${path}/${verb}`, { method: 'POST', body });
    changed();
    return done;
  };
  const probe = async (): Promise<null> => {
    const result = await api<Probe>(`${path}/probe`, { method: 'POST' });
    changed();
    announce(
      `${name}: ${probeText(result)}`,
      result.succeeded === false ? 'bad' : result.succeeded === null ? 'warn' : 'well',
    );
    return null;
  };
  const isPaused = row.holds.some((hold) => hold.kind === 'paused');
  const isHeld = row.holds.some((hold) => hold.kind !== 'paused');
  return (
    <div class="buttons">
      {isPaused ? (
        <Action label={`Resume ${name}`} run={() => post('resume', `${name} is resumed.`)}>
          Resume
        </Action>
      ) : (
        <button type="button" aria-label={`Pause ${name}`} onClick={() => setAsking(true)}>
          Pause
        </button>
      )}
      <Action label={`Probe ${name}`} run={probe}>
        Probe
      </Action>
      {isHeld && (
        <Action label={`Reset ${name}`} run={() => post('reset', `${name}: the circuit breaker is closed.`)}>
          Reset
        </Action>
      )}
      {asking && (
        <PauseDialog
          kind={kind}
          name={name}
          close={() => setAsking(false)}
          pause={(reason) => post('pause', `${name} is paused.`, { reason })}
        />
      )}
    </div>
  );
}

function probeText({ tried, succeeded, reason, ms, paused }: Probe): string {
  const what =
    tried === 'delivery'
      ? `one waiting delivery was attempted${paused ? ', although it is paused,' : ''}`
      : tried === 'component'
        ? 'it was reached for'
        : 'nothing was tried';
  const result = succeeded === null ? '' : succeeded ? ' and it worked' : ' and it failed';
  return ends(`${what}${result} (${duration(ms)})${reason === null ? '' : `: ${reason}`}`);
}

interface PauseDialogProps {
  readonly kind: ControlsProps['kind'];
  readonly name: string;
  readonly close: () => void;
  readonly pause: (reason: string) => Promise<string>;
}

function PauseDialog({ kind, name, close, pause }: PauseDialogProps) {
  const [reason, setReason] = useState('');
  const main = useRef<HTMLDivElement>(null);
  return (
    <Dialog title={`Pause ${name}`} close={close}>
      <p>
        {kind === 'destination'
          ? 'Its events are still accepted and wait, also over restarts, until it is resumed.'
          : 'Calls are answered without it, also over restarts, until it is resumed.'}
      </p>
      <label>
        <span>Reason (required), shown to other operators</span>
        <input
          type="text"
          required
          maxLength={400}
          value={reason}
          onInput={({ currentTarget }) => setReason(currentTarget.value)}
          onKeyDown={({ key }) => key === 'Enter' && main.current?.querySelector('button')?.click()}
        />
      </label>
      <div class="buttons" ref={main}>
        <Action
          kind="main"
          disabled={reason.trim() === ''}
          run={async () => {
            const done = await pause(reason);
            close();
            return done;
          }}
        >
          Pause
        </Action>
        <button type="button" onClick={close}>
          Cancel
        </button>
      </div>
    </Dialog>
  );
}
