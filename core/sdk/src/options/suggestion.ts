/** Suggestions for a misspelled name: the nearest existing one. */
/**
 * The name closest to `written`, where one is close enough to be a slip of the finger, or begins with it; null otherwise.
 * With `most`, only a name that differs by no more letters.
 */
export function nearest(written: string, names: readonly string[], most?: number): string | null {
  // One slip in a short name, up to a third of a long one.
  const limit = written.length < 2 ? 0 : Math.min(most ?? written.length, Math.max(1, Math.floor(written.length / 3)));
  let best: { readonly name: string; readonly distance: number } | null = null;
  for (const name of names) {
    if (Math.abs(name.length - written.length) > limit) continue;
    const distance = distanceBetween(written.toLowerCase(), name.toLowerCase());
    if (distance <= limit && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { name, distance };
  }
  return (
    best?.name ??
    (written.length < 3 || most !== undefined ? null : (names.find((name) => name.startsWith(written)) ?? null))
  );
}

/** The nearest name as the end of a sentence; empty where nothing is near. */
export function didYouMean(written: string, names: readonly string[]): string {
  const name = nearest(written, names);
  return name === null ? '' : `; did you mean "${name}"?`;
}

/** Damerau and Levenshtein: insertions, deletions, replacements and swaps of neighbours between two texts. */
function distanceBetween(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
