/** What every source must do that answers calls by requests of its own, as tests: beside `sourceSuite`. */
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { readReception } from '@switchhook/core/internal';
import type { Answer, Call, JsonObject, Outcome, Reception, Source } from '@switchhook/sdk';
import { signedRequest } from '../fixtures.js';
import { describe, it, pending } from '../mocha.js';

/** A source with `answerBy: 'call'`, and the API of its platform. */
export interface CallSourceFixture {
  /** Makes the source again, as a restart does; its services are the same. Must have `sign`. */
  make(): Source;
  /** The body of a request about a call. */
  readonly sample: JsonObject;
  /** Bodies of other requests that the platform sends about the same call. Default none. */
  readonly same?: readonly JsonObject[];
  /** Bodies of requests about other calls. Default none. */
  readonly different?: readonly JsonObject[];
  /** The variables that have arrived with each request to the API, in order of arrival; null where it had none. */
  arrived(): readonly (Readonly<Record<string, string>> | null)[];
  /**
   * From now on the API is: well; refusing for good; down; breaking the connection after each request; silent until the connection
   * is cut; or well, but for a response that is cut off after its status.
   */
  behave(how: 'well' | 'refusing' | 'down' | 'breaking' | 'hanging' | 'cut-off'): void;
  close(): Promise<void>;
  /** Values of its options that no outcome and no error may contain: tokens, for example. Without one, the tests about them are pending. */
  readonly secrets?: readonly string[];
}

const answer: Answer = { variables: { first_name: 'Ada "the Countess"', tier: 'gold' }, overrideAgent: null };

/** Registers the suite. `make` returns a fresh fixture for each test. */
export function callSourceSuite(name: string, make: () => Promise<CallSourceFixture>): void {
  const withFixture = (body: (fixture: CallSourceFixture) => Promise<void>) => async () => {
    const fixture = await make();
    try {
      await body(fixture);
    } finally {
      await fixture.close();
    }
  };
  const received = async (source: Source, body: JsonObject): Promise<Extract<Reception, { kind: 'call' }>> => {
    const reception = readReception(await source.receive(signedRequest(source, body)), (number) => number, source);
    ok(reception.kind === 'call', `the body is taken for ${reception.kind}, not for a call`);
    return reception;
  };
  const callOf = async ({ make, sample }: CallSourceFixture): Promise<Call> => (await received(make(), sample)).call;
  const answered = async (
    fixture: CallSourceFixture,
    given: Answer | null = answer,
    { signal }: { readonly signal: AbortSignal } = new AbortController(),
  ): Promise<Outcome> => {
    const call = await callOf(fixture);
    const source = fixture.make();
    ok(source.answer !== undefined, "a source with `answerBy: 'call'` has the method answer");
    return source.answer(call, given, signal);
  };
  const hasReason = (outcome: Outcome): boolean =>
    outcome.kind !== 'delivered' && outcome.reason !== '' && !outcome.reason.includes('\n');

  describe(`${name} answers by a call`, () => {
    it(
      'gives all requests about a call the same id, parties and key, and other calls others',
      withFixture(async ({ make, sample, same = [], different = [] }) => {
        const identityOf = async (body: JsonObject) => {
          const { call, event } = await received(make(), body);
          return JSON.stringify([call.id, call.from, call.to, call.agent, event.key]);
        };
        const first = await identityOf(sample);
        for (const body of [sample, ...same]) strictEqual(await identityOf(body), first);
        for (const body of different) ok((await identityOf(body)) !== first, 'another call is taken for the same');
      }),
    );

    it(
      'acknowledges a request before there is an answer',
      withFixture(async ({ make, sample }) => {
        const { reply, fallback } = await received(make(), sample);
        for (const acknowledged of [reply({ variables: {}, overrideAgent: null }), fallback()])
          strictEqual(Math.floor(acknowledged.status / 100), 2, 'the platform would send its request again');
      }),
    );

    it(
      'sends the answer by one request, also by an instance that has not received the call',
      withFixture(async (fixture) => {
        strictEqual((await answered(fixture)).kind, 'delivered');
        deepStrictEqual(fixture.arrived(), [answer.variables]);
      }),
    );

    it(
      'does the least where there is no answer',
      withFixture(async (fixture) => {
        strictEqual((await answered(fixture, null)).kind, 'delivered');
        strictEqual(fixture.arrived().length, 1);
      }),
    );

    it(
      'calls a refusal for good rejected, with a reason in one line',
      withFixture(async (fixture) => {
        fixture.behave('refusing');
        const outcome = await answered(fixture);
        ok(outcome.kind === 'rejected' && hasReason(outcome), JSON.stringify(outcome));
      }),
    );

    for (const how of ['down', 'breaking'] as const)
      it(
        `returns unavailable while the API is ${how}, and sends the answer once it is well`,
        withFixture(async (fixture) => {
          fixture.behave(how);
          const outcome = await answered(fixture);
          ok(outcome.kind === 'unavailable' && hasReason(outcome), JSON.stringify(outcome));
          ok(outcome.needsOperator !== true, 'the answer would not be sent again');
          fixture.behave('well');
          strictEqual((await answered(fixture)).kind, 'delivered');
        }),
      );

    it(
      'stops when its time is up, although the API does not answer',
      withFixture(async (fixture) => {
        fixture.behave('hanging');
        const controller = new AbortController();
        const attempt = answered(fixture, answer, controller);
        controller.abort(new Error('time is up'));
        const ended = await attempt.then(
          ({ kind }) => kind,
          () => 'threw',
        );
        ok(ended === 'unavailable' || ended === 'threw', `came to ${ended}`);
      }),
    );

    it(
      'counts a response that is cut off after its status as what the status says',
      withFixture(async (fixture) => {
        fixture.behave('cut-off');
        strictEqual((await answered(fixture)).kind, 'delivered');
      }),
    );

    for (const how of ['well', 'refusing', 'down', 'breaking', 'hanging', 'cut-off'] as const)
      it(
        `reveals none of its secrets when the API is ${how}`,
        withFixture(async (fixture) => {
          const { secrets = [] } = fixture;
          if (secrets.length === 0) pending('the fixture needs `secrets`: the tokens and secrets of its options');
          fixture.behave(how);
          const controller = new AbortController();
          const attempt = answered(fixture, answer, controller);
          if (how === 'hanging') controller.abort(new Error('time is up'));
          const text = await attempt.then((outcome) => JSON.stringify(outcome), String);
          for (const secret of secrets)
            ok(!text.includes(secret), 'a reason, a response or an error contains a secret');
        }),
      );
  });
}
