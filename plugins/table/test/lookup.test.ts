import { mkdtemp, rename, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import plugin from '@switchhook/plugin-table';
import { FileWatch, isNotReady, type JsonObject, type Resolver, z } from '@switchhook/sdk';
import { aCall, createComponent, fakeServices, resolverSuite, settled } from '@switchhook/testkit';
import { expect } from 'chai';

const [component] = plugin.components;
const signal = (): AbortSignal => new AbortController().signal;
const customers = 'phone,first_name,tier\n+12345678912,Jane,gold\n+34600000000,José,\n';

interface World {
  readonly directory: string;
  readonly services: ReturnType<typeof fakeServices>;
  write(name: string, content: string | Uint8Array): Promise<void>;
  /** Opens a resolver; closed with the world. */
  make(options: JsonObject): Promise<Resolver>;
}

async function withFixture(body: (fixture: World) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'switchhook-table-'));
  const services = fakeServices({ directory });
  const made: Resolver[] = [];
  const make = async (options: JsonObject): Promise<Resolver> => {
    const resolver = createComponent('resolver', component, options, services);
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

function find(resolver: Resolver, from: string): Promise<JsonObject> {
  return resolver.resolve(aCall({ from }), {}, signal(), 3_000);
}

/** Why nobody can be looked for in a file, without the directory. */
async function refusal(
  fixture: World,
  name: string,
  content: string | Uint8Array,
  options: JsonObject = {},
): Promise<string> {
  await fixture.write(name, content);
  return find(await fixture.make({ file: name, ...options }), '+12345678912').then(
    () => 'none',
    (error: Error) => error.message.replace(`${fixture.directory}/`, ''),
  );
}

resolverSuite(
  'table.lookup',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'switchhook-table-'));
    await writeFile(join(directory, 'customers.csv'), customers);
    const services = fakeServices({ directory });
    const resolver = createComponent('resolver', component, { file: 'customers.csv' }, services);
    await resolver.open?.();
    return {
      resolver,
      known: aCall(),
      close: async () => {
        await resolver.close?.();
        await services.close();
        await rm(directory, { recursive: true });
      },
    };
  },
  { never: ['hang', 'down', 'cutOff'] },
);

