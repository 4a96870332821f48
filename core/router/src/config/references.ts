/** Names that lead from one row to another: each must lead somewhere, and nothing may be left over. */

import { didYouMean, expressionsIn, nearest } from '@switchhook/sdk/internal';
import { routerSource } from '../routing/router-events.js';
import { typeMatches } from '../routing/routes.js';
import type { CheckedRow } from './component-rows.js';
import type { ConfigDocument } from './diagnostics.js';
import type { Path } from './problem.js';
import { type Section, sections } from './row-schemas.js';
import { nodeAt, scalarsIn } from './tree.js';

/** A name as it is written somewhere. */
export interface Reference {
  readonly name: string;
  readonly at: Path;
}

interface Rules {
  /** Default false: a name may stand in the list once. */
  readonly twice?: boolean;
  /** Default true: the row is used by being named. */
  readonly uses?: boolean;
  /** Default false: for `sources`, destinations that emit events are allowed, too. */
  readonly emitters?: boolean;
}

export class References {
  readonly #document: ConfigDocument;
  readonly #used = new Set<string>();
  /** Sections that something refers to which cannot be read. */
  readonly #uncertain = new Set<Section>();
  /** Destinations that emit events: the `from` of a route takes them like sources. */
  #emitters: readonly string[] = [];

  constructor(document: ConfigDocument) {
    this.#document = document;
  }

  /** Names of the rows of a section. */
  names(section: Section): readonly string[] {
    const node = nodeAt(this.#document.root, [section]);
    return node?.kind === 'map' ? [...node.entries.keys()] : [];
  }

  /** Lets `from` name these destinations, and the router. Their names must not be those of sources: an event has one source. */
  allowEmitters(names: readonly string[]): void {
    this.#emitters = names;
    const taken = `"${routerSource}" is the source of the router's own events`;
    const hint = `Give it another name: \`from: ${routerSource}\` has events such as delivery.dead, without a row in \`sources\`.`;
    for (const section of ['sources', 'destinations'] as const)
      if (section === 'sources' || names.indexOf(routerSource) !== names.lastIndexOf(routerSource))
        if (this.names(section).includes(routerSource))
          this.#document.report('DUPLICATE_NAME', [section, routerSource], taken, { at: 'key', hint });
    for (const name of names)
      if (name !== routerSource && this.names('sources').includes(name))
        this.#document.report(
          'DUPLICATE_NAME',
          ['destinations', name],
          `"${name}" emits events, and a source has this name, too`,
          {
            at: 'key',
          },
        );
  }

