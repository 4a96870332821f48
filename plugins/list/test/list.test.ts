import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import plugin from '@switchhook/plugin-list';
import { isNotReady, type JsonObject, type Resolver, z } from '@switchhook/sdk';
import { aCall, createComponent, fakeServices, resolverSuite } from '@switchhook/testkit';
import { expect } from 'chai';
import fc from 'fast-check';
import { fuzzing } from '../../../test/support/fuzzing.js';

const [component] = plugin.components;
const signal = (): AbortSignal => new AbortController().signal;
const find = (resolver: Resolver, from: string) => resolver.resolve(aCall({ from }), {}, signal(), 3_000);

interface World {
  readonly directory: string;
  readonly services: ReturnType<typeof fakeServices>;
  write(name: string, content: string | Uint8Array): Promise<void>;
  /** Makes a resolver and opens it; closed with the world. */
  make(lists: JsonObject, options?: JsonObject): Promise<Resolver>;
}

async function inWorld(body: (world: World) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'switchhook-list-'));
  const services = fakeServices({ directory });
  const made: Resolver[] = [];
  const make = async (lists: JsonObject, options: JsonObject = {}): Promise<Resolver> => {
    const resolver = createComponent('resolver', component, { lists, ...options }, services);
    made.push(resolver);
    await resolver.open?.();
    return resolver;
  };
  try {
    await body({ directory, services, make, write: (name, content) => writeFile(join(directory, name), content) });
  } finally {
    for (const resolver of made) await resolver.close?.();
    await services.close();
    await rm(directory, { recursive: true });
  }
}

resolverSuite(
  'list in the configuration',
  async () => {
    const services = fakeServices();
    const lists = { vip: { numbers: ['+12345678912'] } };
    return {
      resolver: createComponent('resolver', component, { lists }, services),
      known: aCall(),
      close: services.close,
    };
  },
  { never: ['hang', 'down', 'cutOff'] },
);

resolverSuite(
  'list in a file',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'switchhook-list-'));
    await writeFile(join(directory, 'vip.txt'), '+12345678912, Jane\n');
    const services = fakeServices({ directory });
    const resolver = createComponent('resolver', component, { lists: { vip: { file: 'vip.txt' } } }, services);
    await resolver.open?.();
    const close = async () => {
      await resolver.close?.();
      await services.close();
      await rm(directory, { recursive: true });
    };
    return { resolver, known: aCall(), close };
  },
  { never: ['hang', 'down', 'cutOff'] },
);