describe('table.lookup reads CSV', () => {
  it('gives the row, every value as a text', () =>
    withFixture(async ({ write, make }) => {
      await write('t.csv', 'phone,visits,vip,note\n+12345678912,007,true,\n');
      expect(await find(await make({ file: 't.csv' }), '+12345678912')).to.deep.equal({
        phone: '+12345678912',
        visits: '007',
        vip: 'true',
        note: '',
      });
    }));

  it('reads what Excel saves: byte order mark, semicolons, CRLF, quotes, empty lines, spaces in the header', () =>
    withFixture(async ({ write, make, services }) => {
      await write(
        't.csv',
        '\ufeff phone ; first_name;note;\r\n"+12345678912";"Jane ""JJ"" Doe";"two\r\nlines; really";\r\n\r\n;;;\r\n+34600000000;José 😀;x;\r\n',
      );
      const resolver = await make({ file: 't.csv', delimiter: ';' });
      expect(await find(resolver, '+12345678912')).to.deep.equal({
        phone: '+12345678912',
        first_name: 'Jane "JJ" Doe',
        note: 'two\r\nlines; really',
      });
      expect(await find(resolver, '+34600000000')).to.deep.equal({
        phone: '+34600000000',
        first_name: 'José 😀',
        note: 'x',
      });
      expect(services.log.of('table.loaded')[0]?.fields).to.include({
        rows: 2,
        duplicates: 0,
        withoutKey: 0,
        notPhones: 0,
      });
    }));

  it('keeps the last of several rows with the same key, and counts what it passes over', () =>
    withFixture(async ({ write, make, services }) => {
      await write('t.csv', 'phone,name\n+12345678912,first\n,nobody\nanonymous,Anonymous\n+1 234-567-8912,second\n');
      const resolver = await make({ file: 't.csv' });
      expect(await find(resolver, '+12345678912')).to.deep.equal({ phone: '+1 234-567-8912', name: 'second' });
      expect(services.log.of('table.loaded')[0]?.fields).to.include({
        rows: 2,
        duplicates: 1,
        withoutKey: 1,
        notPhones: 1,
      });
      expect(services.metrics.values.get('table_rows{resolver="under-test"}')).to.equal(2);
    }));

  it('reads a table without rows', () =>
    withFixture(async ({ write, make }) => {
      await write('t.csv', 'phone,name');
      expect(await find(await make({ file: 't.csv' }), '+12345678912')).to.deep.equal({});
    }));

  it('takes names that objects have already for nothing but names', () =>
    withFixture(async ({ write, make }) => {
      await write('t.csv', 'phone,__proto__,constructor\n+12345678912,a,b\n__proto__,c,d\n');
      const resolver = await make({ file: 't.csv' });
      const found = await find(resolver, '+12345678912');
      expect(Object.entries(found)).to.deep.equal([
        ['phone', '+12345678912'],
        ['__proto__', 'a'],
        ['constructor', 'b'],
      ]);
      expect((await find(resolver, '__proto__')).constructor).to.equal('d');
      expect(await find(resolver, 'toString')).to.deep.equal({});
    }));

  it('finds each of ten thousand rows, and nobody else', () =>
    withFixture(async ({ write, make }) => {
      const numbers = Array.from({ length: 10_000 }, (_, n) => `+1${2_000_000_000 + n * 37}`);
      await write('t.csv', `phone,n\n${numbers.map((number, n) => `${number},${n}\n`).join('')}`);
      const resolver = await make({ file: 't.csv' });
      const found = await Promise.all(numbers.map((number) => find(resolver, number)));
      expect(found.every(({ n }, index) => n === String(index))).to.equal(true);
      const others = await Promise.all(numbers.map((number) => find(resolver, `${number}0`)));
      expect(others.every((row) => Object.keys(row).length === 0)).to.equal(true);
    }));

  it('keeps rows that fill more than one block of memory', () =>
    withFixture(async ({ write, make }) => {
      const long = 'ä'.repeat(400_000);
      const numbers = Array.from({ length: 45 }, (_, n) => `+120255501${String(n).padStart(2, '0')}`);
      await write('t.csv', `phone,long\n${numbers.map((number, n) => `${number},${n}${long}\n`).join('')}`);
      const resolver = await make({ file: 't.csv' });
      for (const [n, number] of numbers.entries())
        expect((await find(resolver, number)).long === n + long).to.equal(true);
    }));
});

describe('table.lookup reads JSON and YAML', () => {
  const row = {
    phone: '+12345678912',
    first_name: 'Jane',
    visits: 7,
    vip: true,
    address: { city: 'Reno' },
    none: null,
  };

  it('gives the row of a list of objects, every value with its type', () =>
    withFixture(async ({ write, make }) => {
      await write('t.json', `\ufeff${JSON.stringify([row, { phone: '+1', other: 1 }])}`);
      expect(await find(await make({ file: 't.json' }), '+12345678912')).to.deep.equal(row);
      await write(
        't.yml',
        `# customers\n- phone: +12345678912\n  first_name: Jane\n  visits: 7\n  vip: true\n  address: { city: Reno }\n  none: null\n`,
      );
      expect(await find(await make({ file: 't.yml' }), '+12345678912')).to.deep.equal(row);
    }));

  it('gives the row of an object whose names are the keys', () =>
    withFixture(async ({ write, make }) => {
      await write('t.json', JSON.stringify({ '+12345678912': { first_name: 'Jane' } }));
      expect(await find(await make({ file: 't.json' }), '+12345678912')).to.deep.equal({
        phone: '+12345678912',
        first_name: 'Jane',
      });
      await write('t.yaml', '+12345678912: { first_name: Jane }\n0049301234567:\n  first_name: Karl\n');
      const resolver = await make({ file: 't.yaml' });
      expect(await find(resolver, '+12345678912')).to.deep.equal({ phone: '+12345678912', first_name: 'Jane' });
      expect(await find(resolver, '+49301234567')).to.deep.equal({ phone: '0049301234567', first_name: 'Karl' });
    }));

  it('goes by the format where the ending says something else', () =>
    withFixture(async ({ write, make }) => {
      await write('customers.txt', customers);
      expect(await find(await make({ file: 'customers.txt', format: 'csv' }), '+12345678912')).to.include({
        first_name: 'Jane',
      });
    }));
});

