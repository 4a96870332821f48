/** Where the boxes and lines of the map are. */

/** What stands in the middle: a route or an answer, and the names that it leads from and to. */
export interface Link {
  readonly name: string;
  readonly from: readonly string[];
  readonly to: readonly string[];
}

/** A box; its column is the left one, the middle one or the right one. */
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

/** The middle in the order of the file; left and right beside what names them, so that few lines cross. */
export function layoutOf(left: readonly string[], middle: readonly Link[], right: readonly string[]): Layout {
  const columns = [
    inOrderOf(left, (name) => middle.flatMap(({ from }, at) => (from.includes(name) ? [at] : []))),
    middle.map(({ name }) => name),
    inOrderOf(right, (name) => middle.flatMap(({ to }, at) => (to.includes(name) ? [at] : []))),
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
  const lines = middle.flatMap(({ name, from, to }) => [
    ...from.flatMap((one) => lineOf(boxOf(0, one), boxOf(1, name))),
    ...to.flatMap((one) => lineOf(boxOf(1, name), boxOf(2, one))),
  ]);
  return { boxes, lines, width: 2 * columnWidth + boxWidth, height: rows * rowHeight };
}

/** By the middle of what each is connected to; those without any connection last. */
function inOrderOf(names: readonly string[], placesOf: (name: string) => readonly number[]): readonly string[] {
  const middle = (name: string): number => {
    const at = placesOf(name);
    return at.length === 0 ? Number.MAX_SAFE_INTEGER : at.reduce((sum, one) => sum + one, 0) / at.length;
  };
  return [...names].sort((a, b) => middle(a) - middle(b));
}
