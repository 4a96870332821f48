/** Where the focus goes when the element that has it is removed: the browser moves it to the start of the page. */
import type { RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

/** An item of a list, and what can have the focus in it: the link of a row, or the heading of a card. */
const [items, targets] = [':scope > tbody > tr, :scope > article', '[data-row], h3[tabindex]'];

/** Keeps the focus in a list whose items change: it goes to the item that is in the place of the removed one, or to the view where none is left. */
export function useKeptFocus<T extends HTMLElement>(): RefObject<T | null> {
  const list = useRef<T | null>(null);
  // Before the list is rendered anew.
  const index = placeOfFocus(list.current);
  useLayoutEffect(() => {
    if (index !== null && isLost()) focusItem(list.current, index);
  });
  useLayoutEffect(
    () => () => {
      if (placeOfFocus(list.current) === null) return;
      queueMicrotask(() => {
        if (isLost()) document.querySelector('main')?.focus({ preventScroll: true });
      });
    },
    [],
  );
  return list;
}

/** The place of an element in a list: focuses the item that is there when it is called. False where the list has gone. */
export function placeInList(element: Element | null): () => boolean {
  const item = element?.closest('tbody > tr, article');
  const list = item?.closest('table') ?? item?.parentElement;
  const index = item && list ? itemsOf(list).indexOf(item) : -1;
  return () => {
    if (!list?.isConnected || index === -1) return false;
    focusItem(list, index);
    return true;
  };
}

function itemsOf(list: HTMLElement): readonly Element[] {
  return [...list.querySelectorAll(items)];
}

function placeOfFocus(list: HTMLElement | null): number | null {
  const focused = document.activeElement;
  if (list === null || focused === null || !list.contains(focused)) return null;
  const index = itemsOf(list).findIndex((item) => item.contains(focused));
  return index === -1 ? null : index;
}

function isLost(): boolean {
  return document.activeElement === null || document.activeElement === document.body;
}

function focusItem(list: HTMLElement | null, index: number): void {
  const all = list === null ? [] : itemsOf(list);
  const target = all[Math.min(index, all.length - 1)]?.querySelector<HTMLElement>(targets);
  (target ?? document.querySelector('main'))?.focus({ preventScroll: true });
}