  /** Checks the name, or list of names, at a path. Reads what is written, so that one mistake in a row does not hide others. */
  check(
    section: Section,
    path: Path,
    { twice = false, uses = true, emitters = false }: Rules = {},
  ): readonly Reference[] {
    const seen = new Set<string>();
    const written = this.#writtenAt(section, path);
    for (const { name, at } of written) {
      if (seen.has(name) && !twice) this.#document.report('DUPLICATE_NAME', at, `"${name}" is named twice`);
      seen.add(name);
      if (this.names(section).includes(name)) {
        if (uses) this.#used.add(`${section} ${name}`);
      } else if (!(emitters && this.#emitters.includes(name)))
        this.#reportUnknown(section, name, at, emitters ? this.#emitters : []);
    }
    return written;
  }

  /** Marks a row as used although no other row of the usual section refers to it. */
  use(section: Section, name: string): void {
    this.#used.add(`${section} ${name}`);
  }

  /** Marks a section as referred to by something unreadable: none of its rows is reported as unused. */
  uncertain(section: Section): void {
    this.#uncertain.add(section);
  }

  reportUnused(section: Section, user: string): void {
    if (this.#uncertain.has(section)) return;
    for (const name of this.names(section))
      if (!this.#used.has(`${section} ${name}`))
        this.#document.report('UNUSED', [section, name], `${user} names this ${sections[section]}`, { at: 'key' });
  }

  #writtenAt(section: Section, path: Path): readonly Reference[] {
    const written = writtenAt(this.#document, path);
    if (written.some(({ name }) => name === null)) this.uncertain(section);
    return written.flatMap(({ name, at }) => (name === null ? [] : [{ name, at }]));
  }

  #reportUnknown(section: Section, name: string, at: Path, others: readonly string[]): void {
    const kind = sections[section];
    const elsewhere = Object.entries(sections).find(([other]) => this.names(other as Section).includes(name));
    if (elsewhere !== undefined) {
      const hint = section === 'sources' && elsewhere[1] === 'destination' ? emitsNothing(others) : undefined;
      this.#document.report('WRONG_KIND', at, `"${name}" is a ${elsewhere[1]}, a ${kind} belongs here`, { hint });
      return;
    }
    const names = [...this.names(section), ...others];
    const near = nearest(name, names);
    // A misspelled reference still uses its row.
    if (near !== null) this.#used.add(`${section} ${near}`);
    const hint = near === null && names.length > 0 ? `There are: ${names.join(', ')}.` : undefined;
    const suggestion = near === null ? '' : `; did you mean "${near}"?`;
    this.#document.report('UNKNOWN_REFERENCE', at, `there is no ${kind} "${name}"${suggestion}`, { hint });
  }
}

function emitsNothing(sources: readonly string[]): string | undefined {
  const emitters = sources.filter((name) => name !== routerSource);
  return emitters.length === 0 ? undefined : `Destinations that emit events: ${emitters.join(', ')}.`;
}

interface WrittenName {
  readonly name: string | null;
  readonly at: Path;
}

/** The name at a path, or those of a list; null are those that cannot be read. */
function writtenAt(document: ConfigDocument, path: Path): readonly WrittenName[] {
  const node = nodeAt(document.root, path);
  if (node === null) return [];
  if (node.kind === 'list') return node.items.flatMap((_, index) => writtenAt(document, [...path, index]));
  const isName = node.kind === 'scalar' && typeof node.value === 'string' && !node.broken;
  return [{ name: isName ? String(node.value) : null, at: path }];
}

/** Differences between what is written and what is meant. With more, a type that is not known is taken for one of its own. */
const slips = 2;

/**
 * Reports types that are nearly one of those the sources know. Where one of them has not named its types, any may be right. The router makes
 * no other types than its own.
 */
export function checkTypes(
  document: ConfigDocument,
  path: Path,
  sources: readonly (CheckedRow | undefined)[],
  written: readonly WrittenName[] = writtenAt(document, path),
): void {
  const known = [...new Set(sources.flatMap((source) => typesOf(source) ?? []))];
  if (sources.some((source) => typesOf(source) === undefined)) return;
  const isOurs = sources.every((source) => source?.name === routerSource);
  for (const { name, at } of written) {
    if (name === null) continue;
    const isRight = known.some((type) => typeMatches(name, type)) || (!isOurs && name.includes('*'));
    if (isOurs && !isRight) {
      const hint = `The router's own events are ${known.join(', ')}.`;
      document.report('NEVER_MATCHES', at, `"${name}" is no event of the router${didYouMean(name, known)}`, { hint });
      continue;
    }
    const meant = isRight ? null : nearest(name, known, slips);
    const names = sources.map((source) => `"${source?.name}"`).join(' or ');
    if (meant !== null)
      document.report('NEVER_MATCHES', at, `"${name}" is no known type of ${names}; did you mean "${meant}"?`, {
        hint: `Known types: ${known.join(', ')}. If the sender does send the written one, select it with \`where: event.type == "…"\`.`,
      });
  }
}

/** Reports types for which a route waits although it takes no event of them. */
export function checkWait(
  document: ConfigDocument,
  path: Path,
  on: readonly string[],
  sources: readonly (CheckedRow | undefined)[],
): void {
  const written = writtenAt(document, [...path, 'wait', 'for']);
  const taken = ({ name }: WrittenName) =>
    name === null || on.some((pattern) => typeMatches(pattern, name) || typeMatches(name, pattern));
  // Two patterns may have types in common.
  const isPattern = (type: string | null) => type?.includes('*') === true;
  for (const one of written)
    if (taken(one) || (isPattern(one.name) && on.some(isPattern))) checkTypes(document, path, sources, [one]);
    else
      document.report(
        'NEVER_MATCHES',
        one.at,
        `the route takes no event "${one.name}"${didYouMean(one.name ?? '', on)}`,
        {
          hint: `It takes ${on.join(', ')}: add the type to \`on\`, or wait for one of these.`,
        },
      );
}

function typesOf(row: CheckedRow | undefined): readonly string[] | undefined {
  return row?.component.kind === 'destination' ? row.component.emits : row?.component.types;
}

export class ResolverOrder {
  readonly #after: ReadonlyMap<string, readonly string[]>;

  /** Reports names that lead nowhere, and resolvers that would wait for themselves. */
  constructor(document: ConfigDocument, references: References) {
    this.#after = new Map(
      references.names('resolvers').map((name) => {
        const path = ['resolvers', name];
        const named = references.check('resolvers', [...path, 'after'], { uses: false }).map((each) => each.name);
        const used = usedIn(document, path).filter((each) => isThere(each, path, document, references));
        return [name, [...new Set([...named, ...used])]];
      }),
    );
    for (const [name, after] of this.#after) {
      if (!this.withNeeded(after).includes(name)) continue;
      const at = nodeAt(document.root, ['resolvers', name, 'after']) === null ? [] : ['after'];
      document.report('INVALID_VALUE', ['resolvers', name, ...at], `"${name}" would wait for itself`);
    }
  }

  /** Those a resolver waits for. */
  after(name: string): readonly string[] {
    return this.#after.get(name) ?? [];
  }

  /** These resolvers, and all that they wait for. */
  withNeeded(names: readonly string[]): readonly string[] {
    const reached = new Set(names);
    for (const name of reached) for (const needed of this.after(name)) reached.add(needed);
    return [...reached];
  }
}

function isThere(name: string, path: Path, document: ConfigDocument, references: References): boolean {
  const names = references.names('resolvers');
  if (names.includes(name)) return true;
  const message = `known.${name}: there is no resolver "${name}"${didYouMean(name, names)}`;
  document.report('UNKNOWN_REFERENCE', path, message, { at: 'key' });
  return false;
}

/** Names that stand after `known.` in the expressions of a row. */
function usedIn(document: ConfigDocument, path: Path): readonly string[] {
  const node = nodeAt(document.root, path);
  const texts = node === null ? [] : scalarsIn(node).map(({ value }) => String(value));
  return texts.flatMap(expressionsIn).flatMap(({ text }) => {
    const withoutTexts = text.replace(/\[\s*(["'])(\w+)\1\s*\]/g, '.$2').replace(/"[^"]*"|'[^']*'/g, '""');
    return [...withoutTexts.matchAll(/\bknown\s*\.\s*\??\s*(\w+)/g)].map(([, name = '']) => name);
  });
}
