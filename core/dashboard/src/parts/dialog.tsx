/** Dialogs: for questions before something changes, and for help. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Announcements, openDialogs } from './actions.js';
import { placeInList } from './kept-focus.js';

interface DialogProps {
  readonly title: string;
  readonly close: () => void;
  readonly children: ComponentChildren;
}

/** A modal dialog, open as long as it is rendered. Esc closes it; the focus returns to where it was. */
export function Dialog({ title, close, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    const focusPlace = placeInList(before);
    element.current?.showModal();
    // The browser focuses the button that closes it. A button that changes something is not focused: Enter may be pressed twice.
    element.current?.querySelector<HTMLElement>(':is(input, select, textarea):enabled')?.focus();
    openDialogs.value += 1;
    return () => {
      openDialogs.value -= 1;
      // The browser moves it only if the dialog is closed before it is removed, which happens right after this.
      queueMicrotask(() => focusAgain(before, focusPlace));
    };
  }, []);
  return (
    <dialog ref={element} aria-labelledby={id} onClose={close}>
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" aria-label="Close" onClick={() => element.current?.close()}>
          ×
        </button>
      </header>
      {children}
      <Announcements inDialog />
    </dialog>
  );
}

/** Where the focus was; where that has gone, to what is in its place in the list, or to the view. */
function focusAgain(before: Element | null, focusPlace: () => boolean): void {
  if (document.activeElement !== null && document.activeElement !== document.body) return;
  const isThere = before instanceof HTMLElement && before !== document.body && before.isConnected;
  if (isThere || !focusPlace()) (isThere ? before : document.querySelector('main'))?.focus({ preventScroll: true });
}
