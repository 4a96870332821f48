/** A configuration as it may be shown: its text without secrets. */
import type { Component } from '@switchhook/sdk';
import type { z } from 'zod';
import type { CheckedRow } from './component-rows.js';
import type { ConfigDocument } from './diagnostics.js';
import { configurationSchema, inputSchema, type JsonSchema, rowSchema, schemasAt } from './json-schema.js';
import { documentFrom } from './load.js';
import { maskedSource, type Showing } from './masked-source.js';
import type { Path } from './problem.js';
import { sectionOf, sections } from './row-schemas.js';
import { isOpenHeader, isSecretName } from './secret-text.js';
import type { ScalarNode } from './tree.js';
import { yamlOf } from './yaml-scalars.js';

/** A text without secrets. */
export interface ShownConfig {
  /** False where the file is a program, and the text is what it exports. */
  readonly isFile: boolean;
  readonly text: string;
}

/** What options of a configuration mean. */
export interface KnownSchemas {
  /** All rows that name a component. */
  readonly rows: readonly Pick<CheckedRow, 'name' | 'component'>[];
  /** Options of plugins, by the index of their row. */
  readonly plugins: ReadonlyMap<number, z.ZodType>;
}

/** Why a value is hidden: by its schema, or by a name. */
interface Marks {
  readonly isSecret: boolean;
  readonly isNamed: boolean;
}

/** Made when it is asked for first. */
export function shownConfig(document: ConfigDocument, known: KnownSchemas): () => ShownConfig {
  let make = (): ShownConfig => {
    const made = show(document, new SecretRules(known));
    // What it was made from is not needed any more.
    make = () => made;
    return made;
  };
  return () => make();
}

function show(document: ConfigDocument, rules: SecretRules): ShownConfig {
  const { source, root, isFile, literals } = document;
  if (root === null) return { isFile, text: '' };
  if (isFile) return { isFile, text: maskedSource(source, root, rules) };
  // Its own text is JSON in one line.
  const written = yamlOf(withoutLiterals(JSON.parse(source), literals));
  const again = documentFrom(written, document.file, {}).root;
  const text = again === null ? '' : maskedSource(written, again, rules);
  return { isFile, text };
}

/** Before it is YAML, which may need to escape them. */
function withoutLiterals(value: unknown, literals: readonly string[]): unknown {
  if (typeof value === 'string') return literals.reduce((text, literal) => text.replaceAll(literal, '***'), value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => withoutLiterals(item, literals));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutLiterals(inner, literals)]));
}

class SecretRules {
  readonly #plugins: KnownSchemas['plugins'];
  /** By `destinations.crm` or `store`. */
  readonly #components: ReadonlyMap<string, Component>;
  readonly #schemas = new Map<unknown, JsonSchema>();
  readonly #marks = new Map<JsonSchema, Map<string, Marks>>();
  /** The file without its components. */
  readonly #frame = configurationSchema([]);

  constructor({ rows, plugins }: KnownSchemas) {
    this.#plugins = plugins;
    this.#components = new Map(
      rows.map(({ name, component }) => [
        component.kind === 'store' ? 'store' : `${sectionOf(component.kind)}.${name}`,
        component,
      ]),
    );
  }

  get secretOptions(): ReadonlySet<string> {
    const schemas = [...this.#components.values()].map((component) => this.#ofComponent(component));
    const plugins = [...this.#plugins.values()].map((schema) => this.#ofPlugin(schema));
    return new Set([...schemas, ...plugins, this.#frame].flatMap((schema) => [...secretNames(schema)]));
  }

  showing(path: Path, node: ScalarNode): Showing | null {
    const [first, ...rest] = path;
    // Nothing but aliases leads there, and those have places of their own.
    if (String(first).startsWith('x-'))
      return path.some((step) => typeof step === 'string' && isSecretName(step, false)) ? 'hidden' : null;
    if (path.at(-1) === 'use' && path.length < 4) return 'searched';
    const [root, within] = this.#rootOf(String(first), rest) ?? [this.#frame, path];
    const { isSecret, isNamed } = this.#marksOf(root, within);
    const isOpen = typeof node.value === 'boolean' || isDuration(node.value);
    return isSecret || (isNamed && !isOpen) ? 'hidden' : 'searched';
  }

  /** Of a path; items of a list are alike. Rows of one component have the same paths. */
  #marksOf(root: JsonSchema, path: Path): Marks {
    const known = this.#marks.get(root) ?? new Map<string, Marks>();
    this.#marks.set(root, known);
    const key = JSON.stringify(path.map((step) => (typeof step === 'number' ? 0 : step)));
    const marks = known.get(key) ?? {
      isSecret: schemasAt(root, path).some((schema) => schema.secret === true),
      isNamed: this.#isNamed(root, path),
    };
    known.set(key, marks);
    return marks;
  }

  /** By its own name, or by that of a section around it. */
  #isNamed(root: JsonSchema, path: Path): boolean {
    const isOption = (at: number) =>
      schemasAt(root, path.slice(0, at)).some(({ properties = {} }) => String(path[at]) in properties);
    const isOfSchema = isOption(path.findLastIndex((step) => typeof step === 'string'));
    return path.some((step, at) => {
      if (typeof step !== 'string') return false;
      if (isOption(at)) return isSecretName(step, true);
      // What events are called, for example, is no name of a value.
      if (isOfSchema) return false;
      return at > 0 && /headers$/i.test(String(path[at - 1])) ? !isOpenHeader(step) : isSecretName(step, false);
    });
  }

  /** Of what a component or a plugin describes. */
  #rootOf(section: string, path: Path): readonly [JsonSchema, Path] | null {
    const [name, ...rest] = path;
    if (section === 'plugins') {
      const schema = this.#plugins.get(Number(name));
      return schema === undefined || rest[0] !== 'options' ? null : [this.#ofPlugin(schema), rest.slice(1)];
    }
    const isRow = section in sections;
    const component = this.#components.get(isRow ? `${section}.${name}` : section);
    return component === undefined ? null : [this.#ofComponent(component), isRow ? rest : path];
  }

  #ofComponent(component: Component): JsonSchema {
    return this.#schemaOf(component, () => rowSchema(component));
  }

  #ofPlugin(schema: z.ZodType): JsonSchema {
    return this.#schemaOf(schema, () => schema);
  }

  #schemaOf(key: unknown, make: () => z.ZodType): JsonSchema {
    const schema = this.#schemas.get(key) ?? inputSchema(make());
    this.#schemas.set(key, schema);
    return schema;
  }
}

function isDuration(value: ScalarNode['value']): boolean {
  return typeof value === 'string' && /^\d+(\.\d+)?(ms|[smhd])$/.test(value);
}

/** Of options that are secret, or have secrets in them without names. */
function* secretNames(schema: unknown, name = ''): Iterable<string> {
  if (typeof schema !== 'object' || schema === null) return;
  if ('secret' in schema && schema.secret === true && name !== '') yield name;
  for (const [key, inner] of Object.entries(schema)) {
    if (key === 'properties')
      for (const [option, own] of Object.entries(Object(inner))) yield* secretNames(own, option);
    else yield* secretNames(inner, name);
  }
}
