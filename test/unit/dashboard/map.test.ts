import { expect } from 'chai';
import { changesIn, fitting } from '../../../core/dashboard/build/model/configuration.js';
import type {
  Component,
  ComponentType,
  Option,
  ReloadReport,
} from '../../../core/dashboard/build/model/configuration-replies.js';
import type { History } from '../../../core/dashboard/build/model/history-replies.js';
import {
  type Configured,
  callsBand,
  eventsBand,
  type Known,
  type MapNode,
} from '../../../core/dashboard/build/model/map.js';
import type { Status } from '../../../core/dashboard/build/model/replies.js';

const component = (kind: Component['kind'], name: string): Component => ({
  kind,
  name,
  ...{ use: 'x', description: '', receivesAt: null },
});
const configured = {
  components: [
    ...['agents', 'lines'].map((name) => component('source', name)),
    ...['crm', 'slow'].map((name) => component('destination', name)),
    ...['who', 'vip', 'hours', 'idle'].map((name) => component('resolver', name)),
  ],
  routes: [
    { name: 'all', from: ['agents', 'router'], to: ['crm', 'slow'], on: [], where: null, transforms: [] },
    { name: 'none', from: ['crm'], to: ['slow'], on: [], where: null, transforms: [] },
  ],
  answers: [
    {
      ...{ name: 'sales', from: ['lines'], resolvers: ['who'], where: null, withinSeconds: 3 },
      ...{ variables: {}, defaults: {}, overrideAgent: null },
    },
  ],
};

const row = { breaker: null, holds: [], lastFailure: null, use: null };
const hold = { since: '', until: null, by: null, reason: null };
// What the map reads of them.
const status = {
  pulls: [{ source: 'lines', use: null, state: 'waiting', since: '', lastFailure: { at: '', reason: 'HTTP 500' } }],
  sources: [{ source: 'agents', received: 9, refused: 9, lastRefusedAt: null, refusal: { reason: 'no signature' } }],
  destinations: [
    { destination: 'crm', waiting: 2, dead: 1, trouble: { level: 'bad', what: '1 dead delivery.', advice: '' } },
    { destination: 'slow', waiting: 3, dead: 0, trouble: { level: 'busy', what: '3 open deliveries.', advice: '' } },
  ],
  resolvers: [
    { ...row, resolver: 'who', holds: [{ ...hold, kind: 'breaker-open' }], lastFailure: { at: '', reason: 'late' } },
    { ...row, resolver: 'vip', holds: [{ ...hold, kind: 'paused', reason: 'moves' }] },
    { ...row, resolver: 'hours' },
    { ...row, resolver: 'idle' },
  ],
} as unknown as Status;
const history = {
  sources: [
    { source: 'agents', received: [1, 2], refused: [0, 4], unanswered: [0, 0] },
    { source: 'lines', received: [3, 0], refused: [0, 0], unanswered: [2, 0] },
  ],
  routes: [{ route: 'all', events: [1, 1_500], failures: [0, 2] }],
  answers: [{ answer: 'sales', calls: [1, 0] }],
  resolvers: [
    { resolver: 'who', lookups: [1, 1], failed: [0, 1] },
    { resolver: 'hours', lookups: [2, 1], failed: [0, 1] },
  ],
} as unknown as History;
const known: Known = { status, history };

const brief = ({ kind, name, level, figures, trouble }: MapNode) =>
  `${kind} ${name} ${level}: ${figures}${trouble === null ? '' : ` (${trouble})`}`;