describe('table.lookup compares phone numbers', () => {
  /** Those of these callers that a table with one number does not have. */
  const unknown = async (written: string, callers: readonly string[], options: JsonObject = {}) => {
    const missing: string[] = [];
    await withFixture(async ({ write, make }) => {
      await write('t.json', JSON.stringify([{ phone: written }]));
      const resolver = await make({ file: 't.json', ...options });
      for (const from of callers) if (!('phone' in (await find(resolver, from)))) missing.push(from);
    });
    return missing;
  };
  const finds = async (written: string, from: string, options: JsonObject = {}): Promise<boolean> =>
    (await unknown(written, [from], options)).length === 0;

  it('takes the country of the configuration where it has none of its own', async () => {
    await withFixture(async ({ directory, write }) => {
      await write('t.csv', customers.replace('+12345678912', '030 901820'));
      const services = fakeServices({ directory, country: 'DE' });
      const found = async (options: JsonObject) => {
        const resolver = createComponent('resolver', component, { file: 't.csv', ...options }, services);
        await resolver.open?.();
        const facts = await find(resolver, '+4930901820');
        await resolver.close?.();
        return facts.first_name;
      };
      expect([await found({}), await found({ country: 'US' })]).to.deep.equal(['Jane', undefined]);
      await services.close();
    });
  });

  it('finds an international number, however it is written', async () => {
    for (const written of [
      '+1 (202) 555-0143',
      '12025550143',
      '0012025550143',
      '+1.202.555.0143',
      'tel:+12025550143',
      ' +12025550143 ',
    ])
      expect(await finds(written, '+12025550143'), written).to.equal(true);
    expect(await finds('+44 (0)20 7946 0018', '+442079460018')).to.equal(true);
  });

  it('finds a number that is written as in its country', async () => {
    expect(await finds('(202) 555-0143', '+12025550143', { country: 'US' })).to.equal(true);
    expect(await finds('030 / 123 456', '+4930123456', { country: 'DE' })).to.equal(true);
    expect(await finds('+4930123456', '030 123456', { country: 'DE' })).to.equal(true);
    expect(await finds('(202) 555-0143', '+12025550143')).to.equal(false);
  });

  it('finds a caller whose number comes without plus, or in a SIP address', async () => {
    const callers = [
      '12025550143',
      '0012025550143',
      'sip:+12025550143@gateway.example.com;user=phone',
      'SIPS:%2B12025550143@x',
      'tel:+1-202-555-0143',
    ];
    expect(await unknown('+12025550143', callers)).to.deep.equal([]);
  });

  it('finds Mexican and Argentine mobile numbers with and without the digit of mobile numbers', async () => {
    const mexican = ['+525512345678', '+5215512345678', '+52 1 55 1234 5678', '+52 55 1234 5678'];
    const argentine = ['+541123456789', '+5491123456789', '+54 9 11 2345 6789', '+54 11 2345 6789'];
    for (const spellings of [mexican, argentine])
      for (const written of spellings) expect(await unknown(written, spellings), written).to.deep.equal([]);
  });

  it('finds nobody for a caller who withholds the number, unless the table has a row for it', async () => {
    expect(await finds('+12025550143', '')).to.equal(false);
    expect(await finds('+12025550143', 'anonymous')).to.equal(false);
    expect(await finds('', '')).to.equal(false);
    expect(await finds('anonymous', 'anonymous')).to.equal(true);
    expect(await finds('12345', '12345', { country: 'US' })).to.equal(true);
  });

  it('finds nobody for what is no number at all', async () => {
    const callers = ['+', '+abc', 'sip:', 'sip:%E0%A4%A', '+'.repeat(100_000), '0'.repeat(1_000), '\0', '𝟙𝟚𝟛'];
    expect(await unknown('+12025550143', callers)).to.deep.equal(callers);
  });
});

