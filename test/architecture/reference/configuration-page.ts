/** `docs/configuration.md`: the reference of the configuration, made from the schemas of all installed components. */
import { type JsonSchema, type openCatalog, rowSchemas, sections } from '@switchhook/core/internal';
import type { Kind } from '@switchhook/sdk';
import { exampleData, functionTable, languageTable, variableTable } from './expressions.js';
import { code, optionTable, table } from './option-table.js';

type Installed = Awaited<ReturnType<ReturnType<typeof openCatalog>['all']>>;

/** The page, as it must stand in the file. */
export function configurationPage(schema: JsonSchema, installed: Installed): string {
  const plugins = installed.flatMap((loaded) => ('plugin' in loaded ? [loaded.plugin] : []));
  const packages = new Map(
    plugins.flatMap(({ name, components }) => components.map(({ kind, type }) => [`${kind} ${type}`, name] as const)),
  );
  const parts = [opening, contents(schema), values, expressions(), ...sectionParts(schema, packages)];
  return `${parts.join('\n\n')}\n`;
}

const opening = `<!-- Made by \`npm run docs\` from the schemas of the components. Change those, or test/architecture/reference/, not this file. -->
# Configuration

One YAML file says everything: who sends, who is given what, who is asked about a caller. \`npx switchhook check\` reads it
and reports every mistake at once, each with its line and column. Nothing starts half-configured.

\`\`\`yaml
version: 1
sources:
  agents:                                  # POST /hooks/agents
    use: sigmamind.events
    secrets: ["\${SIGMAMIND_SECRET}"]
  calls:                                   # POST /hooks/calls/<token>
    use: sigmamind.call
    token: \${INBOUND_TOKEN}
destinations:
  team-slack:
    use: slack.message
    webhookUrl: \${SLACK_WEBHOOK_URL}
    text: Call \${{ event.subject }} ended after \${{ duration(event.data.duration) }}
resolvers:
  customer: { use: table.lookup, file: ./customers.csv, key: phone }
routes:
  - name: finished-calls
    on: conversation_ended
    where: event.data.duration > 30
    to: team-slack
answers:
  - name: everybody
    from: calls
    resolve: customer
    variables: { first_name: "\${{ customer.first_name }}" }
    defaults: { first_name: there }
\`\`\`

An editor with the YAML language server completes and checks while you type. Write the schema of the components you have
installed, and name it in the first line of the file:

\`\`\`sh
npx switchhook schema --output config/switchhook.schema.json
\`\`\`

\`\`\`yaml fragment
# yaml-language-server: $schema=./switchhook.schema.json
version: 1
\`\`\``;

const values = `## Values

### Variables and secrets

| written | becomes |
| --- | --- |
| \`\${NAME}\` | the environment variable. Where it is not set, the file is refused |
| \`\${NAME:-default}\` | the variable, or the default where it is not set or empty |
| \`\${file:/run/secrets/token}\` | the text of the file, without the line break at its end; a relative path starts at the configuration file |
| \`$\${NAME}\` | the text \`\${NAME}\` |

They may stand in any value, alone or within a text. A file \`.env\` beside the configuration file is read; the environment
wins. A value that is only a variable takes the type that belongs there: \`port: \${PORT}\` is a number. What a schema below
calls a *secret* is never printed, logged or put into an error, wherever it comes from.

### Units

| type | examples |
| --- | --- |
| duration | \`800ms\` \`5s\` \`10m\` \`1.5h\` \`30d\` |
| size | \`512b\` \`64kb\` \`1mb\` \`2gb\`, each 1,024 of the one before |
| rate | \`10/s\` \`100/m\` \`1000/h\` |

### Names

Names of rows begin with a letter; letters, digits, \`-\` and \`_\` follow, 63 in all. They appear in URLs, the log and the
metrics. Keys at the top that begin with \`x-\` are ignored: a place for anchors.

\`\`\`yaml fragment
x-patient: &patient { attempts: 40, first: 10s, max: 1h }
destinations:
  crm: { use: http.post, url: https://crm.example.com/hooks, retry: *patient }
  billing: { use: http.post, url: https://billing.example.com/hooks, retry: *patient }
\`\`\``;

