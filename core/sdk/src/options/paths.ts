/** Paths to fields of JSON data, such as `analysis.summary` and `turns.*.text`. */
import { z } from 'zod';

/** Several paths, followed together: what is left of them below one value. */
export interface Paths {
  /** Whether one of the paths ends here. */
  readonly ends: boolean;
  /** The paths below a field, or below an item of a list by its index from 0; null where none leads there. */
  at(key: string | number): Paths | null;
}

/**
 * Paths to fields: names with dots between them. `*` is every item of a list and every field of a map, a number one item of a list. A name
 * with other characters than letters, digits, `_`, `-` and `$` is written in double quotes.
 */
export function paths(description: string) {
  return z
    .array(z.string())
    .min(1)
    .transform((written, ctx): Paths => {
      const read = written.map((path, index): Path => {
        const steps = stepsOf(path);
        if (typeof steps !== 'string') return steps;
        ctx.addIssue({ code: 'custom', message: steps, path: [index], params: { problem: 'INVALID_VALUE' } });
        return [];
      });
      return pathsBelow(read);
    })
    .meta({ description, examples: [['analysis.summary', 'turns.*.text']] });
}

/** Names; null = every one. */
type Path = readonly (string | null)[];

/** The steps of a path, or what is wrong with it. */
function stepsOf(path: string): Path | string {
  const whole = /^(?:\*|"[^"]+"|[\p{L}\p{N}_$-]+)(?:\.(?:\*|"[^"]+"|[\p{L}\p{N}_$-]+))*$/u;
  if (!whole.test(path)) return 'expected a path such as analysis.summary or turns.*.text, with other names in quotes';
  const steps = path.match(/"[^"]+"|[^."]+/g) ?? [];
  if (steps[0] === 'event' && steps[1] === 'data') return 'paths begin below event.data: remove it';
  return steps.map((step) => (step === '*' ? null : step.replaceAll('"', '')));
}

/** Made when it is needed: many paths with many `*` have more combinations than any data have. */
function pathsBelow(left: readonly Path[]): Paths {
  const known = new Map<string, Paths | null>();
  const names = new Set(left.map(([name]) => name));
  const below = (name: string | null): Paths | null => {
    const next = left.filter((path) => path.length > 0 && (path[0] === name || path[0] === null));
    return next.length === 0 ? null : pathsBelow(next.map((path) => path.slice(1)));
  };
  return {
    ends: left.some((path) => path.length === 0),
    at: (key) => {
      const name = String(key);
      // All other names are alike: event data must not decide how many are kept.
      const kept = names.has(name) ? name : '';
      let found = known.get(kept);
      if (found === undefined) {
        found = below(kept === '' ? null : name);
        known.set(kept, found);
      }
      return found;
    },
  };
}
