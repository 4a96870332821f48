import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';

/** What a built file imports, and what those files import. */
function importsOf(file: URL, seen = new Set<string>()): ReadonlySet<string> {
  const found = readFileSync(file, 'utf8').matchAll(/^(?:import|export)[\w\s{},*]*from '([^']+)';$/gm);
  for (const [, name = ''] of found) {
    const isOwn = name.startsWith('./') || name.startsWith('../');
    const target = isOwn ? new URL(name, file).href : name;
    if (seen.has(target)) continue;
    seen.add(target);
    if (isOwn) importsOf(new URL(target), seen);
  }
  return seen;
}

describe('the entry of the sdk for threads', () => {
  it('loads neither zod nor the contract, which the whole sdk does', () => {
    const packages = (entry: string) =>
      [...importsOf(pathToFileURL(createRequire(import.meta.url).resolve(entry)))]
        .filter((name) => !/^(?:file|node):/.test(name))
        .sort();
    expect(packages('@switchhook/sdk')).to.include('zod');
    expect(packages('@switchhook/sdk/thread')).to.deep.equal(['lossless-json']);
  });

  it('exports what the sdk exports by these names', async () => {
    const whole = await import('@switchhook/sdk');
    const thread = await import('@switchhook/sdk/thread');
    expect(whole).to.include({ ...thread });
  });
});
