/** Tests of what not every component has: not registered where it is declared absent, pending where a fixture lacks it. */
import { ok } from 'node:assert/strict';
import { pending } from '../mocha.js';

type Claim<Fixture> = (title: string, body: (fixture: Fixture) => Promise<void>) => void;

/** What a fixture may have, by its name in `never`. */
export type Parts<Fixture, Name extends string> = Readonly<
  Record<Name, { readonly what: string; in(fixture: Fixture): boolean }>
>;

/**
 * Returns how a suite registers a test that needs a part. Without the part in the fixture the test is pending; if `never` names the part, it is
 * not registered, and one test checks that the fixture lacks it indeed.
 */
export function testsOfParts<Fixture, Name extends string>(
  claim: Claim<Fixture>,
  parts: Parts<Fixture, Name>,
  never: readonly string[],
): (needed: Name, ...claim: Parameters<Claim<Fixture>>) => void {
  for (const name of Object.keys(parts) as Name[])
    if (never.includes(name))
      claim(`has no ${parts[name].what}, as \`never\` says`, async (fixture) => {
        ok(!parts[name].in(fixture), `the fixture has ${parts[name].what}: remove '${name}' from \`never\``);
      });
  return (needed, title, body) => {
    if (never.includes(needed)) return;
    claim(title, async (fixture) => {
      const { what, in: has } = parts[needed];
      if (!has(fixture)) pending(`the fixture needs ${what}; name '${needed}' in \`never\` if there is none`);
      await body(fixture);
    });
  };
}
