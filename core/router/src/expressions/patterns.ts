/** Regular expressions of RE2: their time grows with the text only, whatever the pattern is, and whether the file or an event brings it. */
import { EvaluationError } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import { count } from './steps.js';

/** Patterns as the file has them, compiled once. */
const written = new Map<string, RE2JS>();
/** Compiling takes time for each character; a pattern that an event brings is compiled each time. */
const longestOfEvents = 500;

/** Compiles a pattern that is written in an expression. Throws where it is none of RE2. */
export function compilePattern(pattern: string): void {
  if (!written.has(pattern)) written.set(pattern, RE2JS.compile(pattern));
}

/** Whether a pattern is found in a text. Throws an `EvaluationError`. */
export function isMatch(text: string, pattern: string): boolean {
  const compiled = written.get(pattern) ?? compiledFor(pattern);
  // Measured: up to 5 ns for each character and instruction, mostly far less.
  count(text.length * (1 + compiled.programSize() / 32));
  return compiled.test(text);
}

function compiledFor(pattern: string): RE2JS {
  if (pattern.length > longestOfEvents)
    throw new EvaluationError({
      code: 'invalid_regular_expression',
      message: `The pattern is longer than ${longestOfEvents} characters`,
    });
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch {
    // Its message has the pattern in it, which is a value of the event.
    throw new EvaluationError({ code: 'invalid_regular_expression', message: 'Invalid regular expression' });
  }
  count(1_000 + 75 * compiled.programSize());
  return compiled;
}