describe('table.lookup looks for other things', () => {
  it('compares texts letter by letter', () =>
    withFixture(async ({ write, make }) => {
      await write('t.csv', 'agent,language\nagent_sales,en\n0049,de\n');
      const resolver = await make({ file: 't.csv', key: 'agent', match: '${{ call.agent }}', compare: 'text' });
      const language = async (agent: string | null) =>
        (await resolver.resolve(aCall({ agent }), {}, signal(), 3_000)).language;
      expect(await language('agent_sales')).to.equal('en');
      expect(await language('Agent_Sales')).to.equal(undefined);
      expect(await language('0049')).to.equal('de');
      expect(await language('+49')).to.equal(undefined);
      expect(await language(null)).to.equal(undefined);
    }));

  it('looks for what another resolver found, and finds nobody where that found nobody', () =>
    withFixture(async ({ write, make }) => {
      await write('t.json', JSON.stringify([{ id: 7, tier: 'gold' }]));
      const resolver = await make({ file: 't.json', key: 'id', match: '${{ known.customer.id }}', compare: 'text' });
      expect(await resolver.resolve(aCall(), { customer: { id: 7 } }, signal(), 3_000)).to.deep.equal({
        id: 7,
        tier: 'gold',
      });
      expect(await resolver.resolve(aCall(), { customer: {} }, signal(), 3_000)).to.deep.equal({});
    }));
});

describe('table.lookup notices that its file changes', () => {
  const tier = async (resolver: Resolver) => (await find(resolver, '+12345678912')).tier;
  const table = (value: string) => `phone,tier\n+12345678912,${value}\n`;
  /** Does something to the file and lets time pass until that is in the log. */
  const noticed = async ({ log, clock }: World['services'], event: string, change: () => Promise<void>) => {
    const before = log.of(event).length;
    await change();
    while (log.of(event).length === before) await clock.advance(1_000);
    return log.of(event)[before]?.fields.reason;
  };

  it('reads it again when it is written, replaced, or deleted and made anew', () =>
    withFixture(async ({ directory, write, make, services }) => {
      const file = join(directory, 't.csv');
      await write('t.csv', table('gold'));
      const resolver = await make({ file: 't.csv' });
      expect(await tier(resolver)).to.equal('gold');
      await noticed(services, 'table.loaded', () => write('t.csv', table('silver')));
      expect(await tier(resolver)).to.equal('silver');
      for (const value of ['bronze', 'copper']) {
        await write('new', table(value));
        await noticed(services, 'table.loaded', () => rename(join(directory, 'new'), file));
        expect(await tier(resolver)).to.equal(value);
      }
      expect(await noticed(services, 'table.rejected', () => unlink(file))).to.match(/ENOENT/);
      expect(await tier(resolver)).to.equal('copper');
      await noticed(services, 'table.loaded', () => write('t.csv', table('gold again')));
      expect(await tier(resolver)).to.equal('gold again');
    }));

  it('follows a link that is turned to another file, an older one of the same size too', () =>
    withFixture(async ({ directory, write, make, services }) => {
      await write('v1', table('one'));
      await write('v2', table('two'));
      await utimes(join(directory, 'v1'), 0, 0);
      await symlink('v2', join(directory, 't.csv'));
      const resolver = await make({ file: 't.csv' });
      await symlink('v1', join(directory, 'link'));
      await noticed(services, 'table.loaded', () => rename(join(directory, 'link'), join(directory, 't.csv')));
      expect(await tier(resolver)).to.equal('one');
    }));

  it('waits until the file has been the same for a second', () =>
    withFixture(async ({ directory, write, services }) => {
      const { clock } = services;
      let changes = 0;
      const watch = new FileWatch(join(directory, 't.csv'), clock, () => {
        changes += 1;
      });
      const look = async (): Promise<number> => {
        await clock.advance(1_000);
        while (clock.pending === 0) await settled();
        return changes;
      };
      await write('t.csv', 'a');
      await watch.open();
      for (const content of ['ab', 'abc', 'abcd']) {
        await write('t.csv', content);
        expect(await look()).to.equal(0);
      }
      expect(await look()).to.equal(1);
      expect(await look()).to.equal(1);
      watch.close();
      expect(clock.pending).to.equal(0);
    }));

  it('keeps the table it has while a new version is broken, and says what is wrong with it', () =>
    withFixture(async ({ directory, write, make, services }) => {
      await write('t.csv', table('gold'));
      const resolver = await make({ file: 't.csv' });
      const reason = await noticed(services, 'table.rejected', () => write('t.csv', `${table('silver')}+1,a,b\n`));
      expect(reason).to.equal(`${join(directory, 't.csv')}:3: it is not CSV: expected 2 values, found 3`);
      expect(await tier(resolver)).to.equal('gold');
      await noticed(services, 'table.loaded', () => write('t.csv', table('silver')));
      expect(await tier(resolver)).to.equal('silver');
    }));

  it('opens without a table where the file is broken, fails on every look-up, and has it once the file is saved right', () =>
    withFixture(async ({ directory, write, make, services }) => {
      await write('t.csv', 'phone,tier\n+1,a,b\n');
      const resolver = await make({ file: 't.csv' });
      const reason = `${join(directory, 't.csv')}:2: it is not CSV: expected 2 values, found 3`;
      expect(services.log.of('table.rejected').map(({ fields }) => fields.reason)).to.deep.equal([reason]);
      const error = await tier(resolver).catch((thrown: unknown) => thrown);
      expect([isNotReady(error), String(error)]).to.deep.equal([true, `Error: ${reason}`]);
      expect(await find(resolver, '')).to.deep.equal({});
      await noticed(services, 'table.loaded', () => write('t.csv', table('gold')));
      expect(await tier(resolver)).to.equal('gold');
    }));

  it('tries a file that could not be read again each minute until it can, although it is the same', () =>
    withFixture(async ({ directory, write, make, services: { clock, log } }) => {
      /** A file of one size and one age, whatever is in it. */
      const writeAlike = async (content: string) => {
        await write('t.csv', content);
        await utimes(join(directory, 't.csv'), 1_000, 1_000);
      };
      const good = table('gold');
      await writeAlike('x'.repeat(good.length));
      const resolver = await make({ file: 't.csv' });
      const again = log.next('table.rejected');
      await clock.advance(60_000);
      await again;
      await writeAlike(good);
      await clock.advance(59_000);
      expect(log.of('table.loaded')).to.have.length(0);
      const loaded = log.next('table.loaded');
      await clock.advance(1_000);
      await loaded;
      expect(await tier(resolver)).to.equal('gold');
      await clock.advance(180_000);
      expect([log.of('table.rejected').length, log.of('table.loaded').length]).to.deep.equal([2, 1]);
    }));

  it('opens again what is open, and looks at it once', () =>
    withFixture(async ({ write, make, services }) => {
      await write('t.csv', table('gold'));
      const resolver = await make({ file: 't.csv' });
      await resolver.open?.();
      expect(services.clock.pending).to.equal(1);
    }));

  it('looks no more once it is closed', () =>
    withFixture(async ({ write, make, services }) => {
      for (const content of [table('gold'), 'broken']) {
        await write('t.csv', content);
        const resolver = await make({ file: 't.csv' });
        await resolver.close?.();
        expect(services.clock.pending).to.equal(0);
      }
    }));
});

