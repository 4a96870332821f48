/** Configurations that nobody meant: files with mistakes in their text, or in their values. */
import * as fc from 'fast-check';
import { parse } from 'yaml';

const oneOf = (texts: string): fc.Arbitrary<string> => fc.constantFrom(...texts.split(' '));

/** Pieces of YAML, of variables, of expressions, and of characters. */
const snippets = fc.oneof(
  oneOf('[ ] { } # " \' | > &a *a --- ... - : ? , ! % @ ` \t \r \0 \u{1f4a5} \ufeff \u2028 \u202e'),
  fc.constantFrom(': ', '- ', '\n', '\n  ', '<<: *a', '!!binary x', '!tag ', '%YAML 1.1\n', '\n---\n', '__proto__: 1'),
  oneOf('${ ${X} ${X:-y} ${file:/etc/hostname} ${file:.} $${ ${{ ${{}} }} ${{event}} ${{a.b.c}} ${{1+"x"}}'),
  oneOf('null ~ yes 1e999 -1 0x10 .inf 2026-01-01 10s 1mb 10/s slack.message sigmamind.events memory ../../x a.b'),
);
const wounds = fc.array(
  fc.tuple(
    fc.nat(),
    fc.nat({ max: 40 }),
    fc.oneof(snippets, fc.constant(''), fc.string({ unit: 'binary', maxLength: 8 })),
  ),
  { minLength: 1, maxLength: 6 },
);

/** A text of one of these files, with some of its characters replaced. */
export function randomTexts(files: readonly string[]): fc.Arbitrary<string> {
  return fc.tuple(fc.constantFrom(...files), wounds).map(([file, changes]) =>
    changes.reduce((text, [at, length, snippet]) => {
      const index = at % (text.length + 1);
      return text.slice(0, index) + snippet + text.slice(index + length);
    }, file),
  );
}

const values = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  snippets,
  fc.constantFrom<unknown>(null, [], {}, '', 0, -1, 1e9, 0.5, true, ['x'], { use: 'log' }, { use: 'memory' }),
);
const changes = fc.array(fc.tuple(fc.nat(), values, fc.constantFrom('replace', 'remove', 'rename', 'double')), {
  minLength: 1,
  maxLength: 4,
});

/** One of these files as a tree, with some of its values, keys and rows changed; JSON is YAML, too. */
export function randomTrees(files: readonly string[]): fc.Arbitrary<string> {
  return fc.tuple(fc.constantFrom(...files), changes).map(([file, all]) => {
    const tree: unknown = parse(file);
    for (const [at, value, how] of all) change(tree, at, value, how);
    return JSON.stringify(tree);
  });
}

type Branch = Record<string, unknown>;

/** Changes the `at`-th place of a tree. */
function change(tree: unknown, at: number, value: unknown, how: string): void {
  const places = placesIn(tree);
  const place = places[at % places.length];
  if (place === undefined) return;
  const { parent, key } = place;
  const old = parent[key];
  if (how === 'replace') parent[key] = value;
  if (how === 'remove' || how === 'rename') delete parent[key];
  if (how === 'rename') parent[typeof value === 'string' ? value : 'renamed'] = old;
  if (how === 'double') parent[`${key}2`] = old;
}

function placesIn(tree: unknown): readonly { readonly parent: Branch; readonly key: string }[] {
  if (typeof tree !== 'object' || tree === null) return [];
  const parent = tree as Branch;
  return Object.keys(parent).flatMap((key) => [{ parent, key }, ...placesIn(parent[key])]);
}
