import http from '@switchhook/plugin-http';
import type { Destination, Instances, JsonObject, Kind, Resolver } from '@switchhook/sdk';
import {
  type Behaviour,
  createComponent,
  type FakeServices,
  fakeServices,
  type Receiver,
  receiver,
} from '@switchhook/testkit';

interface World {
  readonly far: Receiver;
  readonly services: FakeServices;
  close(): Promise<void>;
}

/** An `http.post` and the endpoint it sends to; `options` may depend on the endpoint's URL. */
export async function postWorld(
  options: (url: string) => JsonObject = (url) => ({ url }),
  behaviour?: Behaviour,
): Promise<World & { readonly destination: Destination }> {
  const fixture = await start(behaviour);
  return { ...fixture, destination: await made(fixture, 'destination', 'http.post', options(fixture.far.url)) };
}

/** An `http.fetch` and the service it asks. */
export async function fetchWorld(
  options: (url: string) => JsonObject,
  behaviour?: Behaviour,
): Promise<World & { readonly destination: Destination }> {
  const fixture = await start(behaviour);
  return { ...fixture, destination: await made(fixture, 'destination', 'http.fetch', options(fixture.far.url)) };
}

/** An `http.lookup` and the service it asks. */
export async function lookupWorld(
  options: (url: string) => JsonObject,
  behaviour?: Behaviour,
): Promise<World & { readonly resolver: Resolver }> {
  const fixture = await start(behaviour);
  return { ...fixture, resolver: await made(fixture, 'resolver', 'http.lookup', options(fixture.far.url)) };
}

/** A signal that is never aborted. */
export const patience = (): AbortSignal => new AbortController().signal;

async function made<K extends Kind>(fixture: World, kind: K, type: string, options: JsonObject): Promise<Instances[K]> {
  try {
    return createComponent(
      kind,
      http.components.find((one) => one.type === type),
      options,
      fixture.services,
    );
  } catch (error) {
    await fixture.close();
    throw error;
  }
}

async function start(behaviour?: Behaviour): Promise<World> {
  const far = await receiver(behaviour);
  const services = fakeServices();
  return {
    far,
    services,
    close: async () => {
      await far.close();
      await services.close();
    },
  };
}