describe('list', () => {
  it('names the first list with the caller, with the note of the number', () =>
    inWorld(async ({ write, make }) => {
      await write('vip.txt', '# Customers of the first hour\n\n+12025550143,  Founder, since 2019 \n+12025550144\n');
      const resolver = await make({
        blocked: { numbers: { '+12025550199': 'Prank calls', '+12025550144': '' } },
        vip: { file: 'vip.txt' },
        staff: { numbers: ['+12025550143', '+12025550150'] },
      });
      expect(await find(resolver, '+12025550199')).to.deep.equal({
        listed: true,
        list: 'blocked',
        note: 'Prank calls',
      });
      expect(await find(resolver, '+12025550144')).to.deep.equal({ listed: true, list: 'blocked', note: '' });
      expect(await find(resolver, '+12025550143')).to.deep.equal({
        listed: true,
        list: 'vip',
        note: 'Founder, since 2019',
      });
      expect(await find(resolver, '+12025550150')).to.deep.equal({ listed: true, list: 'staff' });
      expect(await find(resolver, '+12025550151')).to.deep.equal({});
      expect(await find(resolver, '')).to.deep.equal({});
    }));

  it('finds a number in every way of writing it, on both sides', () =>
    inWorld(async ({ write, make }) => {
      const american = [
        '+12025550143',
        '(202) 555-0143',
        '1 202 555 0143',
        '001-202-555-0143',
        'tel:+1-202-555-0143',
        '202.555.0143',
      ];
      for (const written of american) {
        await write('us.txt', `${written};note\r\n`);
        const resolver = await make({ a: { file: 'us.txt' } }, { country: 'US' });
        for (const from of american) expect((await find(resolver, from)).listed, `${written} ${from}`).to.equal(true);
      }
      const argentine = await make({ a: { numbers: ['+541123456789'] } });
      expect((await find(argentine, '+5491123456789')).listed).to.equal(true);
    }));

  it('finds every number that is in a file, and no other, however it is cut into pieces', () =>
    inWorld(async ({ write, make }) => {
      const number = fc.integer({ min: 2_000_000, max: 9_999_999 }).map((digits) => `+1202${digits}`);
      const entry = fc.tuple(number, fc.constantFrom('', ', note', '\tJörg', '; x'.repeat(40)));
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(entry, { selector: ([one]) => one, maxLength: 1_000, size: 'max' }),
          async (entries) => {
            await write('all.txt', `\uFEFF${entries.map((parts) => parts.join('')).join('\r\n')}`);
            const resolver = await make({ all: { file: 'all.txt' } });
            for (const [one] of entries) expect((await find(resolver, one)).listed).to.equal(true);
            expect(await find(resolver, '+12021999999')).to.deep.equal({});
          },
        ),
        fuzzing(20),
      );
    }));

  it('reads a file again when it changes, and keeps what it has while the new version is not valid', () =>
    inWorld(async ({ directory, write, make, services: { clock, log } }) => {
      const logged = async (event: string, change: () => Promise<void>) => {
        const before = log.of(event).length;
        await change();
        while (log.of(event).length === before) await clock.advance(1_000);
        return log.of(event)[before]?.fields;
      };
      const path = join(directory, 'vip.txt');
      await write('vip.txt', '+12025550143\n');
      const resolver = await make({ vip: { file: 'vip.txt' } });
      const replace = async () => {
        await write('new.txt', '+12025550144\n1.2E+10\n');
        await rename(join(directory, 'new.txt'), path);
      };
      expect(await logged('list.loaded', replace)).to.deep.include({
        list: 'vip',
        file: path,
        numbers: 2,
        notPhones: 1,
      });
      expect([await find(resolver, '+12025550143'), await find(resolver, '+12025550144')]).to.deep.equal([
        {},
        { listed: true, list: 'vip' },
      ]);
      const reason = `${path}: it is not UTF-8: save it as UTF-8`;
      const broken = () => write('vip.txt', Buffer.from('+12025550143,Jos\xe9\n', 'latin1'));
      expect(await logged('list.rejected', broken)).to.deep.equal({ list: 'vip', file: path, reason });
      expect((await find(resolver, '+12025550144')).listed).to.equal(true);
    }));

  it('fails for a caller who may be on a list that could not be read, until it can', () =>
    inWorld(async ({ write, make, services: { clock, log } }) => {
      const resolver = await make({ staff: { numbers: ['+12025550143'] }, vip: { file: 'vip.txt' } });
      expect((await find(resolver, '+12025550143')).list).to.equal('staff');
      const error = await find(resolver, '+12025550144').catch((thrown: unknown) => thrown);
      expect([isNotReady(error), String(error)]).to.satisfy(
        ([is, text]: [boolean, string]) => is && /ENOENT.*vip\.txt/.test(text),
      );
      await write('vip.txt', '+12025550144\n');
      while (log.of('list.loaded').length === 0) await clock.advance(1_000);
      expect((await find(resolver, '+12025550144')).list).to.equal('vip');
    }));

  it('refuses files that are no list', () =>
    inWorld(async ({ directory, write, make }) => {
      const refusal = async (content: string) => {
        await write('a.txt', content);
        return find(await make({ a: { file: 'a.txt' } }), '+12025550143').then(String, (error: Error) =>
          error.message.replace(`${directory}/`, ''),
        );
      };
      expect(await refusal(`+1\n${'x'.repeat(20_000)}`)).to.equal('a.txt:2: the line is longer than 10000 characters');
      expect(await refusal('+12025550143\n'.repeat(1_000_000))).to.equal(
        'a.txt: it is larger than 10 MB: use table.lookup',
      );
    }));

  it('shows an operator who checks how many numbers each list has', () =>
    inWorld(async ({ write, make }) => {
      await write('vip.txt', 'phone,note\n+12025550143,Jane\n+12025550144\n');
      const resolver = await make({ vip: { file: 'vip.txt' }, staff: { numbers: ['+12025550145'] } });
      expect(await resolver.probe?.(signal())).to.equal('vip: 3 numbers, 1 is no phone number; staff: 1 number');
    }));

  it('is refused with options that cannot work, each at its place', () => {
    const problems = (options: JsonObject): readonly string[] => {
      try {
        createComponent('resolver', component, options, fakeServices());
      } catch (error) {
        if (!(error instanceof z.ZodError)) throw error;
        return error.issues.map(({ path }) => path.join('.'));
      }
      return [];
    };
    expect(problems({ lists: { a: { numbers: [] } } })).to.deep.equal([]);
    expect(problems({ lists: {} })).to.deep.equal(['lists']);
    expect(problems({ lists: { a: {} } })).to.deep.equal(['lists.a']);
    expect(problems({ lists: { a: { numbers: [], file: 'a' } } })).to.deep.equal(['lists.a']);
    expect(problems({ lists: { a: { numbers: [12_025_550_143] } } })).to.deep.equal(['lists.a.numbers']);
    expect(problems({ lists: { a: { file: '' } }, country: 'UK' })).to.deep.equal(['lists.a.file', 'country']);
  });
});
