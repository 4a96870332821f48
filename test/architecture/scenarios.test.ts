import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inputSchema, type JsonSchema } from '@switchhook/core/internal';
import { readScenario, scenarioSchema, shippedFile, shippedScenarios } from '@switchhook/simulator';
import { expect } from 'chai';
import { repository } from './source.js';

const page = readFileSync(join(repository, 'docs/simulating.md'), 'utf8');
/** The first cells of a section's table. */
function rowsIn(heading: string): readonly string[] {
  const section = page.split(/^## /m).find((text) => text.startsWith(heading)) ?? '';
  return [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, cell = '']) => cell);
}

/** Keys as the page writes them; of what is measured by quantiles, and of a ring, the page tells in a sentence. */
function keysOf(schema: JsonSchema, at = ''): readonly string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => {
    const value = inner as JsonSchema;
    const key = `${at}${name}`;
    if (value.type === 'array') return [key, ...keysOf(value.items as JsonSchema, `${key}[].`)];
    return name === 'expect' || name === 'evaluate' ? keysOf(value, `${key}.`) : [key];
  });
}

describe('The page about scenarios', () => {
  it('tells every key', () => {
    const keys = keysOf(inputSchema(scenarioSchema));
    expect(keys).to.include.members(['steps[].expect.same', 'evaluate.ring', 'steps[].at']);
    expect(rowsIn('Writing a scenario')).to.have.members([...keys]);
  });

  it('tells every scenario that comes with the router, and no other', () => {
    expect(rowsIn('The scenarios')).to.have.members([...shippedScenarios()]);
  });

  it('is followed by every scenario: each says what happens in a line', () => {
    for (const name of shippedScenarios()) {
      const { description } = readScenario(shippedFile(name));
      expect(description, name).to.match(/^[A-Z][^\n]*\.$/);
    }
  });
});
