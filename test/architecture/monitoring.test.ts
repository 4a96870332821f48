import { ERRORS } from '@switchhook/sdk/internal';
import { expect } from 'chai';
import { parse } from 'yaml';
import { type Family, labelsOf } from '../support/exposition.js';
import { monitored } from '../support/monitored.js';
import { type Described, expressionOf, strangersIn } from './promql.js';
import { filesIn, only } from './source.js';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string | object }[] };
}

const [page = '', alerts = '', board = ''] = ['metrics.md', 'alerts.yaml', 'dashboard.json'].map(
  (name) => filesIn(['docs/operating'], /./).find(({ path }) => path === `docs/operating/${name}`)?.text,
);
const rules: readonly Rule[] = parse(alerts).groups.flatMap((group: { readonly rules: Rule[] }) => group.rules);
const dashboard: Dashboard = JSON.parse(board);
const described: readonly Described[] = [
  ...page.matchAll(/^\| `((?:switchhook|process|nodejs)_\w+)` \| (\w+) \|([^|]*)\| (.*) \|$/gm),
].map(([, name = '', kind = '', labels = '', text = '']) => ({
  ...{ name, kind, text },
  labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label),
}));
const ours = described.filter(({ name }) => name.startsWith('switchhook_'));

/** What an expression is about that is not described. Codes of refusals are described with the errors. */
function strangers(text: string): readonly string[] {
  // A dashboard's own variables stand for any value.
  return strangersIn(text, described, ({ labels, text: told }, value) => {
    return value.startsWith('$') || told.includes(`\`${value}\``) || (labels.includes('code') && value in ERRORS);
  });
}

