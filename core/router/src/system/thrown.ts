/** Where plugins throw: finds the first line of a plugin's own code in the stack of what was thrown. */
import { fileURLToPath, pathToFileURL } from 'node:url';
import { errorMessage } from '@switchhook/sdk/internal';
import type { Mask } from './mask.js';
import { definitionOf, shortPath } from './returned.js';

/** Directories of plugins as stacks have them, with a slash at the end: of modules as URLs, of others as paths. */
const homes = new Set<string>();
const router = new URL('../../', import.meta.url).href;

const mostCauses = 5;

/** From now on, what is thrown by files of this directory is located. */
export function locateIn(directory: string): void {
  const url = pathToFileURL(`${directory}/`).href;
  homes.add(url).add(fileURLToPath(url));
}

/**
 * The message, and where a plugin threw it, or else the other place: `no token (my-plugins/crm.ts:31:20)`. Masked before the place is
 * added: what is left of a secret that was cut off is found at the end of the message. Throws nothing.
 */
export function located(thrown: unknown, mask: Mask = (text) => text, otherwise: string | null = null): string {
  const place = placeOf(thrown) ?? (otherwise === null ? null : shortPath(otherwise));
  const message = mask(errorMessage(thrown));
  return place === null ? message : `${message} (${place})`;
}

/** The same, of what a component threw. A text or another value that is no error has no stack: its place is that of the component's `define…`. */
export function locatedOf(component: object, thrown: unknown, mask: Mask): string {
  return located(thrown, mask, thrown instanceof Error ? null : definitionOf(component));
}

/** The field `at` of a log line about what a component threw, where the log does not find it in the stack itself. */
export function placeField(component: object, thrown: unknown): { readonly at?: string } {
  const definedAt = thrown instanceof Error ? null : definitionOf(component);
  return definedAt === null ? {} : { at: shortPath(definedAt) };
}

/** Cuts what `located` returned; the place stays. */
export function excerptOf(reason: string, most: number): string {
  if (reason.length <= most) return reason;
  const [place = ''] = / \([^()]{1,200}:\d+:\d+\)$/.exec(reason) ?? [];
  return reason.slice(0, most - place.length) + place;
}

/** `my-plugins/crm.ts:31:20`, of the error or else of its cause; null where no plugin threw it, or that is not known. Throws nothing. */
export function placeOf(thrown: unknown): string | null {
  try {
    for (
      let error = thrown, depth = 0;
      error instanceof Error && depth <= mostCauses;
      error = error.cause, depth += 1
    ) {
      const place = placeIn(error);
      if (place !== null) return place;
    }
  } catch {
    // The error throws when it is read.
  }
  return null;
}

/** What the router called is above one of its own lines; below the last of these stands the program that embeds the router. */
function placeIn({ stack, message }: Error): string | null {
  if (typeof stack !== 'string') return null;
  let found: string | null = null;
  let isRouters = false;
  // A message may have lines that look like those of a stack.
  const start = stack.includes(message) ? stack.indexOf(message) + message.length : 0;
  for (const line of stack.slice(start).split('\n')) {
    if (line.includes(router)) {
      if (found !== null) return found;
      isRouters = true;
    } else found ??= placeOn(line);
    if (found !== null && !isRouters) return found;
  }
  return null;
}

function placeOn(line: string): string | null {
  for (const home of homes) {
    // Translated when it was loaded, with its source for a name: line and column are those of the translation.
    const [, translated] = /data:text\/javascript,.*[?&]filePath=([^?&:]+)/.exec(line) ?? [];
    const text = translated === undefined ? line : ` ${decodeURIComponent(translated).replace(/\?.*/, '')}:0:0`;
    const start = text.indexOf(home);
    if (start < 1 || !' ('.includes(text.charAt(start - 1))) continue;
    const [, path = '', at] = /^([^?]*?)(?:\?[^:]*)?(:\d+:\d+)(?:\)|$)/.exec(text.slice(start)) ?? [];
    if (at === undefined || path.slice(home.length).includes('node_modules')) continue;
    return shortPath((path.startsWith('file:') ? fileURLToPath(path) : path) + (translated === undefined ? at : ''));
  }
  return null;
}
