/** Expressions of Prometheus, as far as it takes to see which metrics and labels they are about. */
/** A metric as it is described. */
export interface Described {
  readonly name: string;
  readonly kind: string;
  readonly labels: readonly string[];
  /** What its description says, with the values its labels can have in backticks. */
  readonly text: string;
}

interface Selector {
  readonly name: string;
  readonly matchers: readonly { readonly label: string; readonly values: readonly string[] }[];
}

interface Expression {
  readonly selectors: readonly Selector[];
  /** Labels by which it groups or joins. */
  readonly labels: readonly string[];
}

/** Labels of every series: its job and process, and the bounds of buckets. */
const always = ['job', 'instance', 'le'];
/** What Prometheus itself says of whom it asks. */
const up: Described = { name: 'up', kind: 'gauge', labels: [], text: '' };
const grouping = ['by', 'without', 'on', 'ignoring', 'group_left', 'group_right'];
const operators = ['and', 'or', 'unless', 'bool', 'offset'];

const quoted = /"(?:[^"\\]|\\.)*"/.source;
const tokens = new RegExp(`${quoted}|\\{(?:${quoted}|[^}"])*\\}|\\[[^\\]]*\\]|\\d[\\w.]*|[a-zA-Z_:][\\w:]*|\\S`, 'g');

/** What of an expression is not there: metrics, labels, and values of labels that `isValue` does not know for a metric. */
export function strangersIn(
  text: string,
  metrics: readonly Described[],
  isValue: (metric: Described, value: string) => boolean,
): readonly string[] {
  const { selectors, labels } = expressionOf(text);
  const bySeries = new Map([up, ...metrics].flatMap((metric) => seriesOf(metric).map((name) => [name, metric])));
  const known = [...always, ...selectors.flatMap(({ name }) => bySeries.get(name)?.labels ?? [])];
  return [
    ...(selectors.length === 0 ? ['no metric'] : []),
    ...labels.filter((label) => !known.includes(label)).map((label) => `by ${label}`),
    ...selectors.flatMap(({ name, matchers }) => {
      const metric = bySeries.get(name);
      if (metric === undefined) return [name];
      return matchers.flatMap(({ label, values }) => {
        if (always.includes(label)) return [];
        if (!metric.labels.includes(label)) return [`${name} ${label}`];
        return values.filter((value) => !isValue(metric, value)).map((value) => `${name} ${label}=${value}`);
      });
    }),
  ];
}

/** Reads an expression. */
export function expressionOf(text: string): Expression {
  const found: readonly string[] = text.match(tokens) ?? [];
  const selectors: Selector[] = [];
  const labels: string[] = [];
  for (let at = 0; at < found.length; at += 1) {
    const [token = '', next = ''] = [found[at], found[at + 1]];
    if (grouping.includes(token)) {
      const end = next === '(' ? found.indexOf(')', at) : at;
      labels.push(...found.slice(at + 2, end).filter((label) => label !== ','));
      at = end;
    } else if (isSelector(token, next))
      selectors.push({ name: token, matchers: next.startsWith('{') ? matchersIn(next) : [] });
  }
  return { selectors, labels };
}

function isSelector(token: string, next: string): boolean {
  // Before a bracket it is a function, before `by` an aggregation.
  return (
    /^[a-zA-Z_:]/.test(token) && !operators.includes(token) && next !== '(' && !grouping.slice(0, 2).includes(next)
  );
}

function seriesOf({ name, kind }: Described): readonly string[] {
  return kind === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
}

function matchersIn(braces: string): Selector['matchers'] {
  return [...braces.matchAll(new RegExp(`(\\w+)\\s*(?:=~|!~|!=|=)\\s*(${quoted})`, 'g'))].map(
    ([, label = '', value = '']) => ({ label, values: value.slice(1, -1).split('|') }),
  );
}
