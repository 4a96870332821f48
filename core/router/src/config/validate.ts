/** Validates parts of a document against schemas; collects the secrets. */

import { type Reader, reading } from '@switchhook/sdk/internal';
import type { z } from 'zod';
import { maskFor } from '../system/mask.js';
import { located } from '../system/thrown.js';
import type { ConfigDocument } from './diagnostics.js';
import { inputSchema, type JsonSchema, schemasAt, takesText } from './json-schema.js';
import type { Path } from './problem.js';
import { type Leaf, leavesOf, reportLeaves } from './schema-issues.js';
import { isNothing, type MapNode, nodeAt, placedScalars, plainOf, type TreeNode, variablesIn } from './tree.js';

/** How much of a map belongs to a schema, where it is not all. */
export interface Share {
  readonly takes: (key: string) => boolean;
  /** Keys of the rest, to be suggested where one is misspelled. */
  readonly otherKeys: readonly string[];
  /** Whether what variables bring into its texts is secret: the file does not state whether it is. */
  readonly hidesVariables?: boolean;
}

const whole: Share = { takes: () => true, otherKeys: [] };

export class Checker {
  readonly document: ConfigDocument;
  readonly secrets: Set<string>;
  readonly #reader: Reader;

  /** `compile`: of the expressions in what it checks. */
  constructor(document: ConfigDocument, compile: Reader['compile'], secrets = new Set<string>()) {
    this.document = document;
    this.secrets = secrets;
    this.#reader = { compile, secret: (value) => this.secrets.add(value) };
  }

  /** A checker with the same secrets and another compiler of expressions. */
  compiling(compile: Reader['compile']): Checker {
    return new Checker(this.document, compile, this.secrets);
  }

  /** What a schema makes of the value at a path; null where something is wrong with it, which is reported. `absent` stands in for a section that is not there. */
  check<S extends z.ZodType>(schema: S, path: Path, absent?: unknown, share: Share = whole): z.output<S> | null {
    const node = nodeAt(this.document.root, path);
    const parse = (instead?: ReadonlyMap<TreeNode, unknown>) => {
      const isAbsent = node === null || (absent !== undefined && isNothing(node));
      const value = isAbsent ? absent : shareOf(plainOf(node, instead), share);
      return reading(this.#reader, () => schema.safeParse(value));
    };
    try {
      if (share.hidesVariables === true && node?.kind === 'map') this.#hideVariables(schema, node, share);
      const first = parse();
      if (first.success) return first.data;
      const leaves = leavesOf(first.error.issues);
      const converted = this.#converted(leaves, path);
      const second = converted.size === 0 ? first : parse(converted);
      if (second.success) return second.data;
      const { document } = this;
      reportLeaves(leavesOf(second.error.issues), {
        document,
        schema,
        path,
        otherKeys: share.otherKeys,
        mask: maskFor(this.secrets),
      });
    } catch (error) {
      const reason = located(error, maskFor(this.secrets));
      this.document.report('PLUGIN_BROKEN', path, `these options cannot be checked: ${reason}`);
    }
    return null;
  }

  /** What a schema makes of nothing; null where it requires something. */
  defaultsOf<S extends z.ZodType>(schema: S): z.output<S> | null {
    const parsed = reading(this.#reader, () => schema.safeParse({}));
    return parsed.success ? parsed.data : null;
  }

  #hideVariables(schema: z.ZodType, node: MapNode, { takes }: Share): void {
    let root: JsonSchema | undefined;
    for (const [key, entry] of node.entries)
      for (const [path, scalar] of takes(key) ? placedScalars(entry.node, [key]) : []) {
        const values = variablesIn(scalar);
        if (values.length === 0) continue;
        root ??= inputSchema(schema);
        if (takesText(schemasAt(root, path))) for (const value of values) this.secrets.add(value);
      }
  }

  /** Variables are texts: where a number, or true or false, is expected and a variable brought the text of one, it is one. */
  #converted(leaves: readonly Leaf[], base: Path): ReadonlyMap<TreeNode, unknown> {
    const converted = new Map<TreeNode, unknown>();
    for (const { path, expected } of leaves) {
      const node = nodeAt(this.document.root, [...base, ...path]);
      if (node?.kind !== 'scalar' || node.segments === null || typeof node.value !== 'string') continue;
      const text = node.value.trim();
      if (expected.some((type) => type === 'number' || type === 'int') && text !== '' && Number.isFinite(Number(text)))
        converted.set(node, Number(text));
      else if (expected.includes('boolean') && (text === 'true' || text === 'false'))
        converted.set(node, text === 'true');
    }
    return converted;
  }
}

function shareOf(value: unknown, { takes }: Share): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => takes(key)));
}
