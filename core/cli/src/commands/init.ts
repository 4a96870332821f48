/** `switchhook init`: makes a folder with a router that is ready to run. */
import { Command } from 'commander';
import { createRouterFolder, TemplateRefusal } from 'create-switchhook';
import { CommandFailure, exitCodes, type Output } from '../output.js';

export function initCommand(output: Output): Command {
  return new Command('init')
    .description('Make a folder with a router that is ready to run: configuration, plugin, test, unit, Dockerfile.')
    .argument('[directory]', 'where; it overwrites nothing', '.')
    .addHelpText('after', '\nExamples:\n  switchhook init my-router\n  npm create switchhook my-router')
    .action(async (directory: string) => output.line(await orRefusal(createRouterFolder(directory))));
}

/** Ends the command where nothing was written. */
async function orRefusal<T>(writing: Promise<T>): Promise<T> {
  try {
    return await writing;
  } catch (error) {
    if (error instanceof TemplateRefusal) throw new CommandFailure(exitCodes.failed, error.message);
    throw error;
  }
}
