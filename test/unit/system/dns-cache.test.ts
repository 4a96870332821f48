import type { LookupAddress } from 'node:dns';
import { DnsCache, openNetwork } from '@switchhook/core/internal';
import { FakeClock } from '@switchhook/testkit';
import { expect } from 'chai';

const first: LookupAddress = { address: '127.0.0.1', family: 4 };
const second: LookupAddress = { address: '127.0.0.2', family: 4 };
const failure = (code: string) => Object.assign(new Error(code), { code });

/** A name server that says what it is told to: addresses, an error, or nothing until it is told. */
function setup() {
  const clock = new FakeClock();
  let says: () => Promise<readonly LookupAddress[]> = async () => [first];
  const asked: string[] = [];
  const names = new DnsCache(clock, (name) => {
    asked.push(name);
    return says();
  });
  const find = (name = 'crm.example.com') =>
    names.addressesOf(name, { all: true }).then(
      (addresses) => addresses.map(({ address }) => address).join(),
      (error: Error) => error.message,
    );
  const become = (how: typeof says): void => {
    says = how;
  };
  return { clock, names, asked, find, become };
}

describe('host names', () => {
  it('are asked for each time, so that a name that moves is followed', async () => {
    const { find, become, asked } = setup();
    expect(await find()).to.equal('127.0.0.1');
    become(async () => [second]);
    expect(await find()).to.equal('127.0.0.2');
    expect(asked).to.have.length(2);
  });

  it('have their addresses of before while the name server fails, for a day', async () => {
    const { find, become, clock } = setup();
    await find();
    become(() => Promise.reject(failure('EAI_AGAIN')));
    expect(await find()).to.equal('127.0.0.1');
    expect(await find('unknown.example.com')).to.equal('EAI_AGAIN');
    await clock.advance(86_400_001);
    expect(await find()).to.equal('EAI_AGAIN');
  });

  it('have none where the name server says that there is none', async () => {
    const { find, become } = setup();
    await find();
    become(() => Promise.reject(failure('ENOTFOUND')));
    expect(await find()).to.equal('ENOTFOUND');
  });

  it('have their addresses of before where the name server takes longer than 400 ms, and the new ones later', async () => {
    const { find, become, clock, asked } = setup();
    await find();
    let answer = (_: readonly LookupAddress[]): void => {};
    become(() => new Promise((resolve) => (answer = resolve)));
    const waiting = [find(), find()];
    await clock.advance(400);
    expect(await Promise.all(waiting)).to.deep.equal(['127.0.0.1', '127.0.0.1']);
    expect(asked, 'one question for both').to.have.length(2);
    answer([second]);
    become(() => Promise.reject(failure('EAI_AGAIN')));
    await clock.advance(0);
    expect(await find()).to.equal('127.0.0.2');
    expect(clock.pending).to.equal(0);
  });

  it('are asked for again where a question is never answered', async () => {
    const { find, become, clock, asked } = setup();
    await find();
    become(() => new Promise(() => {}));
    void find();
    await clock.advance(60_000);
    become(async () => [second]);
    expect([await find(), asked.length]).to.deep.equal(['127.0.0.2', 3]);
  });

  it('are what requests go by, and one with a private address is refused where only public ones may be reached', async () => {
    const { clock, names } = setup();
    const network = openNetwork(clock, names);
    const code = (reach: 'any' | 'public') =>
      network.fetch('http://crm.example.com:9/', { reach }).then(
        () => 'answered',
        (error: Error) => error.message,
      );
    expect(await code('any')).to.include('127.0.0.1:9');
    expect(await code('public')).to.equal('crm.example.com is not a public address');
    await network.close();
  });
});
