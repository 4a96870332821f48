/** `switchhook status`: how the router stands, refreshed on a terminal. */

import { type DestinationStatus, type Status, status, type Trouble } from '@switchhook/core/api';
import { durationText } from '@switchhook/sdk';
import { type RouterOptions, withRouter } from '../api-client.js';
import { relative } from '../format/event.js';
import { rowsOf, standingText } from '../format/hold.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';
import { msText, printJson, printTable, quantity } from '../print.js';
import type { Column } from '../table.js';
import { watched } from '../watch.js';

/** Problems above the tables, where they are shown again and again. */
const shownAtOnce = 5;

interface StatusOptions extends RouterOptions {
  readonly once?: true;
}

export async function runStatus(output: Output, options: StatusOptions): Promise<void> {
  return withRouter(options, output, async (router) => {
    const ask = () => router.get('/api/status', status);
    if (output.terminal && !options.once && !options.json)
      return watched({ watch: true }, output, async (shown) => print(await ask(), shown, shownAtOnce));
    const current = await ask();
    const { troubles } = current;
    if (options.json) printJson(output, current);
    else print(current, output, troubles.length);
    if (troubles.length === 0) return;
    throw new CommandFailure(exitCodes.failed, options.json ? troubles.map(troubleText).join('\n') : '');
  });
}

const destinationColumns: readonly Column[] = [
  { heading: 'destination', cut: 10 },
  { heading: 'use', cut: 8, drop: 2 },
  { heading: 'waiting' },
  { heading: 'running', drop: 3 },
  { heading: 'dead' },
  { heading: 'oldest' },
  { heading: 'breaker', drop: 4 },
  { heading: 'limits', cut: 10, drop: 1 },
];

const colours = { bad: 'red', warn: 'yellow', busy: 'cyan', well: 'green' } as const satisfies Record<
  Trouble['level'],
  string
>;

/** As the dashboard calls them. */
const words = { bad: 'Trouble: ', warn: 'Attention: ', busy: '', well: '' } as const satisfies Record<
  Trouble['level'],
  string
>;

function troubleText({ level, what, advice }: Trouble): string {
  return `${words[level]}${what}${advice === '' ? '' : ` ${advice}`}`;
}

function printTroubles({ summary, troubles }: Status, output: Output, most: number): void {
  const shown = troubles.length === 0 ? [summary] : troubles.slice(0, most);
  for (const one of shown) {
    const word = words[one.level] || one.what;
    output.line(styled(output, colours[one.level], word) + troubleText(one).slice(word.length));
  }
  const left = troubles.length - shown.length;
  if (left > 0) output.line(`${quantity(left, 'further problem')}: switchhook status --once lists all.`);
}

function print(current: Status, output: Output, most: number): void {
  const { version, node, now, uptimeSeconds, store, destinations, configuration } = current;
  printTroubles(current, output, most);
  if (destinations.some(({ dead }) => (dead ?? 0) > 0)) output.line('switchhook dead lists the dead deliveries.');
  const state = store.canCommit
    ? styled(output, 'green', 'can commit')
    : styled(output, 'red', `cannot commit: ${store.reason}`);
  output.line(
    `Switchhook ${version} on Node ${node}, up for ${durationText(uptimeSeconds * 1_000)}; store ${store.use} ${state}`,
  );
  const { memoryBytes, busyShare } = current.process;
  const sizes = [
    ...(store.bytes === null ? [] : [`store ${sizeText(store.bytes)}`]),
    ...(store.freeBytes === null ? [] : [`${sizeText(store.freeBytes)} free`]),
    ...(store.commitMs === null ? [] : [`committed in ${msText(store.commitMs)}`]),
  ];
  output.line(
    [...sizes, `memory ${sizeText(memoryBytes)}`, `event loop ${Math.round(busyShare * 100)} % busy`].join(', '),
  );
  output.line(retentionText(store.retention));
  const { file, generation, since } = configuration;
  if (generation > 1) output.line(`Configuration ${file}, reloaded ${relative(since)} (generation ${generation})`);
  printTable(
    output,
    destinationColumns,
    destinations.map((destination) => [
      destination.destination,
      destination.configured
        ? (destination.use ?? '-')
        : styled(output, 'yellow', destination.draining ? 'removed, draining' : 'not configured'),
      numberText(destination.waiting),
      numberText(destination.running),
      destination.dead !== null && destination.dead > 0
        ? styled(output, 'red', String(destination.dead))
        : numberText(destination.dead),
      destination.oldestSeconds === null ? '-' : durationText(destination.oldestSeconds * 1_000),
      breakerText(destination, output),
      limitsText(destination),
    ]),
  );
  printSources(current, output);
  printSecrets(current, output);
  printResolvers(current, output);
  printPulls(current, output);
  printRouters(current, output);
  for (const row of rowsOf(current)) {
    const standing = standingText(row, now);
    if (standing !== null) output.line(`${styled(output, 'yellow', row.name)}: ${standing}`);
  }
}

