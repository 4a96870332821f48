/** A router is replaced, reloaded, and killed while it is replaced, under events and calls: what became of each request, and how long nobody held the store. */
import { fileURLToPath } from 'node:url';
import { createRouter } from '@switchhook/core';
import { Store } from '@switchhook/sdk';
import { eventually } from '../support/eventually.js';
import { token } from '../support/phones.js';
import { familyOf, signalAll } from '../support/processes.js';
import { Senders, type Sending } from '../support/senders.js';
import { secret } from '../support/signing.js';
import { type RouterProcess, type Workplace, workplace } from '../support/workplace.js';
import { median, type Row, type Size } from './measuring.js';
import { startReceiver } from './servers.js';

/** Of each kind, also where the requests are fewer. */
const leastChanges = 4;
/** Idle connections are closed after 500 ms: some senders send again just then. */
const load: Sending = { kept: 24, fresh: 8, pausesMs: [5, 10, 20, 490, 500, 510] };
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const yaml = (receiver: number): string => `
version: 1
plugins: [${here('./timed-store.js')}]
server: { host: 127.0.0.1, port: 0 }
store: { use: timed, path: ./bench.db }
sources:
  agents: { use: sigmamind.events, secrets: [${secret}] }
  calls: { use: sigmamind.call, token: ${token} }
destinations:
  crm: { use: http.post, url: "http://127.0.0.1:${receiver}/", concurrency: 64 }
routes:
  - { from: agents, to: crm }
answers:
  - { from: calls, variables: { name: there } }
`;

/** A router under load, and what is done to it. */
class Trial {
  readonly #place: Workplace;
  readonly #router: RouterProcess;
  readonly #file: string;
  readonly #sent: Senders[] = [];

  constructor(place: Workplace, file: string, router: RouterProcess) {
    this.#place = place;
    this.#router = router;
    this.#file = file;
  }

  /** Sends while something is done again and again: until there were so many requests, and for the least number of changes. */
  async during<T>(label: string, requests: number, change: (round: number) => Promise<T>) {
    const senders = new Senders(this.#router.url, { ...load, label });
    this.#sent.push(senders);
    const changes: T[] = [];
    while (changes.length < leastChanges || senders.requests < requests) changes.push(await change(changes.length));
    await senders.end();
    return { senders, changes };
  }

  /** Resolves when the configuration was read anew, and something has been sent since. */
  async reload(): Promise<void> {
    const reloaded = this.#next('config.reloaded');
    this.#router.process.kill('SIGHUP');
    await reloaded;
    await this.#next('event.received');
  }

  /** By the command and by the signal, in turn. Resolves with how long nobody held the store, in milliseconds. */
  async replace(round: number): Promise<number> {
    const [released, committed] = [this.#next('bench.released'), this.#next('bench.committed')];
    if (round % 2 === 1) this.#router.process.kill('SIGUSR2');
    else {
      const { code, stderr } = await this.#place.run(['restart', '--config', this.#file, '--url', this.#router.url]);
      if (code !== 0) throw new Error(stderr);
    }
    return (await committed) - (await released);
  }

  /** Kills the process that holds the store while the next one waits for it. Resolves with how long nobody held it, in milliseconds. */
  async kill(): Promise<number> {
    const [, holder] = familyOf(this.#router.process.pid ?? 0);
    const [replaced, committed] = [this.#next('router.replaced'), this.#next('bench.committed')];
    this.#router.process.kill('SIGUSR2');
    await replaced;
    const killedMs = Date.now();
    signalAll(holder === undefined ? [] : [holder], 'SIGKILL');
    return (await committed) - killedMs;
  }

  /** Ends the router. Resolves with how many acknowledged events and answered calls its store does not have. */
  async lost(): Promise<number> {
    await this.#router.stop();
    const store = (await createRouter(this.#file, { logTo: { write: () => {} } })).get(Store);
    await store.open?.();
    const kept = new Set<string | null>();
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await store.events({ limit: 1_000, bodies: false, ...(cursor !== undefined && { cursor }) });
      for (const { subject, party } of page.items) kept.add(subject).add(party);
      cursor = page.cursor;
    }
    await store.close?.();
    return this.#sent.flatMap(({ events, calls }) => [...events.ids, ...calls.ids]).filter((id) => !kept.has(id))
      .length;
  }

  /** When the next line of this kind was written. */
  async #next(event: string): Promise<number> {
    const from = this.#router.log.length;
    const line = await eventually(() => this.#router.log.slice(from).find((each) => each.event === event));
    return Date.parse(String(line.time));
  }
}

type During = Awaited<ReturnType<Trial['during']>>;

function refusedRow(id: string, what: string, setTarget: string, { senders, changes }: During): Row {
  const { failures, requests, calls, events } = senders;
  const kinds = [...failures].map(([seen, times]) => `${times} ${seen}`);
  const refused = [...failures.values()].reduce((sum, each) => sum + each, 0);
  const slowest = `slowest answer to a call ${Math.round(calls.slowestMs)} ms, to an event ${Math.round(events.slowestMs)} ms`;
  const figures = [`of ${requests}, ${calls.ids.length} answered calls among them`, ...kinds, slowest].join('; ');
  return { id, what: `${what} ${changes.length} times: requests without 200`, figures, ratio: refused, setTarget };
}

function heldRow(id: string, what: string, gapsMs: readonly number[]): Row {
  const figures = `the median ${(median(gapsMs) / 1_000).toFixed(2)}`;
  return {
    id,
    what: `${what}: nobody held the store, at most, s`,
    figures,
    ratio: Math.max(...gapsMs) / 1_000,
    setTarget: '≤ 0.5',
  };
}

/** A router is replaced, reloaded, and killed while the next one waits for its store. */
export async function restart({ requests }: Size): Promise<Row[]> {
  const [place, receiver] = [await workplace(), await startReceiver()];
  try {
    const file = await place.write('switchhook.yaml', yaml(receiver.port));
    const trial = new Trial(place, file, await place.start(file, ['--replaceable']));
    const replaced = await trial.during('replaced', requests, (round) => trial.replace(round));
    const reloaded = await trial.during('reloaded', requests, () => trial.reload());
    const killed = await trial.during('killed', 0, () => trial.kill());
    const lost = await trial.lost();
    return [
      refusedRow('restart', 'replaced', '0', replaced),
      heldRow('take-over', 'replaced', replaced.changes),
      refusedRow('reload', 'reloaded', '0', reloaded),
      refusedRow('restart kill', 'killed while replaced', '', killed),
      heldRow('kill', 'killed while replaced', killed.changes),
      {
        id: 'restart lost',
        what: 'acknowledged events and answered calls that the store does not have',
        figures: '',
        ratio: lost,
        setTarget: '0',
      },
    ];
  } finally {
    await place.close();
    await receiver.stop();
  }
}