/** Names that the code gives to metrics, wherever it does. */
function namedIn(text: string): readonly string[] {
  const calls = /\bmetrics\s*\.(?:count|observe|gauge)\(\s*'(\w+)'/g;
  return [...only(['code', 'string'], text).matchAll(calls)].map(([, name = '']) => `switchhook_${name}`);
}

/** Everything that can happen to a router, happens. */
async function familiesOfEverything(): Promise<readonly Family[]> {
  const { clock, crm, send, ring, logged, decide, families, close } = await monitored({ store: 'sqlite' });
  crm.answer(() => 401);
  await send('conv_1');
  await send('conv_2', { event: 'conversation_started' });
  for (const from of ['+11', '+11', '+12', '+13']) await ring(from);
  await ring('+11', '+1800', 'not-the-token');
  await logged('delivery.attempted', 3);
  await clock.advance(60_000);
  await logged('delivery.attempted', 4);
  await decide('replay');
  const found = await families();
  await close();
  return found;
}

function shapeOf({ name, kind, labels }: Pick<Described, 'name' | 'kind' | 'labels'>): string {
  return `${name} ${kind} ${labels.toSorted().join(',')}`;
}

/** What a name has against the rules of https://prometheus.io/docs/practices/naming and of `promtool check metrics`. */
function unconventional({ name, kind }: Pick<Described, 'name' | 'kind'>): readonly string[] {
  const words = name.split('_');
  const faults: readonly (readonly [string, boolean])[] = [
    ['is not in lower case with single underscores', !/^[a-z][a-z\d]*(_[a-z\d]+)*$/.test(name)],
    ['is a counter without _total', kind === 'counter' && words.at(-1) !== 'total'],
    ['is no counter, and ends in _total', kind !== 'counter' && words.at(-1) === 'total'],
    ['ends like a series of a histogram', /_(bucket|count|sum)$/.test(name)],
    ['contains its kind', words.some((word) => ['counter', 'gauge', 'histogram', 'summary', kind].includes(word))],
    ['has no base unit', words.some((word) => notBaseUnits.test(word))],
    ['has its unit before its end', words.slice(0, -1).some(isUnit) && !/_(total|info)$/.test(name)],
    ['is of no kind', !['counter', 'gauge', 'histogram'].includes(kind)],
  ];
  return faults.filter(([, is]) => is).map(([fault]) => `${name} ${fault}`);
}

const notBaseUnits =
  /^(ms|us|ns|(milli|micro|nano)seconds?|minutes?|hours?|days?|weeks?|[kmgt]i?b|(kilo|mega|giga|kibi|mebi|gibi)bytes?|bits?|percent(age)?|millis)$/;

function isUnit(word: string): boolean {
  return ['seconds', 'bytes', 'ratio', 'meters', 'celsius'].includes(word);
}

describe('The names of metrics', () => {
  it('follow the conventions of Prometheus, those of Node and of the process included', async () => {
    const families = await familiesOfEverything();
    expect(families.map(({ name }) => name)).to.include('nodejs_active_handles');
    expect([...families, ...described].flatMap(unconventional)).to.deep.equal([]);
    expect(families.filter(({ help }) => help === '').map(({ name }) => name)).to.deep.equal([]);
  });

  it('are caught when they do not', () => {
    for (const [name, kind] of [
      ['events', 'counter'],
      ['handles_total', 'gauge'],
      ['commit_ms', 'histogram'],
      ['wait_minutes', 'gauge'],
      ['body_kb', 'gauge'],
      ['events_counter_total', 'counter'],
      ['attempts_count', 'gauge'],
      ['commit_seconds_long', 'histogram'],
      ['commitSeconds', 'histogram'],
      ['commit_seconds', 'summary'],
    ] as const)
      expect(unconventional({ name, kind }), name).not.to.deep.equal([]);
  });
});

describe('docs/operating/metrics.md', () => {
  it('describes every metric of a router in which everything has happened, and no other', async () => {
    const families = await familiesOfEverything();
    const code = filesIn(['core', 'plugins'], /^(core|plugins)\/[^/]+\/src\/.*\.ts$/);
    const named = code.flatMap(({ text }) => namedIn(text));
    expect(named).to.include('switchhook_store_commit_seconds');
    const there = [...families.map(({ name }) => name), ...named];
    const names = described.map(({ name }) => name);
    expect(there.filter((name) => name.startsWith('switchhook_') && !names.includes(name))).to.deep.equal([]);
    expect(names.filter((name) => !there.includes(name))).to.deep.equal([]);
  });

  it('says of each what kind it is and which labels it has', async () => {
    const shown = (await familiesOfEverything()).filter(({ samples }) => samples.length > 0);
    const shapes = shown.map((family) => shapeOf({ ...family, labels: [...labelsOf(family)] }));
    const comparable = described.filter(({ name }) => shown.some((family) => family.name === name));
    expect(comparable).to.have.length.greaterThan(30);
    expect(comparable.map(shapeOf).filter((shape) => !shapes.includes(shape))).to.deep.equal([]);
  });

  it('asks about nothing else in its queries', () => {
    const queries = [...page.matchAll(/`([^`\n]*\([^`\n]*)`/g)].flatMap(([, code = '']) =>
      code.includes('switchhook_') ? [code] : [],
    );
    expect(queries).to.have.length.greaterThan(4);
    expect(queries.flatMap(strangers)).to.deep.equal([]);
  });
});

describe('docs/operating/alerts.yaml', () => {
  it('is about metrics that are there, by labels that they have', () => {
    expect(rules.flatMap(({ alert, expr }) => strangers(expr).map((unknown) => `${alert}: ${unknown}`))).to.deep.equal(
      [],
    );
  });

  it('says of each alert how grave it is, what it is about and what to do', () => {
    const inPage = [...page.matchAll(/^\| `(Switchhook\w+)` \| (\w+) \|/gm)].map(([, alert, severity]) => [
      alert,
      severity,
    ]);
    expect(rules.map(({ alert, labels }) => [alert, labels.severity])).to.have.deep.members(inPage);
    for (const { annotations } of rules) expect(Object.keys(annotations)).to.deep.equal(['summary', 'description']);
  });

  it('fills its sentences only with labels that its expressions leave', () => {
    for (const { alert, expr, annotations } of rules) {
      const { selectors, labels } = expressionOf(expr);
      const left = labels.length > 0 ? labels : selectors.flatMap(({ name }) => labelsNamed(name));
      const said = [
        ...Object.values(annotations)
          .join(' ')
          .matchAll(/\$labels\.(\w+)/g),
      ].map(([, label]) => label);
      expect([...left, 'instance'], alert).to.include.members(said);
    }
  });
});

describe('docs/operating/dashboard.json', () => {
  const targets = dashboard.panels.flatMap(({ title, targets: all = [] }) => all.map(({ expr }) => ({ title, expr })));

  it('shows every metric of the router, and asks for none that is not there', () => {
    expect(
      targets.flatMap(({ title, expr }) => strangers(expr).map((unknown) => `${title}: ${unknown}`)),
    ).to.deep.equal([]);
    const asked = targets.flatMap(({ expr }) => expressionOf(expr).selectors.map(({ name }) => name));
    const shown = asked.map((name) => name.replace(/_(bucket|sum|count)$/, ''));
    expect(shown).to.include.members(ours.map(({ name }) => name));
  });

  it('uses only the variables it defines', () => {
    const variables = dashboard.templating.list.map(({ name }) => name);
    const used = [...board.matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name);
    expect([...variables, '__rate_interval', '__all']).to.include.members(used);
    for (const { query } of dashboard.templating.list) {
      const [, asked] = /label_values\((\w+)/.exec(JSON.stringify(query)) ?? [];
      if (asked !== undefined) expect(ours.map(({ name }) => name)).to.include(asked);
    }
  });

  it('has a place of its own for each panel', () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).to.equal(panels.length);
    const places = panels.flatMap(({ gridPos: { x, y, w, h } }) => {
      expect(x + w).to.be.at.most(24);
      return Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`);
    });
    expect(new Set(places).size).to.equal(places.length);
  });
});

describe('An expression', () => {
  const metric: Described = {
    ...{ name: 'switchhook_notes_total', kind: 'counter', labels: ['author', 'mood'] },
    text: 'Notes: `glad`, `sad`',
  };
  const seconds: Described = { name: 'switchhook_note_seconds', kind: 'histogram', labels: ['author'], text: '' };
  const found = (expr: string) =>
    strangersIn(expr, [metric, seconds], ({ text }, value) => text.includes(`\`${value}\``));

  it('passes when it is about what is there', () => {
    const fine = [
      'sum by (author) (rate(switchhook_notes_total{mood=~"glad|sad",job="$job"}[5m])) > 0.5',
      'histogram_quantile(0.99, sum by (le, author) (rate(switchhook_note_seconds_bucket[$__rate_interval])))',
      'switchhook_notes_total unless switchhook_notes_total offset 15m or absent(up{job="switchhook"})',
      'min_over_time((max by (author) (switchhook_notes_total))[15m:1m]) and on (job, instance) up',
      '(time() - switchhook_notes_total) * on (instance) group_left (author) switchhook_notes_total{}',
    ];
    for (const expr of fine) expect(found(expr), expr).to.deep.equal([]);
  });

  it('is caught when it is not', () => {
    expect(found('rate(switchhook_nodes_total[5m])')).to.deep.equal(['switchhook_nodes_total']);
    expect(found('rate(switchhook_note_seconds[5m])')).to.deep.equal(['switchhook_note_seconds']);
    expect(found('sum by (writer) (switchhook_notes_total)')).to.deep.equal(['by writer']);
    expect(found('switchhook_notes_total{writer="x"}')).to.deep.equal(['switchhook_notes_total writer']);
    expect(found('switchhook_notes_total{mood="sat"}')).to.deep.equal(['switchhook_notes_total mood=sat']);
    expect(found('vector(1)')).to.deep.equal(['no metric']);
  });
});

function labelsNamed(series: string): readonly string[] {
  return described.find(({ name }) => name === series)?.labels ?? [];
}