/** Without the sources that pull, unless something was sent to them. */
function printSources({ sources, pulls }: Status, output: Output): void {
  const pulling = pulls.map(({ source }) => source);
  const rows = sources.filter(({ source, refused }) => refused > 0 || !pulling.includes(source));
  if (rows.length === 0) return;
  printTable(
    output,
    [
      'source',
      { heading: 'use', drop: 1 },
      { heading: 'received' },
      { heading: 'refused', cut: 8 },
      'reason in the last hour',
    ],
    rows.map(({ source, use, received, refused, lastRefusedAt, refusal }) => [
      source || 'none of this name',
      use ?? '-',
      String(received),
      refused === 0
        ? '0'
        : `${styled(output, 'yellow', String(refused))}, the last one ${relative(lastRefusedAt ?? '')}`,
      refusal === null
        ? '-'
        : `${refusal.requests} ${refusal.code}${refusal.agent === null ? '' : ` ${refusal.agent}`}: ${refusal.reason}`,
    ]),
  );
}

/** Of each source with several secrets: which of them are used, so that it shows whether an old one can be removed. */
function printSecrets({ sources }: Status, output: Output): void {
  for (const { source, secrets } of sources) {
    for (const of of new Set(secrets.map((use) => use.of).filter((count) => count > 1))) {
      const positions = Array.from({ length: of }, (_, index) => index + 1);
      const uses = positions.map((position) => {
        const use = secrets.find((one) => one.of === of && one.secret === position);
        if (use === undefined) return `secret ${position} of ${of} not used since the start`;
        return `secret ${position} of ${of} in ${quantity(use.requests, 'request')}, the last one ${relative(use.lastAt)}`;
      });
      output.line(`${source}: ${uses.join('; ')}`);
    }
  }
}

function printResolvers({ resolvers }: Status, output: Output): void {
  if (resolvers.length === 0) return;
  printTable(
    output,
    ['resolver', { heading: 'use', drop: 1 }, { heading: 'breaker' }, 'last failure'],
    resolvers.map((row) => [
      row.resolver,
      row.use ?? '-',
      breakerText(row, output),
      row.lastFailure === null ? '-' : `${relative(row.lastFailure.at)}: ${row.lastFailure.reason}`,
    ]),
  );
}

function printPulls({ pulls }: Status, output: Output): void {
  if (pulls.length === 0) return;
  printTable(
    output,
    ['source', { heading: 'use', drop: 1 }, { heading: 'pulls' }, 'last failure'],
    pulls.map(({ source, use, state, since, lastFailure }) => [
      source,
      use ?? '-',
      `${state === 'waiting' ? styled(output, 'red', state) : state} since ${relative(since)}`,
      lastFailure === null ? '-' : `${relative(lastFailure.at)}: ${lastFailure.reason}`,
    ]),
  );
}

/** `keeps events 30d, bodies 7d, keys 90d; agents conversation_analysed: events 30d, bodies 1d`. */
function retentionText({ keysSeconds, parts, ...windows }: Status['store']['retention']): string {
  const text = (seconds: number) => durationText(seconds * 1_000);
  const windowsText = ({ eventsSeconds, bodiesSeconds }: typeof windows) =>
    `events ${text(eventsSeconds)}${bodiesSeconds === eventsSeconds ? '' : `, bodies ${text(bodiesSeconds)}`}`;
  const ofStore = `keeps ${windowsText(windows)}${keysSeconds === null ? '' : `, keys ${text(keysSeconds)}`}`;
  const ofParts = parts.map(({ sources = [], types, exceptTypes, ...own }) => {
    const which = types ?? (exceptTypes === undefined ? [] : ['others']);
    return `${[...sources, ...which].join(' ')}: ${windowsText(own)}`;
  });
  return [ofStore, ...ofParts].join('; ');
}

function printRouters({ routers }: Status, output: Output): void {
  if (routers.length === 0) return;
  printTable(
    output,
    ['router', 'version', { heading: 'configuration', drop: 1 }, { heading: 'since' }, 'has taken over'],
    routers.map(({ name, self, version, configuration, since, goneSince, deliveries }) => [
      self ? `${name} (this one)` : name,
      version,
      configuration,
      goneSince === null ? relative(since) : styled(output, 'red', `gone, last seen ${relative(goneSince)}`),
      Object.entries(deliveries)
        .map(([destination, count]) => `${count} ${destination}`)
        .join(', ') || '-',
    ]),
  );
  const there = routers.filter(({ goneSince }) => goneSince === null);
  const configurations = new Set(there.map(({ configuration }) => configuration));
  if (configurations.size > 1)
    output.line(
      styled(
        output,
        'yellow',
        `The routers run ${configurations.size} configurations: each delivers to the destinations of its own. Reload or restart the others.`,
      ),
    );
}

function sizeText(bytes: number): string {
  const units = ['kB', 'MB', 'GB', 'TB'];
  const at = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3) - 1));
  return `${Number((bytes / 1_000 ** (at + 1)).toPrecision(3))} ${units[at]}`;
}

function numberText(value: number | null): string {
  return value === null ? '?' : String(value);
}

function breakerText({ breaker }: Pick<DestinationStatus, 'breaker'>, output: Output): string {
  if (breaker === null) return '-';
  return breaker === 'closed' ? breaker : styled(output, 'red', breaker);
}

/** `8 at once, 10/s, in order`. */
function limitsText({ concurrency, rateLimit, ordered }: DestinationStatus): string {
  const rate =
    rateLimit === null ? null : `${rateLimit.count}/${durationText(rateLimit.perMs).replace(/^1(?=[a-z])/, '')}`;
  const limits = [concurrency === null ? null : `${concurrency} at once`, rate, ordered ? 'in order' : null];
  return limits.filter((limit) => limit !== null).join(', ') || '-';
}
