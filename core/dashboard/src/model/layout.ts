/** Where the boxes and lines of the map are. */
import type { Route } from './replies.js';

/** A box; the column is sources, routes or destinations. */
export interface Box {
  readonly column: 0 | 1 | 2;
  readonly name: string;
  readonly x: number;
  readonly y: number;
}

/** From the right side of one box to the left side of another. */
export interface Line {
  readonly from: Box;
  readonly to: Box;
}

export interface Layout {
  readonly boxes: readonly Box[];
  readonly lines: readonly Line[];
  readonly width: number;
  readonly height: number;
}

export const boxWidth = 220;
export const boxHeight = 46;
const columnWidth = 330;
const rowHeight = 62;

/** Routes in the order of the file; sources and destinations beside the routes that name them, so that few lines cross. */
export function layoutOf(
  sources: readonly string[],
  routes: readonly Route[],
  destinations: readonly string[],
): Layout {
  const names = routes.map(({ name }) => name);
  const columns = [
    inOrderOf(sources, (name) => routes.flatMap((route, at) => (route.from.includes(name) ? [at] : []))),
    names,
    inOrderOf(destinations, (name) => routes.flatMap((route, at) => (route.to.includes(name) ? [at] : []))),
  ] as const;
  const rows = Math.max(1, ...columns.map(({ length }) => length));
  const boxes = columns.flatMap((column, index) => {
    const top = ((rows - column.length) * rowHeight) / 2;
    return column.map(
      (name, row): Box => ({ column: index as Box['column'], name, x: index * columnWidth, y: top + row * rowHeight }),
    );
  });
  const boxOf = (column: number, name: string) => boxes.find((box) => box.column === column && box.name === name);
  const lineOf = (from: Box | undefined, to: Box | undefined): readonly Line[] => (from && to ? [{ from, to }] : []);
  const lines = routes.flatMap(({ name, from, to }) => [
    ...from.flatMap((source) => lineOf(boxOf(0, source), boxOf(1, name))),
    ...to.flatMap((destination) => lineOf(boxOf(1, name), boxOf(2, destination))),
  ]);
  return { boxes, lines, width: 2 * columnWidth + boxWidth, height: rows * rowHeight };
}

/** By the middle of the routes that each is connected to; those without any last. */
function inOrderOf(names: readonly string[], routesOf: (name: string) => readonly number[]): readonly string[] {
  const middle = (name: string): number => {
    const at = routesOf(name);
    return at.length === 0 ? Number.MAX_SAFE_INTEGER : at.reduce((sum, one) => sum + one, 0) / at.length;
  };
  return [...names].sort((a, b) => middle(a) - middle(b));
}
