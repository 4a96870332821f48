/** The error codes of configurations. They have no status: no sender receives them. */

/** What a code means. */
export interface ErrorRow {
  /** HTTP status; only for codes that a sender or an API client receives. */
  readonly status?: number;
  /** What is wrong, in one sentence. */
  readonly sentence: string;
  /** What to do about it. */
  readonly hint: string;
}

/** By code. */
export const configurationCodes = {
  // The configuration file cannot be read.
  CONFIG_NOT_FOUND: {
    sentence: 'There is no configuration file at this path.',
    hint: 'Pass its path with --config, or create config/switchhook.yaml.',
  },
  CONFIG_UNREADABLE: {
    sentence: 'The configuration file cannot be read.',
    hint: 'It must be a file, not a directory, and the process of the router must be allowed to read it.',
  },
  CONFIG_TOO_LARGE: {
    sentence: 'The configuration file is larger than 1 MB.',
    hint: 'Move tables into separate files: see table.lookup.',
  },
  CONFIG_EMPTY: { sentence: 'The configuration file is empty.', hint: 'Start from config/switchhook.yaml.' },
  CONFIG_NOT_UTF8: { sentence: 'The configuration file is not UTF-8.', hint: 'Save it as UTF-8.' },
  YAML_SYNTAX: { sentence: 'The file is not YAML.', hint: 'See the line and column; indent with spaces.' },
  YAML_DUPLICATE_KEY: {
    sentence: 'A map contains the same key twice.',
    hint: 'Remove one of the two. Names are unique within a section.',
  },
  YAML_ALIASES: {
    sentence: 'The aliases of the file expand to too many values.',
    hint: 'Do not nest aliases in aliases.',
  },
  ENV_MISSING: {
    sentence: 'An environment variable is not set.',
    hint: 'Set it, add it to .env next to the file, or write a default: ${NAME:-default}.',
  },
  ENV_AMBIGUOUS: {
    sentence: 'A value in .env is read differently by other tools.',
    hint: 'Put the whole value into quotes: NAME="value". A comment behind it starts with a space and #.',
  },
  INTERPOLATION_SYNTAX: {
    sentence: 'A ${…} has invalid syntax.',
    hint: 'Write ${NAME}, ${NAME:-default} or ${file:path}; an expression is ${{ call.from }}; a literal ${ is written $${.',
  },
  FILE_MISSING: {
    sentence: 'A file named by ${file:…} cannot be read.',
    hint: 'Check the path. Relative paths start at the directory of the configuration file.',
  },

  // The configuration file has a wrong value.
  UNKNOWN_KEY: {
    sentence: 'This key does not exist here.',
    hint: 'Check the spelling; docs/configuration.md lists all keys.',
  },
  MISSING_KEY: { sentence: 'A key is missing.', hint: 'Add it; docs/configuration.md shows an example.' },
  WRONG_TYPE: {
    sentence: 'The value has the wrong type.',
    hint: 'docs/configuration.md lists each key with its type and meaning.',
  },
  INVALID_VALUE: {
    sentence: 'The value is not allowed here.',
    hint: 'docs/configuration.md lists each key with its type and meaning.',
  },
  UNKNOWN_COMPONENT: {
    sentence: 'No installed plugin provides this component.',
    hint: 'switchhook plugins lists what is installed.',
  },
  PLUGIN_NOT_INSTALLED: {
    sentence: 'The plugin is not installed.',
    hint: 'Install the package with npm install, in the directory of the configuration file or above it.',
  },
  PLUGIN_BROKEN: {
    sentence: 'The plugin cannot be loaded.',
    hint: 'A plugin is a package or file whose default export is made by definePlugin.',
  },
  PLUGIN_BLOCKED: {
    sentence: 'Code of a plugin does not return, so that nothing else in the process can run.',
    hint: 'The message names the row of the configuration, and the function, file, line and column that runs: look for an endless loop, or move the work to a thread.',
  },
  PLUGIN_API: {
    sentence: 'The plugin uses another version of the plugin contract.',
    hint: 'Install a version of the plugin that supports this router.',
  },
  EXPRESSION_SYNTAX: { sentence: 'The expression is not valid CEL.', hint: 'See the mark under the expression.' },
  EXPRESSION_UNKNOWN_NAME: {
    sentence: 'The expression uses a name that is not defined here.',
    hint: 'docs/configuration.md lists the variables and functions of each place.',
  },
  EXPRESSION_TYPE: {
    sentence: 'The types in the expression do not match.',
    hint: 'See the mark under the expression; convert with string(), int() or double().',
  },
  UNKNOWN_REFERENCE: {
    sentence: 'The name is not defined in this file.',
    hint: 'Define it in its section, or correct the name.',
  },
  DUPLICATE_NAME: { sentence: 'Two rows have the same name.', hint: 'Give each row a unique name.' },
  UNUSED: { sentence: 'This row is not used.', hint: 'Use it in a route or an answer, or delete it.' },
  SETTING_ASSUMED: {
    sentence: 'A setting is not written, and its default is an assumption.',
    hint: 'Compare it with what the other side really does, then write it.',
  },
  UNSUPPLIED_VARIABLE: {
    sentence: 'The agent requires a variable that is missing for some callers.',
    hint: 'Add a value to defaults of the answer, and to variables if a resolver supplies it.',
  },
  NEVER_MATCHES: {
    sentence: 'No call or event can match this condition.',
    hint: 'Write numbers as + and digits. `country`, at the top level, is the country of numbers without it.',
  },
  WRONG_KIND: {
    sentence: 'The name refers to another kind of component.',
    hint: 'Routes take sources, destinations and transforms; answers take sources of calls and resolvers.',
  },
  STATE_NOT_KEPT: {
    sentence: 'The plugin requires State, and the configured store cannot keep it.',
    hint: 'Use sqlite or postgres, or a store that implements state and setState.',
  },
  PLUGIN_FAILED: {
    sentence: 'The component could not be created or opened.',
    hint: 'The message comes from the plugin; the log has the stack trace.',
  },
} as const satisfies Record<string, ErrorRow>;
