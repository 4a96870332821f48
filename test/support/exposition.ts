/** Reads the Prometheus text format, strictly: what is no line of it throws. */

/** One value. */
export interface Sample {
  /** The family's name, or that with `_bucket`, `_sum` or `_count`. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Name and labels, as they stand there. */
  readonly series: string;
}

/** A metric with all its values. */
export interface Family {
  readonly name: string;
  readonly kind: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const label = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"/.source;
const sampleLine = new RegExp(`^(([a-zA-Z_:][\\w:]*)(?:\\{((?:${label},?)*)\\})?) (\\S+)$`);
const numbers: Readonly<Record<string, number>> = {
  '+Inf': Number.POSITIVE_INFINITY,
  '-Inf': Number.NEGATIVE_INFINITY,
};

/** In their order. Throws where a line is not of the format, or a value has no family above it. */
export function familiesOf(text: string): readonly Family[] {
  const families: (Family & { samples: Sample[]; kind: string })[] = [];
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [, comment, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (comment === 'HELP') families.push({ name, kind: '', help: rest, samples: [] });
    const family = families.at(-1);
    if (comment === 'TYPE' && family?.name === name) family.kind = rest;
    if (comment !== undefined) continue;
    const sample = sampleOf(line);
    const kinds = family?.kind === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    if (family === undefined || !kinds.some((kind) => sample.name === family.name + kind))
      throw new Error(`a value outside of its family: ${line}`);
    family.samples.push(sample);
  }
  return families;
}

/** Names of a metric's labels; without the bounds of buckets. */
export function labelsOf({ samples }: Family): ReadonlySet<string> {
  return new Set(samples.flatMap(({ labels }) => Object.keys(labels)).filter((name) => name !== 'le'));
}

function sampleOf(line: string): Sample {
  const [, series = '', name = '', labels = '', , , value = ''] = sampleLine.exec(line) ?? [];
  if (name === '') throw new Error(`not a line of the format: ${line}`);
  const pairs = [...labels.matchAll(new RegExp(label, 'g'))].map(([, key = '', text = '']) => [key, unescaped(text)]);
  return { name, labels: Object.fromEntries(pairs), value: numbers[value] ?? Number(value), series };
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
}
