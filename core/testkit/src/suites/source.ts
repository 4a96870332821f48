/** What every source must do, as tests. */
import { deepStrictEqual, notStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { readReception } from '@switchhook/core/internal';
import {
  isRefusal,
  type JsonObject,
  type RawRequest,
  type Reception,
  type Refusal,
  type Source,
  stringifyJson,
} from '@switchhook/sdk';
import { aRequest, refusalOf, signedRequest } from '../fixtures.js';
import { describe, it } from '../mocha.js';
import { type Parts, testsOfParts } from './never.js';

/** A source and a body it reads. */
export interface SourceFixture {
  /** Must have `sign`. */
  readonly source: Source;
  readonly sample: JsonObject;
  /** True if the signature does not cover the body (a token in the URL, for example). Default false. */
  readonly bodyUnsigned?: boolean;
  /** Bodies of events that are all different, although their ids look alike: their keys must differ. Default none. */
  readonly different?: readonly JsonObject[];
  /** Of a source with `handshake`: the sender's request with this challenge, and requests that are not the sender's. */
  readonly handshake?: {
    request(challenge: string): RawRequest;
    readonly unverified?: readonly RawRequest[];
  };
  /**
   * How requests prove their sender, by a signature or a token in headers or in the URL, where that can be checked in every way.
   * Default: only what every source must do is checked.
   */
  readonly signing?: {
    /** The same source with another secret. */
    readonly other: Source;
    /** The same source with the last of its secrets only, where it can have several. */
    readonly last?: Source;
    /** How far the time of signing may be from the router's clock, in milliseconds; null where it is not signed. */
    readonly toleranceMs: number | null;
  };
  /** Ends what the fixture has opened. */
  close?(): void | Promise<void>;
}

const yearMs = 365 * 86_400_000;

const parts = {
  signing: { what: '`signing`', in: ({ signing }) => signing !== undefined },
  last: { what: '`signing.last`', in: ({ signing }) => signing?.last !== undefined },
} satisfies Parts<SourceFixture, string>;

/** What a source may not have: a signature that can be checked in every way, and with it `last`; several secrets. */
export type NeverOfSource = keyof typeof parts;

/**
 * Registers the suite. `make` returns a fresh fixture, or a promise of it; `never` names what the source does not have. A test whose fixture
 * lacks something that `never` does not name is pending.
 */
export function sourceSuite(
  name: string,
  make: () => SourceFixture | Promise<SourceFixture>,
  never: readonly NeverOfSource[] = [],
): void {
  const claim = (title: string, body: (fixture: SourceFixture) => Promise<void>): void =>
    it(title, async () => {
      const fixture = await make();
      try {
        await body(fixture);
      } finally {
        await fixture.close?.();
      }
    });
  const signed = ({ source, sample }: SourceFixture, body: Uint8Array | JsonObject = sample): RawRequest =>
    signedRequest(source, body);

  describe(`${name} is a source`, () => {
    const needs = testsOfParts(claim, parts, never.includes('signing') ? [...never, 'last'] : never);

    claim('accepts what it has signed itself', async (fixture) => {
      const reception = await fixture.source.receive(signed(fixture));
      ok(reception.kind === 'events' || reception.kind === 'call');
    });

    claim('returns what the contract allows', async (fixture) => {
      readReception(await fixture.source.receive(signed(fixture)), (number) => number, fixture.source);
    });

    claim('gives the same event the same key when it is sent twice', async (fixture) => {
      const [first, second] = await Promise.all([
        fixture.source.receive(signed(fixture)),
        fixture.source.receive(signed(fixture)),
      ]);
      const keys = (reception: Reception) =>
        reception.kind === 'events'
          ? reception.events.map(({ key }) => key)
          : reception.kind === 'call'
            ? [reception.event.key]
            : [];
      deepStrictEqual(keys(first), keys(second));
      notStrictEqual(keys(first).length, 0);
    });

    claim('gives different events different keys', async ({ source, sample, different = [] }) => {
      const keys: string[] = [];
      for (const body of [sample, ...different]) {
        const reception = await source.receive(signed({ source, sample }, body));
        if (reception.kind === 'events') keys.push(...reception.events.map(({ key }) => key));
        if (reception.kind === 'call') keys.push(reception.event.key);
      }
      strictEqual(new Set(keys).size, keys.length, `some of these are equal: ${keys.join(', ')}`);
    });

    claim('keeps every digit of an integer beyond 2^53', async (fixture) => {
      const digits = '8202522731445525543';
      const body = Buffer.from(`${JSON.stringify(fixture.sample).slice(0, -1)},"x_number": ${digits}}`);
      const reception = await fixture.source.receive(signed(fixture, body));
      const [event] =
        reception.kind === 'events' ? reception.events : reception.kind === 'call' ? [reception.event] : [];
      ok(stringifyJson(event?.data).includes(digits), 'parse bodies with readJsonObject or parseJson');
    });

    claim('accepts a body with a key `constructor`', async (fixture) => {
      const body = Buffer.from(JSON.stringify({ ...fixture.sample, x_details: { constructor: 'ACME Builders' } }));
      strictEqual(await refusalOf(fixture.source, signed(fixture, body)), null);
    });

    claim('accepts a call, whatever keys its body has', async (fixture) => {
      const text = JSON.stringify(fixture.sample);
      const body = Buffer.from(`${text.slice(0, -1)},"x_details":{"__proto__":{"polluted":true}}}`);
      const request = signed(fixture);
      const harmful = fixture.bodyUnsigned === true ? { ...request, body } : signed(fixture, body);
      if ((await fixture.source.receive(request)).kind === 'call')
        strictEqual(await refusalOf(fixture.source, harmful), null);
    });

    claim('refuses a request that is not signed', async (fixture) => {
      const request = aRequest({ body: fixture.sample });
      strictEqual((await refusalOf(fixture.source, request))?.code, 'UNVERIFIED');
    });

    claim('refuses a body changed by one bit, wherever, and one that is cut or continued', async (fixture) => {
      const request = signed(fixture);
      if (fixture.bodyUnsigned === true) {
        const body = Buffer.concat([request.body, Buffer.from(' ')]);
        strictEqual(
          await refusalOf(fixture.source, { ...request, body }),
          null,
          'the body is signed: remove bodyUnsigned',
        );
        return;
      }
      const flipped = [...request.body.keys()].map((at) => {
        const body = Buffer.from(request.body);
        body[at] = (body[at] ?? 0) ^ (1 << (at % 8));
        return body;
      });
      const others = [request.body.subarray(0, -1), Buffer.concat([request.body, Buffer.from(' ')])];
      for (const body of [...flipped, ...others])
        strictEqual((await refusalOf(fixture.source, { ...request, body }))?.code, 'UNVERIFIED', body.toString());
    });

    needs(
      'signing',
      'refuses a signature or a token that is changed by one bit, truncated, extended or left out',
      async (fixture) => {
        const proofs = proofsIn(signed(fixture));
        notStrictEqual(proofs.length, 0, 'what `sign` returns has neither headers nor a rest of the URL');
        for (const { place, sent, withValue } of proofs) {
          const flipped = [...sent].map(
            (character, at) =>
              sent.slice(0, at) + String.fromCharCode(character.charCodeAt(0) ^ 1) + sent.slice(at + 1),
          );
          // Base64 is the same without its padding.
          const cut = [
            sent.replace(/.=*$/, ''),
            sent.slice(0, sent.length / 2),
            sent.slice(1),
            `${sent}0`,
            '',
            undefined,
          ];
          for (const value of [...flipped, ...cut]) {
            const refusal = await refusalOf(fixture.source, withValue(value));
            strictEqual(refusal?.code, 'UNVERIFIED', `${place}: ${value}`);
            ok(!reveals(refusal, sent), `${place}: the refusal carries what was sent there`);
          }
        }
      },
    );

    needs('signing', 'refuses what another secret has signed', async ({ source, sample, signing }) => {
      const request = signed({ source: signing?.other ?? source, sample });
      strictEqual((await refusalOf(source, request))?.code, 'UNVERIFIED');
    });

    needs('last', 'accepts what the last of its secrets has signed', async ({ source, sample, signing }) => {
      const request = signed({ source: signing?.last ?? source, sample });
      strictEqual(await refusalOf(source, request), null);
      const { verifiedBy = null } = { verifiedBy: null, ...(await source.receive(request)) };
      strictEqual(verifiedBy?.secret, verifiedBy?.of, 'where it says which secret that is, it is the last one');
    });

    needs('signing', 'refuses what was signed too long ago, or in the future, if a time is signed', async (fixture) => {
      const { toleranceMs = null } = fixture.signing ?? {};
      const request = signed(fixture);
      const receivedAfter = (ms: number) => ({ ...request, receivedAtMs: request.receivedAtMs + ms });
      if (toleranceMs === null) {
        const late = await refusalOf(fixture.source, receivedAfter(yearMs));
        strictEqual(late, null, 'it refuses an old request: give `signing` the tolerance as toleranceMs');
        return;
      }
      for (const sign of [1, -1]) {
        strictEqual(await refusalOf(fixture.source, receivedAfter(sign * toleranceMs)), null);
        const refusal = await refusalOf(fixture.source, receivedAfter(sign * (toleranceMs + 1000)));
        strictEqual(refusal?.code, 'UNVERIFIED');
      }
    });

    claim('refuses what is signed but no JSON object', async (fixture) => {
      for (const body of ['', '[]', '42', '"text"', 'null', '{"event":', '{"event":"\xff"}'])
        strictEqual((await refusalOf(fixture.source, signed(fixture, Buffer.from(body, 'latin1'))))?.code, 'MALFORMED');
    });

    claim(
      'has a handshake if its fixture has one, and answers it with the challenge alone: nothing that could be markup',
      async ({ source, handshake }) => {
        const has = (one: unknown) => (one === undefined ? 'no handshake' : 'a handshake');
        strictEqual(has(handshake), has(source.handshake), 'give the fixture `handshake` if the source has one');
        if (handshake === undefined) return;
        const shake = async (request: RawRequest) => source.handshake?.(request);
        const challenge = '1158201444';
        deepStrictEqual(await shake(handshake.request(challenge)), { status: 200, text: challenge });
        const codeOf = (request: RawRequest) =>
          shake(request).then(
            () => 'accepted',
            (error: unknown) => (isRefusal(error) ? error.code : String(error)),
          );
        for (const harmful of ['<script>alert(1)</script>', '1\r\nX-Header: 1', '1'.repeat(2_000), ''])
          strictEqual(await codeOf(handshake.request(harmful)), 'MALFORMED');
        for (const request of handshake.unverified ?? []) strictEqual(await codeOf(request), 'UNVERIFIED');
      },
    );

    claim('reveals nothing of its secrets when it refuses', async (fixture) => {
      const good = signed(fixture);
      const refusal = await refusalOf(fixture.source, aRequest({ body: fixture.sample }));
      for (const { place, sent } of proofsIn(good)) ok(!reveals(refusal, sent), `the refusal carries the ${place}`);
    });
  });
}

/** A place where a request proves its sender. */
interface Proof {
  readonly place: string;
  readonly sent: string;
  /** The request with another value there; undefined = without it. */
  withValue(value: string | undefined): RawRequest;
}

/** The headers, the end of the path and the parameters that `sign` has added. */
function proofsIn(request: RawRequest): readonly Proof[] {
  const plain = aRequest();
  const replaced = (values: Readonly<Record<string, string>>, name: string, value: string | undefined) => {
    const { [name]: _removed, ...others } = values;
    return value === undefined ? others : { ...others, [name]: value };
  };
  const at = (rest: string, query: Readonly<Record<string, string>>): RawRequest => {
    const search = new URLSearchParams(query).toString();
    const url = `${plain.url}${rest && `/${encodeURIComponent(rest)}`}${search && `?${search}`}`;
    return { ...request, rest, query, url };
  };
  const headers = Object.entries(request.headers)
    .filter(([name]) => !Object.hasOwn(plain.headers, name))
    .map(([name, sent]) => ({
      place: `header ${name}`,
      sent,
      withValue: (value?: string) => ({ ...request, headers: replaced(request.headers, name, value) }),
    }));
  const parameters = Object.entries(request.query).map(([name, sent]) => ({
    place: `parameter ${name}`,
    sent,
    withValue: (value?: string) => at(request.rest, replaced(request.query, name, value)),
  }));
  const { rest } = request;
  const path =
    rest === ''
      ? []
      : [{ place: 'the end of the path', sent: rest, withValue: (value = '') => at(value, request.query) }];
  return [...headers, ...parameters, ...path];
}

/** Whether a refusal repeats the longest word of a value, as in `Bearer <token>` or `t=<time>,v1=<digest>`. Short ones are no secrets. */
function reveals(refusal: Refusal | null, value: string): boolean {
  return value.split(/[\s,;=]+/).some((word, _, all) => {
    const isLongest = word.length >= 8 && word.length === Math.max(...all.map(({ length }) => length));
    return isLongest && String(refusal).includes(word);
  });
}
