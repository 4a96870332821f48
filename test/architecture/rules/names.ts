/** Names: nouns of the domain, written out. */
import { posix } from 'node:path';
import { only } from '../source.js';
import { place, type Rule } from './rule.js';

const vague = ['util', 'utils', 'helper', 'helpers', 'common', 'misc', 'types', 'manager', 'service', 'base'];

export const fileNames: Rule = {
  claim: 'a file is named by a noun in kebab-case that says what is in it, and no module has an index',
  strays: (files) => files.filter(({ path }) => !isWellNamed(path)).map(({ path }) => path),
  planted: [
    'core/router/src/runtime/fileReader.ts',
    'core/router/src/config/utils.ts',
    'core/router/src/http/body-helpers.ts',
    'core/router/src/delivery/index.ts',
  ].map((path) => ({ path, text: '' })),
};

function isWellNamed(path: string): boolean {
  const name = posix.basename(path).replace(/(\.test)?\.tsx?$/, '');
  if (name === 'index') return /^(core|plugins)\/[^/]+\/src\/index\.ts$/.test(path);
  return /^[a-z\d]+(-[a-z\d]+)*$/.test(name) && !name.split('-').some((word) => vague.includes(word));
}

/** Abbreviations, prefixes and suffixes without a meaning, and other words for what has its own: see the words in CONTRIBUTING.md. What others call so, Koa's `req: {…}` in a fake, is theirs. */
const unwelcome =
  /(?<![.\w])(err|req|res|cb|msg|cfg|evt)(?!\w|: \{)|\binterface I[A-Z][a-z]\w*|\b\w+Impl\b|\b(?:class|interface|type|function|const) (?:\w+(?:Manager|Service|Helper|Utils?|Handler|Provider|Driver|Job|Task|Sink)|(?:job|task|sink|handler|driver)s?)\b/g;

export const identifiers: Rule = {
  claim: 'identifiers are written out, and use the words of the domain',
  strays: (files) =>
    files.flatMap((file) =>
      [...only(['code'], file.text).matchAll(unwelcome)].map((found) => place(file, found.index, found[0])),
    ),
  planted: [
    'try { open(); } catch (err) { close(err); }',
    'export function receive(req: Request): void {}',
    'export interface IStore {}',
    'export class StoreImpl {}',
    'export class EventHandler {}',
    'const job = claim();',
  ].map((text) => ({ path: 'core/router/src/delivery/stray.ts', text: `${text}\n` })),
};
