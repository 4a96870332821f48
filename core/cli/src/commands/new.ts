/** `switchhook init` and `switchhook new plugin`: make folders that are ready to run. */
import {
  createPluginFolder,
  createRouterFolder,
  type PluginKind,
  pluginKinds,
  TemplateRefusal,
} from 'create-switchhook';
import { CommandFailure, exitCodes, type Output } from '../output.js';

export async function runInit(output: Output, directory: string): Promise<void> {
  output.line(await orRefusal(createRouterFolder(directory)));
}

type NewOptions = Readonly<Partial<Record<PluginKind, true>>>;

export async function runNewPlugin(
  output: Output,
  name: string,
  directory: string | undefined,
  options: NewOptions,
): Promise<void> {
  const chosen = pluginKinds.filter((kind) => options[kind]);
  const kinds: readonly PluginKind[] = chosen.length === 0 ? ['destination'] : chosen;
  output.line(await orRefusal(createPluginFolder(name, kinds, directory)));
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
