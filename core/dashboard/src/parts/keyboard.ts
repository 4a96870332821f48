/** Keys: `/` search, `j` and `k` move through a list, `Enter` opens, `Esc` leaves, `?` lists them. */
import { signal } from '@preact/signals';
import { goTo, linkTo } from '../model/location.js';

/** Whether the list of keys is shown. */
export const helpShown = signal(false);

const storageKey = 'switchhook.keys';
/** Whether single letters do something: who speaks to the computer may switch them off. */
export const keysEnabled = signal(stored() !== 'off');

/** Switches single letters on or off, also for later visits. */
export function enableKeys(enabled: boolean): void {
  keysEnabled.value = enabled;
  try {
    localStorage.setItem(storageKey, enabled ? 'on' : 'off');
  } catch {
    // The browser keeps nothing for this page: it holds until the page is closed.
  }
}

function stored(): string | null {
  try {
    return localStorage.getItem(storageKey);
  } catch {
    // As above.
    return null;
  }
}

/** Starts listening. */
export function listenToKeys(): void {
  document.addEventListener('keydown', (event) => {
    const { key, target, ctrlKey, metaKey, altKey } = event;
    if (event.defaultPrevented || ctrlKey || metaKey || altKey || document.querySelector('dialog[open]') !== null)
      return;
    if (!isFocusable(target)) return;
    if (key === 'Escape') return target.blur();
    if (!keysEnabled.value || target.closest('input, select, textarea') !== null) return;
    const done = pressed(key);
    if (done) event.preventDefault();
  });
}

function pressed(key: string): boolean {
  switch (key) {
    case '/':
      return focused(searchOfView()) || searched();
    case 'j':
      return moved(1);
    case 'k':
      return moved(-1);
    case '?':
      helpShown.value = true;
      return true;
    default:
      return false;
  }
}

/** To the next row or the one before; the first one where none is in focus. */
function moved(by: 1 | -1): boolean {
  const rows: readonly Element[] = [...document.querySelectorAll('[data-row]')];
  const current = document.activeElement === null ? -1 : rows.indexOf(document.activeElement);
  const next = current === -1 ? (by === 1 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, current + by));
  return focused(rows[next] ?? null);
}

/** Whether the view that is shown next is opened for its search. */
let searchWanted = false;

/** Of a view without a search: that of events. */
function searched(): boolean {
  searchWanted = true;
  goTo(linkTo(['events']));
  return true;
}

/** The first field, or on a narrow screen the button that shows the fields. */
function searchOfView(): Element | null {
  return [...document.querySelectorAll('[data-search]')].find((one) => one.checkVisibility()) ?? null;
}

/** Moves the focus to a view that was just opened: to its search where `/` has led to it. */
export function focusView(main: HTMLElement | null): void {
  const wanted = searchWanted;
  searchWanted = false;
  if (wanted && focused(searchOfView())) return;
  main?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** Boxes of the map are SVG. */
function isFocusable(target: unknown): target is HTMLElement | SVGElement {
  return target instanceof HTMLElement || target instanceof SVGElement;
}

function focused(element: Element | null): boolean {
  if (!isFocusable(element)) return false;
  element.focus();
  element.scrollIntoView({ block: 'nearest' });
  return true;
}
