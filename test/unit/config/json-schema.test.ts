import { configurationSchema } from '@switchhook/core/internal';
import { expect } from 'chai';
import { parse } from 'yaml';
import { z } from 'zod';
import { components, smallest } from './setup.js';

/** Whether the schema takes a YAML text, as an editor would judge it. */
function accepts(yaml: string): boolean {
  return z.fromJSONSchema(configurationSchema(components)).safeParse(parse(yaml)).success;
}

/** A part of the schema, by its path. */
function partOf(...path: readonly string[]): unknown {
  return path.reduce<unknown>((part, step) => (part as Record<string, unknown>)[step], configurationSchema(components));
}

describe('the JSON Schema of the configuration', () => {
  it('is of the draft editors read, with a title', () => {
    expect(configurationSchema(components)).to.include({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'Switchhook configuration',
    });
  });

  it('takes what is right', () => {
    expect(accepts(smallest)).to.equal(true);
    expect(accepts(`${smallest}server: { port: 80, grace: 5s, trustProxy: true }\n`)).to.equal(true);
    expect(
      accepts(smallest.replace('{ use: log }', '{ use: http.post, url: x, body: { a: [1] }, retry: { attempts: 3 } }')),
    ).to.equal(true);
  });

  it('takes variables wherever a value may come from one', () => {
    expect(
      accepts(
        `${smallest}server: { port: "\${PORT}", grace: "\${GRACE:-5s}", trustProxy: "\${TRUST}", publicUrl: "\${URL}" }\n`,
      ),
    ).to.equal(true);
    expect(accepts(`${smallest}log: { level: "\${LEVEL}" }\n`)).to.equal(true);
  });

  const mistakes = [
    smallest.replace('version: 1', 'version: 2'),
    smallest.replace('version: 1\n', ''),
    `${smallest}sever: {}\n`,
    `${smallest}server: { prot: 1 }\n`,
    `${smallest}server: { port: http }\n`,
    `${smallest}server: { grace: 5 sec }\n`,
    `${smallest}log: { level: loud }\n`,
    smallest.replace('use: log', 'use: nothing'),
    smallest.replace('use: log', 'use: log, x: 1'),
    smallest.replace('use: log', 'use: http.post'),
    smallest.replace('use: log', 'use: log, retry: { attempts: x }'),
    smallest.replace('out:', '1out:'),
    smallest.replace('to: out', 'too: out'),
  ];
  for (const yaml of mistakes)
    it(`does not take ${JSON.stringify(yaml.split('\n').find((line) => !smallest.includes(line)) ?? 'a missing version')}`, () => {
      expect(accepts(yaml)).to.equal(false);
    });

  it('has the rows of exactly these components', () => {
    const rows = partOf('properties', 'destinations', 'additionalProperties', 'oneOf') as {
      properties: { use: object };
    }[];
    expect(rows.map(({ properties }) => properties.use)).to.deep.equal([
      { type: 'string', const: 'http.post', description: 'Posts events.' },
      { type: 'string', const: 'log', description: 'Logs.' },
    ]);
  });

  it('has each type once', () => {
    const twice = [...components, ...components];
    expect(configurationSchema(twice)).to.deep.equal(configurationSchema(components));
  });

  it('can be made without any component of a kind', () => {
    const schema = configurationSchema(components.filter(({ kind }) => kind !== 'transform'));
    expect(schema)
      .to.have.nested.property('properties.transforms.additionalProperties.required')
      .that.deep.equals(['use']);
  });

  it('describes every key', () => {
    const missing: string[] = [];
    const visit = (part: unknown, path: string): void => {
      if (typeof part !== 'object' || part === null) return;
      for (const [key, value] of Object.entries(part)) {
        const isKey = path.endsWith('.properties') || path === 'properties';
        if (isKey && !('description' in (value as object))) missing.push(`${path}.${key}`);
        visit(value, path === '' ? key : `${path}.${key}`);
      }
    };
    visit(configurationSchema(components), '');
    expect(missing).to.deep.equal([]);
  });

  it('says how durations, sizes and secrets are written', () => {
    expect(partOf('properties', 'server', 'properties', 'grace')).to.deep.include({ default: '10s' });
    expect(JSON.stringify(partOf('properties', 'server', 'properties', 'grace'))).to.include('(ms|s|m|h|d)');
    expect(partOf('properties', 'server', 'properties', 'admin', 'properties', 'token')).to.deep.include({
      type: 'string',
      secret: true,
    });
  });
});
