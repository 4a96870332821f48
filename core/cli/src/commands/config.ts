/** `switchhook config`: the configuration that a running router works with, without secrets. */
import {
  answerList,
  type Configuration,
  componentList,
  configuration,
  type Installed,
  routeList,
} from '@switchhook/core/api';
import { didYouMean } from '@switchhook/sdk/internal';
import { type RouterClient, type RouterOptions, withRouter } from '../api-client.js';
import { printOptions } from '../format/options.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';
import { noteProblems, printJson, printTable } from '../print.js';
import type { Column } from '../table.js';

/** What can be shown of it. */
export type Shown = 'text' | 'routes' | 'answers' | 'components' | 'types';

type Show = (router: RouterClient, output: Output, options: RouterOptions, type: string | undefined) => Promise<void>;

export async function runConfig(
  output: Output,
  part: Shown,
  type: string | undefined,
  options: RouterOptions,
): Promise<void> {
  if (type !== undefined && part !== 'types')
    throw new CommandFailure(exitCodes.usage, `a type belongs to types: switchhook config types ${type}`);
  return withRouter(options, output, (router) => shows[part](router, output, options, type));
}

const shows: Readonly<Record<Shown, Show>> = {
  text: async (router, output, { json }) => {
    const found = await router.get('/api/configuration', configuration);
    if (json) printJson(output, found);
    else print(found, output);
  },
  routes: async (router, output, { json }) => {
    const found = await router.get('/api/routes', routeList);
    if (json) return printJson(output, found);
    const rows = found.routes.map(({ name, from, on, where, transforms, to }) => [
      ...[name, from.join(', '), on.join(', '), where ?? 'always', transforms.join(', '), to.join(', ')],
    ]);
    printTable(output, routeColumns, rows);
  },
  answers: async (router, output, { json }) => {
    const found = await router.get('/api/answers', answerList);
    if (json) return printJson(output, found);
    const rows = found.answers.map(({ name, from, where, resolvers, withinSeconds, variables, defaults }) => [
      ...[name, from.join(', '), where ?? 'always', resolvers.join(', '), `${withinSeconds} s`],
      [...new Set([...Object.keys(variables), ...Object.keys(defaults)])].join(', '),
    ]);
    printTable(output, answerColumns, rows);
  },
  components: async (router, output, { json }) => {
    const found = await router.get('/api/components', componentList);
    if (json) return printJson(output, found);
    const rows = found.components.map(({ kind, name, use, receivesAt, description }) => {
      return [kind, name, use, receivesAt ?? '', description];
    });
    printTable(output, componentColumns, rows);
  },
  types: async (router, output, { json }, type) => {
    const { installed } = await router.get('/api/components', componentList, { installed: 'true' });
    const { types, kinds, problems } = installed ?? { types: [], kinds: [], problems: [] };
    const asked = type === undefined ? types : types.filter(({ use }) => use === type);
    if (type !== undefined && asked.length === 0) {
      const names = types.map(({ use }) => use);
      throw new CommandFailure(exitCodes.usage, `the router has no type ${type}${didYouMean(type, names)}`);
    }
    if (json) return printJson(output, { types: asked, kinds, problems });
    if (type === undefined)
      printTable(
        output,
        typeColumns,
        types.map(({ kind, use, plugin, version, description }) => [
          ...[kind, use, `${plugin ?? 'the router'} ${version ?? ''}`.trim(), description],
        ]),
      );
    else for (const one of asked) printType(one, output);
    for (const { code, message } of problems) output.note(`${code}: ${message}`);
  },
};

const routeColumns: readonly Column[] = [
  { heading: 'route' },
  { heading: 'from', cut: 8 },
  { heading: 'on', cut: 8 },
  { heading: 'where', cut: 12, drop: 2 },
  { heading: 'through', cut: 8, drop: 1 },
  { heading: 'to', cut: 8 },
];
const answerColumns: readonly Column[] = [
  { heading: 'answer' },
  { heading: 'from', cut: 8 },
  { heading: 'where', cut: 12, drop: 2 },
  { heading: 'resolvers', cut: 8 },
  { heading: 'within', drop: 1 },
  { heading: 'variables', cut: 10 },
];
const componentColumns: readonly Column[] = [
  { heading: 'kind' },
  { heading: 'name' },
  { heading: 'use' },
  { heading: 'receives at', cut: 12, drop: 1 },
  { heading: 'what it does', cut: 15 },
];
const typeColumns: readonly Column[] = [
  { heading: 'kind' },
  { heading: 'use' },
  { heading: 'plugin', cut: 10, drop: 1 },
  { heading: 'what it does', cut: 15 },
];

/** The text alone is what a pipe gets. */
function print(found: Configuration, output: Output): void {
  const { file, generation, since, digest, format, text, warnings, changed, restart } = found;
  output.note(`${file}, generation ${generation} since ${since}, digest ${digest}`);
  if (format === 'program') output.note('The file is a program: this is what it exports, as YAML.');
  const lines = text.replace(/\n$/, '').split('\n');
  const width = String(lines.length).length;
  if (output.terminal)
    for (const [index, line] of lines.entries())
      output.line(`${styled(output, 'dim', `${String(index + 1).padStart(width)} |`)} ${line}`);
  else output.line(lines);
  if (warnings.length > 0) noteProblems(output, warnings, 'warning');
  for (const { setting, reason } of restart)
    output.note(`${styled(output, 'yellow', 'after a restart')}: ${setting} (${reason})`);
  if (changed !== null && changed.length > 0)
    output.note(`Changed since then: ${changed.join(', ')}. What a reload would change: switchhook reload --dry-run`);
}

function printType(
  { kind, use, plugin, version, description, ...one }: Installed['types'][number],
  output: Output,
): void {
  const brought = `${plugin ?? 'the router'} ${version ?? ''}`.trim();
  output.line(`${styled(output, 'bold', `${kind} ${use}`)}, ${brought}: ${description}`);
  const tables = [one.options, one.pluginOptions].map((options) =>
    options.map(({ required: isRequired, default: otherwise, ...option }) => ({ ...option, isRequired, otherwise })),
  );
  const [options = [], pluginOptions = []] = tables;
  printOptions(options, output);
  if (pluginOptions.length === 0) return;
  output.line(['', 'Options of the plugin itself, in its row of plugins:']);
  printOptions(pluginOptions, output);
}
