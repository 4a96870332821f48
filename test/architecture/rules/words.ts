/** The words of logs, errors, comments and documents: plain technical English, in the terms of the field. */
import { only } from '../source.js';
import { place, type Rule } from './rule.js';

/** A word or phrase, and what to write. */
interface Banned {
  readonly word: string;
  readonly better: string;
}

const banned: readonly Banned[] = [
  // Terms that have been replaced.
  { word: 'lanes?', better: "delivery queue; for operators: the destination's queue; of a resolver: bulkhead" },
  { word: 'settlers?', better: 'settlement writer' },
  { word: 'call memory|bounded map', better: 'call dedup, facts cache, LRU cache' },
  { word: 'shortfalls?', better: 'missing value' },
  { word: 'rungs?', better: 'step' },
  { word: 'rehears(?:e|es|ed|al|als)', better: 'dry run' },
  { word: 'yes-?sayers?', better: 'accepts everything' },
  { word: 'moody|thaw(?:s|ed)?', better: 'faulty, resume' },
  { word: 'once-open|untold|unsaid', better: 'until open; missing' },
  // People and persons that are none.
  {
    word: 'whoever|nobody|somebody|everybody|anybody',
    better: 'the concrete subject: the caller, the sender, an operator',
  },
  { word: 'tells?|told|telling', better: 'returns, reports, shows; is sent' },
  { word: 'mend(?:s|ed|ing)?', better: 'fix' },
  { word: 'strangers?', better: 'unknown caller' },
  { word: 'owed?|owes', better: 'must be delivered' },
  { word: 'blames?|blamed|to blame', better: 'is counted as failed' },
  { word: 'left alone|leaves? (?:it|them|a \\w+) alone', better: 'circuit breaker open; skipped' },
  {
    word: 'found nobody|could not say|cannot say|says? (?:nothing|no|so)',
    better: 'returned no record; is unknown; is empty; refuses',
  },
  {
    word: 'houses?|floors?|cellar|attic|ladder|the rush|actors?|judges?|judged|fates?',
    better: 'package, layer, steps, peak load, runs, evaluates, outcome',
  },
  { word: 'patience|loses patience', better: 'timeout; times out' },
  { word: 'asked (?:again|once more)', better: 'repeated (request)' },
  { word: 'given up|handed down|fallen over', better: 'dead; passed on; crashed' },
  { word: 'for ever|none the less|whence|hence', better: 'endlessly; still; therefore' },
  { word: 'loss of power', better: 'power failure' },
  { word: 'keeps failing', better: 'circuit breaker open after repeated failures' },
  { word: 'in words', better: 'as text' },
  { word: 'forgets?|forgotten|remembers?|remembered', better: 'drops, keeps' },
];

/** Words that stand for themselves here, each with its reason. */
const allowed: readonly { readonly path: RegExp; readonly word: RegExp; readonly reason: string }[] = [];

const pattern = new RegExp(`\\b(?:${banned.map(({ word }) => word).join('|')})\\b`, 'gi');

export const words: Rule = {
  claim: 'comments, texts and documents use plain technical English and the terms of the field',
  strays: (files) =>
    files.flatMap((file) => {
      const text = file.path.endsWith('.ts') ? only(['comment', 'string'], file.text) : file.text;
      return [...text.matchAll(pattern)]
        .filter(([word]) => !allowed.some((one) => one.path.test(file.path) && one.word.test(word)))
        .map(({ index, 0: word }) => place(file, index, `${word}: ${betterFor(word)}`));
    }),
  planted: [
    { path: 'core/router/src/delivery/stray.ts', text: '/** The lane of a destination. */\n' },
    { path: 'core/router/src/calls/stray.ts', text: "const reason = 'customer found nobody';\n" },
    { path: 'docs/stray.md', text: 'Whoever is late is told so.\n' },
    { path: 'docs/stray.md', text: 'Mend it first.\n' },
  ],
};

function betterFor(word: string): string {
  return banned.find((one) => new RegExp(`^(?:${one.word})$`, 'i').test(word))?.better ?? '';
}
