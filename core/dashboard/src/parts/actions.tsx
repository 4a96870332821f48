/** Buttons that do something at the router, and where their results appear. */

import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { ApiFailure } from '../model/api.js';
import { after } from '../model/clock.js';
import type { Level } from '../model/replies.js';
import { ends } from '../model/wording.js';

/** What the last actions came to, newest last. */
const notes = signal<readonly { readonly id: number; readonly level: Level; readonly text: string }[]>([]);
let lastId = 0;
/** Long enough to read a sentence. */
const shownMs = 10_000;

/** Shows a sentence for a while. */
export function announce(text: string, level: Level = 'well'): void {
  lastId += 1;
  const id = lastId;
  notes.value = [...notes.value.slice(-3), { id, level, text: ends(text) }];
  if (level !== 'bad') after(shownMs, () => dismiss(id));
}

function dismiss(id: number): void {
  notes.value = notes.value.filter((note) => note.id !== id);
}

/** How many modal dialogs are open: everything outside of them is inert, and behind their backdrop. */
export const openDialogs = signal(0);

/** The sentences: read out by screen readers. `inDialog`: those of an open dialog, which stand in place of those of the frame. */
export function Announcements({ inDialog = false }: { readonly inDialog?: boolean }) {
  const shown = inDialog || openDialogs.value === 0 ? notes.value : [];
  return (
    <div class="announcements" role="status" aria-live="polite">
      {shown.map(({ id, level, text }) => (
        <p key={id} class={`note ${level}`}>
          <span>{text}</span>
          <button type="button" aria-label="Close this message" onClick={() => dismiss(id)}>
            ×
          </button>
        </p>
      ))}
    </div>
  );
}

interface ActionProps {
  readonly children: ComponentChildren;
  /** Resolves to what to announce; null = nothing. */
  readonly run: () => Promise<string | null>;
  readonly label?: string;
  readonly kind?: 'main' | 'danger' | undefined;
  readonly disabled?: boolean;
}

/** A button that does nothing while its action runs. It keeps the focus: a disabled one would lose it. */
export function Action({ children, run, label, kind, disabled = false }: ActionProps) {
  const [running, setRunning] = useState(false);
  const click = async (): Promise<void> => {
    if (running) return;
    setRunning(true);
    try {
      const result = await run();
      if (result !== null) announce(result);
    } catch (error) {
      announce(error instanceof ApiFailure ? error.message : String(error), 'bad');
    } finally {
      setRunning(false);
    }
  };
  return (
    <button
      type="button"
      class={kind}
      disabled={disabled}
      aria-disabled={running}
      aria-busy={running}
      {...(label !== undefined && { 'aria-label': label })}
      onClick={() => void click()}
    >
      {children}
    </button>
  );
}

/** A button that copies a text. */
export function Copy({ text, children }: { readonly text: () => string; readonly children: ComponentChildren }) {
  return (
    <Action
      run={async () => {
        await copied(text());
        return 'Copied.';
      }}
    >
      {children}
    </Action>
  );
}

/** Without HTTPS a page may not use the clipboard, but what is selected can still be copied. */
async function copied(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (!done) throw new Error('The browser does not allow copying. Select the text instead.');
}
