import plugin from '@switchhook/plugin-google-sheets';
import type { Call, JsonObject } from '@switchhook/sdk';
import { aCall, createComponent, fakeServices, resolverSuite, settled } from '@switchhook/testkit';
import { expect } from 'chai';
import { google, spreadsheet } from './imitation.js';

const [, component] = plugin.components;
const open = (): AbortSignal => new AbortController().signal;

async function setup(options: JsonObject = {}) {
  const far = await google();
  const services = fakeServices({ country: 'US' });
  far
    .cells('Customers')
    .push(
      ['phone', 'First name', 'tier', 'balance', 'since'],
      ['(202) 555-0143', 'Ada', 'gold', 120.5, '2024-03-01'],
      [12025550199, 'José', '', 0, ''],
      ['', 'no number'],
      ['ext. 12', 'Front desk'],
    );
  const make = (more: JsonObject = {}) =>
    createComponent(
      'resolver',
      component,
      { spreadsheet, sheet: 'Customers', baseUrl: far.far.url, credentials: far.credentials(), ...options, ...more },
      services,
      plugin,
    );
  const opened: { close?(): Promise<void> }[] = [];
  const start = async (more: JsonObject = {}) => {
    const resolver = make(more);
    opened.push(resolver);
    await resolver.open?.();
    return { resolver, find: (call: Partial<Call>) => resolver.resolve(aCall(call), {}, open(), 3_000) };
  };
  /** Moves on to the next refresh and waits until it has been logged. */
  const refreshed = async (event: string, ms = 300_000) => {
    const line = services.log.next(event);
    await services.clock.advance(ms);
    const { fields } = await line;
    await settled();
    return fields;
  };
  return {
    ...far,
    services,
    start,
    make,
    refreshed,
    close: async () => {
      for (const each of opened) await each.close?.();
      await far.far.close();
      await services.close();
    },
  };
}

const ada = { phone: '(202) 555-0143', 'First name': 'Ada', tier: 'gold', balance: 120.5, since: '2024-03-01' };
const adaCalls = { from: '+12025550143' };

resolverSuite(
  'google-sheets.lookup',
  async () => {
    const fixture = await setup();
    fixture.cells('Customers')[1]?.splice(0, 1, '+1 202 555 0188');
    const { resolver } = await fixture.start();
    return { resolver, known: aCall({ from: '+12025550188' }), close: fixture.close };
  },
  { never: ['hang', 'down', 'cutOff'] },
);