describe('the parts of the map', () => {
  it('have sources, routes and destinations with their counts and troubles, and what else events come from', () => {
    const { left, middle, right, links } = eventsBand(configured, known);
    expect(left.map(brief)).to.deep.equal([
      'source agents warn: 3 events, 4 refused (4 requests were refused, most often: no signature)',
      'source lines bad: 3 events (It cannot pull its events: HTTP 500)',
      'source router off: 0 events',
      'source crm off: 0 events',
    ]);
    expect(middle.map(brief)).to.deep.equal([
      'route all warn: 1,501 events, 2 not evaluated (Its condition could not be evaluated for 2 events)',
      'route none off: 0 events',
    ]);
    expect(right.map(brief)).to.deep.equal([
      'destination crm bad: 2 waiting, 1 dead (1 dead delivery.)',
      'destination slow busy: 3 waiting, 0 dead',
    ]);
    expect(links).to.equal(configured.routes);
    expect([left[0], middle[0], ...right].map((node) => node?.link)).to.deep.equal([
      '#/refused?source=agents',
      '#/events?unevaluated=all&since=1h',
      '#/dead?destination=crm',
      '#/deliveries?destination=slow',
    ]);
  });

  it('have routes that need attention because a destination of theirs fails', () => {
    const routes = ['crm', 'slow'].map((to) => ({
      ...configured.routes[1],
      name: `to ${to}`,
      from: ['agents'],
      to: [to],
    }));
    const { middle } = eventsBand({ ...configured, routes } as unknown as Configured, known);
    expect(middle.map(brief)).to.deep.equal([
      'route to crm warn: 0 events (Destination crm: 1 dead delivery.)',
      'route to slow off: 0 events',
    ]);
  });

  it('have sources of calls, answers and resolvers with theirs', () => {
    const { left, middle, right, links } = callsBand(configured, known);
    expect(left.map(({ name }) => name)).to.deep.equal(['lines']);
    expect(middle.map(brief)).to.deep.equal(['answer sales well: 1 call']);
    expect(right.map(brief)).to.deep.equal([
      'resolver who bad: 2 look-ups, 1 failed (Its circuit breaker is open: late)',
      'resolver vip warn: 0 look-ups (It is paused: moves)',
      'resolver hours warn: 3 look-ups, 1 failed (1 look-up of 3 failed)',
      'resolver idle off: 0 look-ups',
    ]);
    expect(links).to.deep.equal([{ name: 'sales', from: ['lines'], to: ['who'] }]);
    expect([left[0], middle[0], right[0]].map((node) => node?.link)).to.deep.equal([
      '#/calls?source=lines&step=unanswered&since=1h',
      '#/calls?answer=sales',
      '#/calls?resolver=who',
    ]);
    expect(left.map(brief)).to.deep.equal([
      'source lines bad: 3 calls, 2 unanswered (It cannot pull its events: HTTP 500)',
    ]);
    const [receiving] = callsBand(configured, { status: null, history }).left;
    expect(receiving && brief(receiving)).to.equal(
      'source lines warn: 3 calls, 2 unanswered (No answer matched 2 calls)',
    );
    const answered = { ...history, sources: history.sources.map((one) => ({ ...one, unanswered: [0, 0] })) };
    expect(callsBand(configured, { status: null, history: answered }).left[0]?.link).to.equal('#/calls?source=lines');
  });

  it('show no numbers that are not known', () => {
    const nothing = { status: null, history: null };
    const nodes = [eventsBand(configured, nothing), callsBand(configured, nothing)].flatMap((band) => [
      ...[...band.left, ...band.middle, ...band.right],
    ]);
    expect(new Set(nodes.map(({ figures, level }) => `${level} ${figures}`))).to.deep.equal(
      new Set(['off not known yet']),
    );
  });
});

describe('the installed types in the page', () => {
  const option = (name: string, description: string): Option => ({
    ...{ name, description, type: 'text', unit: null, required: false, default: null, secret: false },
  });
  const type = (use: string, ...options: readonly Option[]): ComponentType => ({
    ...{
      kind: 'destination',
      use,
      plugin: `@switchhook/plugin-${use}`,
      version: null,
      description: `Sends by ${use}.`,
    },
    ...{ options, pluginOptions: [] },
  });
  const types = [
    type('slack', option('webhookUrl', 'Where to.'), option('text', 'The text.')),
    type('email', option('text', 'The body.')),
  ];
  const found = (filter: string) =>
    fitting(types, filter).map(({ type: { use }, options, byOption }) => [use, options.length, byOption]);

  it('are found by all words, in their own texts or in those of their options', () => {
    expect(found('')).to.deep.equal([
      ['slack', 2, false],
      ['email', 1, false],
    ]);
    expect(found(' Sends  SLACK ')).to.deep.equal([['slack', 2, false]]);
    expect(found('webhookurl')).to.deep.equal([['slack', 1, true]]);
    expect(found('email body')).to.deep.equal([['email', 1, true]]);
    expect(found('slack body')).to.deep.equal([]);
  });
});

describe('what a reload would change, in the page', () => {
  it('has a line for each section, and what needs a restart', () => {
    const same = { added: [], changed: [], removed: [] };
    const nothing: ReloadReport = {
      ...{ sources: same, transforms: same, destinations: same, resolvers: same, routes: same, answers: same },
      ...{ settings: [], restart: [] },
    };
    expect(changesIn(nothing)).to.deep.equal([]);
    const report = {
      ...nothing,
      ...{
        routes: { ...same, added: ['a', 'b'], removed: ['c'] },
        settings: ['log.level'],
        restart: [{ setting: 'store' }],
      },
    };
    expect(changesIn(report)).to.deep.equal([
      'routes: added a, b; removed c',
      'settings: log.level',
      'store: after a restart only',
    ]);
  });
});
