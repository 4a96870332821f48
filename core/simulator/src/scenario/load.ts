/** Scenario files: those in the package, and others. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigurationError } from '@switchhook/core';
import { Checker, compileExpression, type Hints, readConfig } from '@switchhook/core/internal';
import { reading } from '@switchhook/sdk/internal';
import { type Scenario, scenarioSchema } from './scenario.js';

const folder = fileURLToPath(new URL('../../scenarios', import.meta.url));
const extension = '.yaml';

const hints: Hints = {
  UNKNOWN_KEY: 'Check the spelling; docs/simulating.md lists all keys.',
  MISSING_KEY: 'Add it; docs/simulating.md shows an example.',
  WRONG_TYPE: 'docs/simulating.md lists each key with its meaning.',
  INVALID_VALUE: 'docs/simulating.md lists each key with its meaning.',
  CONFIG_EMPTY: 'docs/simulating.md shows how to write a scenario.',
  EXPRESSION_UNKNOWN_NAME: 'docs/simulating.md lists the names of a scenario, docs/configuration.md the functions.',
};

/** Names of the scenarios that come with the router. */
export function shippedScenarios(): readonly string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(extension))
    .map((file) => file.slice(0, -extension.length))
    .sort();
}

/** The file of a scenario that comes with the router. */
export function shippedFile(name: string): string {
  return join(folder, `${name}${extension}`);
}

/** A scenario from an object. Throws an error with all mistakes. */
export function scenarioFrom(value: unknown): Scenario {
  const reader = { compile: compileExpression, secret: () => {} };
  const { data, error } = reading(reader, () => scenarioSchema.safeParse(value));
  if (data !== undefined) return data;
  throw new Error(error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
}

/** Reads a scenario. Throws a `ConfigurationError` with everything that is wrong with it. */
export function readScenario(file: string): Scenario {
  const document = readConfig(file, undefined, hints);
  const scenario = document.root === null ? null : new Checker(document, compileExpression).check(scenarioSchema, []);
  if (scenario === null || document.problems.length > 0) throw new ConfigurationError(document.problems);
  return scenario;
}