function expressions(): string {
  return `## Expressions

Conditions and templates are written in [CEL](https://cel.dev). They are compiled when the file is read: a mistake in one is
reported like any other, with its place.

- \`where\` is an expression: \`where: event.data.duration > 30\`. One that cannot be evaluated, because a field is missing,
  does not match.
- In other options, if the type allows it, expressions are written in \`\${{ }}\` within a text:
  \`text: Call \${{ event.subject }} ended\`. Where the type is *any value*, a text that is one single expression keeps the
  type of what it comes to: \`seconds: \${{ event.data.duration }}\` is a number. A literal \`\${{\` is written \`$\${{\`.
- A template that cannot be filled in, because a field is missing, makes the delivery \`rejected\` unless the option says
  otherwise; a variable of an answer takes its default. \`default(…)\` says what to take instead.

Each option's type says which variables it sees.

${variableTable()}

Functions of the router. In the examples, \`event.data\` is \`${exampleData}\`.

${functionTable()}

And what CEL brings:

${languageTable()}`;
}

const plugins = `A list of packages and local files, TypeScript or JavaScript; paths start at the configuration file. Packages named
\`@switchhook/plugin-…\` need no row: \`use: slack.message\` is looked for in \`@switchhook/plugin-slack\`.
[Writing a plugin](writing-a-plugin.md) shows how to make one.

\`\`\`yaml fragment
plugins:
  - "@acme/switchhook-hubspot"
  - ./my-plugins/crm.ts
\`\`\``;

function contents(schema: JsonSchema): string {
  const rows = Object.entries(schema.properties ?? {}).map(([name, section]) => [
    name === 'version' ? code(name) : `[${code(name)}](#${name})`,
    descriptionOf(section),
    schema.required?.includes(name) ? 'required' : '',
  ]);
  return `## The file\n\n${table(['key', '', ''], rows)}\n\nAt least one route or answer is needed.`;
}

type Property = JsonSchema | boolean | undefined;

function sectionParts(schema: JsonSchema, packages: ReadonlyMap<string, string>): readonly string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, section]) => {
    if (typeof section === 'boolean' || name === 'version') return [];
    const head = `## ${code(name)}\n\n${name === 'plugins' ? plugins : descriptionOf(section)}`;
    if (name === 'store') return [head, ...commonPart('store', section), ...componentParts('store', section, packages)];
    if (name in sections) {
      const kind = sections[name as keyof typeof sections];
      const rows = section.additionalProperties;
      return typeof rows === 'object'
        ? [`${head} ${rowsWords(name)}`, ...commonPart(kind, rows), ...componentParts(kind, rows, packages)]
        : [head];
    }
    const row =
      section.type === 'array' && typeof section.items === 'object' && !Array.isArray(section.items)
        ? section.items
        : section;
    return [head, optionTable(row)].filter((part) => part !== '');
  });
}

function rowsWords(name: string): string {
  return `A map from names to rows; \`use\` says which component a row is, and with it which options it has.${name === 'resolvers' ? ' An answer sees what a resolver found by the name of its row.' : ''}`;
}

/** What rows of a kind have in common. */
function commonPart(kind: Kind, rows: JsonSchema): readonly string[] {
  const [first] = componentsOf(rows);
  const common = commonKeys(kind, rows);
  if (first === undefined || common.length === 1) return [];
  const others = Object.keys(first.properties ?? {}).filter((name) => !common.includes(name));
  return [`Every ${kind} has these options:\n\n${optionTable(first, others)}`];
}

/** `batch` is not among them: not every destination takes one. */
function commonKeys(kind: Kind, rows: JsonSchema): readonly string[] {
  const all = componentsOf(rows);
  return Object.keys(rowSchemas[kind].shape).filter((key) => all.every(({ properties = {} }) => key in properties));
}

function componentParts(kind: Kind, rows: JsonSchema, packages: ReadonlyMap<string, string>): readonly string[] {
  const common = commonKeys(kind, rows);
  return componentsOf(rows).map((component) => {
    const type = typeof component.properties?.use === 'object' ? String(component.properties.use.const) : '';
    const options = optionTable(component, common) || 'No options.';
    return `### ${code(type)}\n\n${component.description ?? ''} ${packageWords(packages.get(`${kind} ${type}`))}\n\n${options}`;
  });
}

function packageWords(name: string | undefined): string {
  if (name === undefined) return 'Part of the core.';
  const folder = name.replace('@switchhook/plugin-', '');
  return `Package [\`${name}\`](../plugins/${folder}/README.md).`;
}

/** The rows a section can hold, by their type. */
function componentsOf(rows: JsonSchema): readonly JsonSchema[] {
  const choices = (rows.oneOf ?? rows.anyOf ?? [rows]) as readonly JsonSchema[];
  return choices.filter(({ properties }) => typeof properties?.use === 'object' && 'const' in properties.use);
}

/** Of a list, what its rows are. */
function descriptionOf(section: Property): string {
  if (typeof section !== 'object') return '';
  return section.description ?? descriptionOf(Array.isArray(section.items) ? undefined : section.items);
}