describe('google-sheets.lookup', () => {
  const closing: (() => Promise<void>)[] = [];
  const begin = async (options: JsonObject = {}) => {
    const fixture = await setup(options);
    closing.push(fixture.close);
    return fixture;
  };
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  it('finds the row of a number in any notation, without its empty cells', async () => {
    const { start } = await begin();
    const { find } = await start();
    expect(await find(adaCalls)).to.deep.equal(ada);
    expect(await find({ from: '+12025550199' })).to.deep.equal({
      phone: 12025550199,
      'First name': 'José',
      balance: 0,
    });
    expect(await find({ from: '' })).to.deep.equal({});
  });

  it('searches another column for another value, as text', async () => {
    const { start } = await begin({ key: 'First name', match: '${{ call.data.name }}', compare: 'text' });
    const { find } = await start();
    expect(await find({ data: { name: 'Ada' } })).to.deep.equal(ada);
    expect(await find({ data: { name: 'ada' } })).to.deep.equal({});
    expect(await find({ data: {} })).to.deep.equal({});
  });

  it('asks Google once for many calls, and again when it is time', async () => {
    const { start, calls, cells, refreshed } = await begin();
    const { find } = await start();
    for (let n = 0; n < 20; n += 1) await find(adaCalls);
    expect(calls()).to.deep.equal(['GET :batchGet']);
    cells('Customers')[1]?.splice(2, 1, 'platinum');
    expect(await find(adaCalls)).to.include({ tier: 'gold' });
    expect(await refreshed('sheet.loaded')).to.deep.include({ rows: 3, notPhones: 1, kept: true });
    expect(await find(adaCalls)).to.include({ tier: 'platinum' });
  });

  for (const [how, behaviour] of [
    ['is down', () => 503],
    ['cuts its replies', () => 'reset' as const],
    ['has lost the column', null],
  ] as const)
    it(`answers from the last copy while Google ${how}, and logs its age`, async () => {
      const { start, answers, cells, refreshed } = await begin();
      const { find } = await start();
      if (behaviour === null) cells('Customers')[0]?.splice(0, 1, 'telephone');
      else answers(behaviour);
      const failed = await refreshed('sheet.refresh-failed');
      expect(failed).to.include({ rows: 3, ageMs: 300_000 });
      expect(failed.reason).to.be.a('string').and.not.equal('');
      expect(await find(adaCalls)).to.deep.equal(ada);
      answers(null);
      cells('Customers')[0]?.splice(0, 1, 'phone');
      await refreshed('sheet.loaded');
      expect(await find(adaCalls)).to.deep.equal(ada);
    });

  it('ends a request that is not answered, and goes on', async () => {
    const { start, answers, services, refreshed, far } = await begin();
    const { find } = await start();
    answers(() => 'hang');
    const before = far.requests.length;
    await services.clock.advance(300_000);
    await far.received(before + 1);
    expect(await refreshed('sheet.refresh-failed', 30_000)).to.include({ reason: 'no reply within 30 s' });
    expect(await find(adaCalls)).to.deep.equal(ada);
    answers(null);
    await refreshed('sheet.loaded');
  });

  it('answers from the copy of an earlier run while Google is down, and keeps it as long as the sheet is the same', async () => {
    const { start, answers, services, refreshed } = await begin();
    const first = await start();
    await first.resolver.close?.();
    answers(() => 503);
    const second = await start();
    await settled();
    expect(services.log.of('sheet.restored').map(({ fields }) => fields)).to.deep.equal([{ rows: 3, ageMs: 0 }]);
    expect(await second.find(adaCalls)).to.deep.equal(ada);
    answers(null);
    for (let days = 0; days < 40; days += 1) {
      services.clock.jumpTo(services.clock.now() + 86_400_000);
      await refreshed('sheet.loaded');
    }
    await second.resolver.close?.();
    answers(() => 503);
    expect(await (await start()).find(adaCalls)).to.deep.equal(ada);
  });

  it('keeps no copy of a sheet that does not fit into the state, nor an old one', async () => {
    const { start, answers, cells, services, refreshed } = await begin();
    const { resolver } = await start();
    let digits = 7;
    const noise = () => {
      digits = (digits * 48_271) % 2_147_483_647;
      return digits;
    };
    for (let row = 0; row < 8_000; row += 1)
      cells('Customers').push([`+1202${String(noise()).padStart(7, '0').slice(-7)}`, noise(), noise()]);
    const loaded = await refreshed('sheet.loaded');
    expect(loaded.rows).to.be.above(7_000);
    expect(loaded).to.include({ kept: false });
    await resolver.close?.();
    answers(() => 503);
    const { find } = await start();
    expect(services.log.of('sheet.copy-failed')).to.deep.equal([]);
    expect(String(await find(adaCalls).catch(String))).to.include('HTTP 503');
  });

  it('starts without the sheet, fails look-ups with the reason, and reads it soon', async () => {
    const { start, answers, refreshed } = await begin();
    answers(() => 503);
    const { find } = await start();
    expect(String(await find(adaCalls).catch(String))).to.include('HTTP 503');
    answers(null);
    await refreshed('sheet.loaded', 15_000);
    expect(await find(adaCalls)).to.deep.equal(ada);
  });

  it('starts although Google does not answer', async () => {
    const { make, answers, services, far } = await begin();
    answers(() => 'hang');
    const resolver = make();
    const opening = resolver.open?.();
    await far.received(1);
    await services.clock.advance(5_000);
    await opening;
    expect(String(await resolver.resolve(aCall(), {}, open(), 3_000).catch(String))).to.include('is not read yet');
    await resolver.close?.();
  });

  it('reports rows and keys that are no phone numbers when it is probed', async () => {
    const { make } = await begin();
    expect(await make().probe?.(open())).to.equal('read: 3 rows; 1 with a key that is no phone number');
    const wrong = await make({ key: 'mobile' }).probe?.(open()).then(String, String);
    expect(wrong).to.include('sheet "Customers" has no column "mobile"; its first row has "phone", "First name"');
  });

  it('refuses to read the sheet all the time', async () => {
    const { make } = await begin();
    expect(() => make({ refresh: '1s' })).to.throw('expected at least 10s');
  });
});
