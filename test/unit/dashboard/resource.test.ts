import { settled } from '@switchhook/testkit';
import { expect } from 'chai';
import { ApiFailure } from '../../../core/dashboard/build/model/api.js';
import { LiveResource, retryAfterMs } from '../../../core/dashboard/build/model/resource.js';

describe('what a view shows of the API', () => {
  it('is loaded again after every failure, less and less often, except without a token', async () => {
    const { resource, timers, fail, succeed, turn } = setup<string>(() => null);
    resource.start();
    await succeed('first');
    expect(timers).to.deep.equal([]);
    resource.reload();
    await fail('STORE_UNAVAILABLE');
    expect([resource.data.value, resource.failure.value?.code]).to.deep.equal(['first', 'STORE_UNAVAILABLE']);
    const since = resource.failedSinceMs.value;
    expect(since).to.be.a('number');
    turn();
    await fail('HTTP_500');
    expect(resource.failedSinceMs.value).to.equal(since);
    turn();
    await succeed('second');
    expect(timers).to.deep.equal([2_000, 4_000]);
    expect([resource.data.value, resource.failure.value, resource.failedSinceMs.value]).to.deep.equal([
      'second',
      null,
      null,
    ]);
    const codes = [null, 'HTTP_500', 'API_TOKEN_WRONG', 'API_TOKEN_NEEDED'];
    expect(codes.map((code) => retryAfterMs({ code }, 3))).to.deep.equal([2_000, 8_000, null, null]);
    expect(retryAfterMs({ code: 'HTTP_500' }, 1_000)).to.equal(30_000);
  });

  it('keeps a page that was added while the first one was loaded again', async () => {
    const { resource, loads, timers, succeed, turn } = setup<readonly number[]>((items) =>
      items.length < 2 ? 5 : null,
    );
    resource.start();
    await succeed([1]);
    turn();
    const [, polled] = loads;
    const added = resource.grow(async (items) => [...items, 2]);
    expect(polled?.abort.aborted).to.equal(true);
    await added;
    await succeed([1]);
    expect(resource.data.value).to.deep.equal([1, 2]);
    expect(timers).to.deep.equal([5]);
  });

  it('goes on loading where a page could not be added, and adds none to what was loaded anew', async () => {
    const { resource, timers, succeed } = setup<readonly number[]>(() => 5);
    resource.start();
    await succeed([1]);
    const failed = await resource.grow(() => Promise.reject(new ApiFailure('no', 'HTTP_500'))).catch((error) => error);
    expect(failed).to.be.instanceOf(ApiFailure);
    expect(timers).to.deep.equal([5, 5]);
    const late = deferred<readonly number[]>();
    const added = resource.grow(() => late.promise);
    resource.reload();
    late.resolve([1, 2]);
    expect(await added).to.equal(null);
    await succeed([3]);
    expect(resource.data.value).to.deep.equal([3]);
  });
});

interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

function deferred<T>(): Deferred<T> {
  const executors: Omit<Deferred<T>, 'promise'>[] = [];
  const promise = new Promise<T>((resolve, reject) => void executors.push({ resolve, reject }));
  return { promise, resolve: (value) => executors[0]?.resolve(value), reject: (error) => executors[0]?.reject(error) };
}

/** A resource whose loads end when the test says so, and whose timers run when it says so. */
function setup<T>(again: (value: T) => number | null) {
  const loads: (Deferred<T> & { readonly abort: AbortSignal })[] = [];
  /** Those that were set. */
  const timers: number[] = [];
  let run = (): void => undefined;
  const load = (abort: AbortSignal): Promise<T> => {
    const one = { ...deferred<T>(), abort };
    loads.push(one);
    return one.promise;
  };
  const resource = new LiveResource(load, again, (ms, then) => {
    timers.push(ms);
    run = then;
    return () => {
      run = () => undefined;
    };
  });
  return {
    ...{ resource, loads, timers },
    turn: () => run(),
    succeed: async (value: T) => {
      loads.at(-1)?.resolve(value);
      await settled();
    },
    fail: async (code: string) => {
      loads.at(-1)?.reject(new ApiFailure('no', code));
      await settled();
    },
  };
}
