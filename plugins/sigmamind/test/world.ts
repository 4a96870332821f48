import plugin from '@switchhook/plugin-sigmamind';
import {
  isRefusal,
  type JsonObject,
  type RawRequest,
  type Reception,
  type RefusedRequest,
  type Source,
} from '@switchhook/sdk';
import { aRequest, createComponent, type FakeLog, fakeServices } from '@switchhook/testkit';
import { expect } from 'chai';

export type Body = JsonObject | string | Uint8Array;

/** A component of this package under test. */
export interface World {
  readonly source: Source;
  readonly log: FakeLog;
  /** A request that brings what `sign` gives, and what else is given. */
  signed(body: Body, given?: Partial<Omit<RawRequest, 'body'>>): RawRequest;
  receive(request: RawRequest): Promise<Reception>;
}

/** The component of this package with this type. */
export function component(type: string) {
  const found = plugin.components.find((one) => one.type === type);
  if (found === undefined) throw new Error(`there is no ${type}`);
  return found;
}

export function setup(type: 'sigmamind.events' | 'sigmamind.call', options: JsonObject): World {
  const services = fakeServices();
  const source = createComponent('source', component(type), options, services);
  return {
    source,
    log: services.log,
    signed(body, given = {}) {
      const draft = aRequest({ body, ...given });
      const signature = source.sign?.(draft.body, draft.receivedAtMs) ?? { headers: {}, rest: '' };
      return {
        ...draft,
        rest: given.rest ?? decodeURIComponent(signature.rest.replace(/^\//, '')),
        headers: { 'content-type': 'application/json', ...signature.headers, ...given.headers },
      };
    },
    receive: async (request) => source.receive(request),
  };
}

/** The event a request becomes. */
export async function eventOf(fixture: World, request: RawRequest) {
  const reception = await fixture.receive(request);
  if (reception.kind !== 'events') throw new Error(`expected events, found ${reception.kind}`);
  const [event] = reception.events;
  if (event === undefined || reception.events.length !== 1) throw new Error('expected one event');
  return event;
}

/** The call a request becomes. */
export async function callOf(fixture: World, request: RawRequest) {
  const reception = await fixture.receive(request);
  if (reception.kind !== 'call') throw new Error(`expected a call, found ${reception.kind}`);
  return reception;
}

/** Expects a refusal with this code, and gives its reason. */
export async function refusal(code: string, receive: () => Promise<unknown>): Promise<string> {
  try {
    await receive();
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    expect(thrown.code).to.equal(code);
    expect(thrown.message).to.not.include('\n');
    return thrown.message;
  }
  throw new Error(`expected ${code}, but the request was accepted`);
}

/** What the source knows about the request that it refuses. */
export async function refusedAbout(receive: () => Promise<unknown>): Promise<RefusedRequest | undefined> {
  try {
    await receive();
  } catch (thrown) {
    if (isRefusal(thrown)) return thrown.about;
    throw thrown;
  }
  throw new Error('expected a refusal, but the request was accepted');
}

/** What the options are refused for. */
export function mistakesOf(type: 'sigmamind.events' | 'sigmamind.call', options: JsonObject): string {
  try {
    setup(type, options);
  } catch (error) {
    return String(error);
  }
  throw new Error('expected a mistake, but the options are accepted');
}