describe('table.lookup refuses', () => {
  it('a file that is not there, or is a directory', () =>
    withFixture(async (fixture) => {
      expect(await refusal(fixture, 'other.csv', '', { file: 'missing.csv' })).to.match(/^missing\.csv: ENOENT/);
      expect(await refusal(fixture, 'other.csv', '', { file: '.', format: 'csv' })).to.match(/EISDIR/);
    }));

  it('CSV that is none, and says on which line', () =>
    withFixture(async (fixture) => {
      const said = (content: string | Uint8Array) => refusal(fixture, 't.csv', content);
      expect(await said('')).to.equal('t.csv:1: the file is empty: expected a line with the names of the columns');
      expect(await said('name,tier\na,b\n')).to.equal('t.csv:1: there is no column "phone", only "name", "tier"');
      expect(await said('phone;tier\n+1;b\n')).to.equal(
        't.csv:1: there is no column "phone", only "phone;tier"; is the delimiter ";"?',
      );
      expect(await said('phone,a,a\n+1,2,3\n')).to.equal('t.csv:1: there are two columns "a"');
      expect(await said('phone,tier\n+1,2\n+1\n')).to.equal('t.csv:3: it is not CSV: expected 2 values, found 1');
      expect(await said('phone,tier\n+1,2,Doe, Jane\n')).to.equal('t.csv:2: it is not CSV: expected 2 values, found 4');
      expect(await said('phone,tier\n+1,2\n"+1,2\n')).to.equal('t.csv:3: it is not CSV: quote not closed');
      expect(await said('phone,tier\n+1,J"a"ne\n')).to.equal('t.csv:2: it is not CSV: invalid opening quote');
      expect(await said(Buffer.from('phone,name\n+1,Jos\xe9\n', 'latin1'))).to.equal(
        't.csv: it is not UTF-8: save it as UTF-8',
      );
      expect(await said(Buffer.from('\ufeffphone,name\n', 'utf16le'))).to.equal(
        't.csv: it is not UTF-8: save it as UTF-8',
      );
      expect(await said(`phone,a\n+1,"${'x\n'.repeat(600_000)}`)).to.match(
        /^t\.csv:\d+: it is not CSV: max record size$/,
      );
    }));

  it('JSON that is none, or no table', () =>
    withFixture(async (fixture) => {
      const said = (content: string) => refusal(fixture, 't.json', content);
      expect(await said('')).to.equal('t.json:1: it is not JSON');
      expect(await said('[\n  {"phone": "+1"},\n  {"phone": "+2",}\n]')).to.equal('t.json:3: it is not JSON');
      expect(await said('"text"')).to.equal('t.json: expected a list of objects, or an object of objects');
      expect(await said('[{"phone": "+1"}, 7]')).to.equal('t.json: row 2 is not an object');
      expect(await said('{"+1": "Jane"}')).to.equal('t.json: "+1" is not an object');
      expect(await said('[{"name": "Jane"}]')).to.equal('t.json: no row has a column "phone"');
      expect(await said(`[${' '.repeat(50_000_000)}]`)).to.equal('t.json: it is larger than 50 MB: write it as CSV');
    }));

  it('YAML that is none, and bombs of aliases', () =>
    withFixture(async (fixture) => {
      const said = (content: string) => refusal(fixture, 't.yaml', content);
      expect(await said('- phone: +1\n  name: [a\n- phone: +2\n')).to.match(/^t\.yaml:3: /);
      expect(await said('just text')).to.equal('t.yaml: expected a list of objects, or an object of objects');
      const bomb = ['- &a0 { phone: x }'].concat(
        Array.from({ length: 9 }, (_, n) => `- &a${n + 1} { phone: x, b: [${Array(9).fill(`*a${n}`).join(', ')}] }`),
      );
      expect(await said(bomb.join('\n'))).to.match(/^t\.yaml: .*alias/);
    }));

  it('options that cannot work, each at its place', () => {
    const problems = (options: JsonObject): readonly string[] => {
      try {
        createComponent('resolver', component, options, fakeServices());
      } catch (error) {
        if (!(error instanceof z.ZodError)) throw error;
        return error.issues.map(({ path }) => path.join('.'));
      }
      return [];
    };
    expect(problems({ file: 't.csv' })).to.deep.equal([]);
    expect(problems({ file: 't.txt' })).to.deep.equal(['file']);
    expect(problems({ file: 't.csv', delimiter: ', ' })).to.deep.equal(['delimiter']);
    expect(problems({ file: 't.csv', country: 'Germany' })).to.deep.equal(['country']);
    expect(problems({ file: 't.csv', country: 'UK' })).to.deep.equal(['country']);
    expect(problems({ file: 't.csv', country: 'GB' })).to.deep.equal([]);
    expect(problems({ file: 't.csv', match: '${{ event.id }}' })).to.deep.equal(['match']);
    expect(problems({ file: 't.csv', key: '' })).to.deep.equal(['key']);
  });

  it('a broken file when it is checked; of a good one it tells how many rows it has', () =>
    withFixture(async ({ write, services }) => {
      await write('t.csv', 'what');
      const resolver = createComponent('resolver', component, { file: 't.csv' }, services);
      const said = () => Promise.resolve(resolver.probe?.(signal())).catch((error: Error) => error.message);
      expect(await said()).to.match(/t\.csv:1: there is no column "phone"/);
      await write('t.csv', customers);
      expect(await said()).to.equal('read: 2 rows');
      await write('t.csv', 'phone\n1.2E+10\n');
      expect(await said()).to.equal('read: 1 row; 1 key is no phone number, the first in row 1');
      await write('t.csv', 'phone\n+12025550143\n1.2E+10\n1.3E+10\n');
      expect(await said()).to.equal('read: 3 rows; 2 keys are no phone numbers, the first in row 2');
    }));
});
