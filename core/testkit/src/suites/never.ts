/** Tests of what not every component has: not registered where it is declared absent, pending where a fixture lacks it. */
import { ok } from 'node:assert/strict';
import { pending } from '../mocha.js';

/** How a suite registers a test. */
export type Claim<Fixture> = (title: string, body: (fixture: Fixture) => Promise<void>) => void;

/** What a fixture may have, by its name in `never`. */
export type Parts<Fixture, Name extends string> = Readonly<
  Record<Name, { readonly what: string; in(fixture: Fixture): boolean }>
>;

/**
 * Returns how a suite registers a test that needs parts. Where the fixture lacks one, the test is pending; if `never` names it, the test is
 * not registered, and one test checks that the fixture lacks it indeed.
 */
export function testsOfParts<Fixture, Name extends string>(
  claim: Claim<Fixture>,
  parts: Parts<Fixture, Name>,
  never: readonly string[],
): (needed: Name | readonly Name[], ...claim: Parameters<Claim<Fixture>>) => void {
  for (const name of Object.keys(parts) as Name[])
    if (never.includes(name))
      claim(`has no ${parts[name].what}, as \`never\` says`, async (fixture) => {
        ok(!parts[name].in(fixture), `the fixture has ${parts[name].what}: remove '${name}' from \`never\``);
      });
  return (needed, title, body) => {
    const names = typeof needed === 'string' ? [needed] : needed;
    if (names.some((name) => never.includes(name))) return;
    claim(title, async (fixture) => {
      for (const name of names)
        if (!parts[name].in(fixture))
          pending(`the fixture needs ${parts[name].what}; name '${name}' in \`never\` if there is none`);
      await body(fixture);
    });
  };
}
