/** A router in which everything can be made to happen, and whose metrics are read over HTTP. */
import { fileURLToPath } from 'node:url';
import type { ServiceRegistry } from '@switchhook/core';
import { Clock, Log } from '@switchhook/sdk';
import { FakeClock, FakeLog, receiver, settled } from '@switchhook/testkit';
import { type Family, familiesOf } from './exposition.js';
import { endedBody, postSigned, secret } from './signing.js';
import { workplace } from './workplace.js';

/** How it is set up. */
export interface MonitoredWorld {
  /** Default: `memory`. */
  readonly store?: string;
  readonly configure?: (container: ServiceRegistry, clock: FakeClock) => void;
}

const token = 'token-of-the-tests';
const plugin = fileURLToPath(new URL('./monitored-plugin.js', import.meta.url));

export type Monitored = Awaited<ReturnType<typeof monitored>>;

/** Opens one. `archive` takes everything, `crm` what its receiver is told to, `audit` is given nothing. */
export async function monitored({ store = 'memory', configure = () => {} }: MonitoredWorld = {}) {
  const place = await workplace();
  const [clock, log] = [new FakeClock(), new FakeLog()];
  const archive = await receiver();
  const crm = await receiver();
  // Metrics are rendered once a second: each scrape is a second later.
  let scrapes = 0;
  const seconds: Clock = {
    now: () => clock.now(),
    elapsed: () => clock.elapsed() + 1_000 * scrapes,
    after: (ms, run) => clock.after(ms, run),
  };
  const { url } = await place.router(
    `
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: ${store} }
plugins: [${plugin}]
sources:
  agents: { use: sigmamind.events, secrets: [${secret}] }
  calls: { use: sigmamind.call, token: ${token} }
  trunk: { use: mine.call }
transforms:
  nothing: { use: mine.nothing }
destinations:
  archive: { use: http.post, url: "${archive.url}" }
  crm:
    use: http.post
    url: ${crm.url}
    retry: { attempts: 2, first: 1s, max: 1m }
    breaker: { failures: 2, window: 10m, cooldown: 1h }
  audit: { use: http.post, url: "${archive.url}" }
resolvers:
  customer: { use: mine.customers }
routes:
  - { name: ended, from: agents, on: conversation_ended, to: [archive, crm] }
  - { name: good, from: agents, on: conversation_ended, where: event.data.score > 3, to: archive }
  - { name: kept-back, from: agents, on: conversation_started, transform: nothing, to: audit }
answers:
  - name: line
    from: calls
    where: call.to == "+1800"
    resolve: customer
    variables: { first_name: "\${{ customer.first_name }}" }
    defaults: { first_name: there }
`,
    {
      configure: (container) => {
        container.register(Clock, { useValue: seconds });
        container.register(Log, { useValue: log });
        configure(container, clock);
      },
    },
  );

  const scrape = async (): Promise<string> => {
    scrapes += 1;
    return (await fetch(`${url}/metrics`)).text();
  };
  const families = async (): Promise<readonly Family[]> => familiesOf(await scrape());
  /** Time goes on until it is there: what hangs is given up. */
  const patiently = async <T>(asked: Promise<T>): Promise<T> => {
    let isThere = false;
    void asked.finally(() => {
      isThere = true;
    });
    while (!isThere) await clock.advance(1_000);
    return asked;
  };
  const logged = async (event: string, count: number): Promise<void> => {
    while (log.of(event).length < count) await log.next(event);
    await settled();
  };
  return {
    ...{ url, clock, log, crm, scrape, families, logged, patiently },
    /** Sends an event of a conversation. */
    send: (conversationId: string, given: Readonly<Record<string, unknown>> = {}) =>
      postSigned(`${url}/hooks/agents`, endedBody({ conversationId, ...given })),
    /** Lets a phone ring; resolves with the first name of the answer. */
    ring: async (from: string, to = '+1800', through = token): Promise<unknown> => {
      const { status, body } = await postSigned(
        `${url}/hooks/calls/${through}`,
        JSON.stringify({ event: 'inbound_call', from_number: from, to_number: to }),
      );
      return status === 200 ? (body.dynamic_variables as Record<string, string>).first_name : status;
    },
    /** The one dead delivery of the crm. */
    decide: async (what: 'replay' | 'discard'): Promise<void> => {
      const found = await fetch(`${url}/api/deliveries?state=dead&reason=exhausted`);
      const { deliveries } = (await found.json()) as { readonly deliveries: readonly { readonly id: string }[] };
      await fetch(`${url}/api/deliveries/${deliveries[0]?.id}/${what}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
      });
    },
    /** The values of these metrics by series, without those that are 0; buckets and sums are left out. */
    values: async (...names: readonly string[]): Promise<Readonly<Record<string, number>>> => {
      const found = (await families()).filter(({ name }) => names.includes(name.replace('switchhook_', '')));
      const samples = found.flatMap((family) => family.samples).filter(({ name }) => !/_(bucket|sum)$/.test(name));
      const told = samples.filter(({ value }) => value !== 0);
      return Object.fromEntries(told.map(({ series, value }) => [series.replace('switchhook_', ''), value]));
    },
    close: async (): Promise<void> => {
      await patiently(place.close());
      await Promise.all([archive.close(), crm.close()]);
    },
  };
}
