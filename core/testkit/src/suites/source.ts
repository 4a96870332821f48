/** What every source must do, as tests. */
import { deepStrictEqual, notStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { isRefusal, type JsonObject, type RawRequest, type Reception, type Source } from '@switchhook/sdk';
import { aRequest } from '../fixtures.js';
import { describe, it } from '../mocha.js';

/** A source and a body it reads. */
export interface SourceWorld {
  /** Must have `sign`. */
  readonly source: Source;
  readonly sample: JsonObject;
  /** True where the body is not covered by the signature (a token in the URL, say). Default false. */
  readonly bodyUnsigned?: boolean;
}

/** Registers the suite. */
export function sourceSuite(name: string, make: () => SourceWorld): void {
  const signed = (world: SourceWorld, body = Buffer.from(JSON.stringify(world.sample))): RawRequest => {
    const draft = aRequest({ body });
    const signature = world.source.sign?.(body, draft.receivedAtMs);
    if (signature === undefined) throw new Error('the source cannot sign: give it `sign`');
    return {
      ...draft,
      rest: signature.rest.replace(/^\//, ''),
      headers: { ...draft.headers, ...signature.headers },
    };
  };
  const refusalOf = async (receive: () => Reception | Promise<Reception>): Promise<string> => {
    try {
      await receive();
    } catch (thrown) {
      if (isRefusal(thrown)) return thrown.code;
      throw thrown;
    }
    return 'accepted';
  };

  describe(`${name} is a source`, () => {
    it('accepts what it has signed itself', async () => {
      const world = make();
      const reception = await world.source.receive(signed(world));
      ok(reception.kind === 'events' || reception.kind === 'call');
    });

    it('gives the same event the same key when it is sent twice', async () => {
      const world = make();
      const [first, second] = await Promise.all([
        world.source.receive(signed(world)),
        world.source.receive(signed(world)),
      ]);
      if (first.kind === 'call') return;
      const keys = (reception: Reception) =>
        reception.kind === 'events' ? reception.events.map(({ key }) => key) : [];
      deepStrictEqual(keys(first), keys(second));
      notStrictEqual(keys(first).length, 0);
    });

    it('refuses a request that is not signed', async () => {
      const world = make();
      const request = aRequest({ body: world.sample });
      strictEqual(await refusalOf(() => world.source.receive(request)), 'UNVERIFIED');
    });

    it('refuses a body changed by one byte', async () => {
      const world = make();
      if (world.bodyUnsigned === true) return;
      const request = signed(world);
      const body = Buffer.from(request.body);
      body[body.length - 1] = 32;
      strictEqual(await refusalOf(() => world.source.receive({ ...request, body })), 'UNVERIFIED');
    });

    it('refuses what is signed but no JSON object', async () => {
      const world = make();
      for (const body of ['', '[]', '42', '"text"', 'null', '{"event":', '{"event":"\xff"}'])
        strictEqual(
          await refusalOf(() => world.source.receive(signed(world, Buffer.from(body, 'latin1')))),
          'MALFORMED',
        );
    });

    it('says nothing of its secrets when it refuses', async () => {
      const world = make();
      const good = signed(world);
      const secrets = Object.values(world.source.sign?.(good.body, good.receivedAtMs).headers ?? {}).concat(good.rest);
      try {
        await world.source.receive(aRequest({ body: world.sample }));
      } catch (thrown) {
        for (const secret of secrets)
          ok(secret === '' || !String(thrown).includes(secret), 'the refusal carries a secret');
      }
    });
  });
}
