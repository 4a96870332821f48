/** `switchhook schema`: the JSON Schema of a configuration with the installed components, for editors. */
import { writeFile } from 'node:fs/promises';
import { catalogFor, configurationSchema } from '@switchhook/core/internal';
import { Command } from 'commander';
import { configOption } from '../local-router.js';
import { type Output, printJson } from '../output.js';

interface SchemaOptions {
  readonly config: string;
  readonly output?: string;
}

export function schemaCommand(output: Output): Command {
  return new Command('schema')
    .description('Print the JSON Schema of the configuration, with exactly the installed components.')
    .addOption(configOption('plugins are looked for beside this file'))
    .option('-o, --output <file>', 'write it to a file')
    .option('--json', 'print JSON, which it does anyhow')
    .addHelpText(
      'after',
      `
Examples:
  switchhook schema --output config/switchhook.schema.json

An editor with the YAML language server uses it when the file begins with:
  # yaml-language-server: $schema=./switchhook.schema.json`,
    )
    .action(async (options: SchemaOptions) => {
      const catalog = await catalogFor(options.config);
      const schema = configurationSchema(await catalog.components(), catalog.named);
      if (options.output === undefined) return printJson(output, schema);
      await writeFile(options.output, `${JSON.stringify(schema, null, 2)}\n`);
      output.note(`wrote ${options.output}`);
    });
}
