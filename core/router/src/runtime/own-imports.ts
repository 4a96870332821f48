/** Imports of the router's own packages in the files of a plugin: only `@switchhook/sdk` is for plugins, and `@switchhook/sdk/thread` for their threads. */
import { readFileSync } from 'node:fs';
import { shortPath } from '../system/returned.js';

const forPlugins: ReadonlySet<string> = new Set(['@switchhook/sdk', '@switchhook/sdk/thread']);

/** Comments, texts and templates, in the order in which they stand: what looks like one within another is none. */
const parts = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`/g;
/** Types are gone when the code runs. */
const ownImport =
  /(?:^|;)[ \t]*(?:(?:import|export)\b(?!\s+type\b)[^'"`;]*\bfrom|import)\s*['"](@switchhook\/[^'"]+)['"]|\b(?:import|require)\s*\(\s*['"](@switchhook\/[^'"]+)['"](?!\s*\)\s*\.\s*[A-Z])/gm;

/** One line for each import that is not allowed, `it imports @switchhook/core (my-plugins/crm.ts:3)`. `files`: all that the plugin consists of. */
export function ownImports(files: Iterable<string>): readonly string[] {
  return [...files]
    .filter((file) => /\.[cm]?[jt]s$/.test(file))
    .flatMap((file) => {
      const source = readFileSync(file, 'utf8');
      if (!source.includes('@switchhook/')) return [];
      return [...withoutComments(source).matchAll(ownImport)].flatMap(
        ({ 0: whole, 1: name, 2: called = '', index }) => {
          const imported = name ?? called;
          if (forPlugins.has(imported)) return [];
          const line = source.slice(0, index + whole.length).split('\n').length;
          return [`it imports ${imported} (${shortPath(file)}:${line})`];
        },
      );
    });
}

/** With as many lines as before; texts that name no package are blank, too. */
function withoutComments(source: string): string {
  return source.replace(parts, (part) => (/^['"]@[\w./-]+['"]$/.test(part) ? part : part.replace(/[^\n]/g, ' ')));
}
