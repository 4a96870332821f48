/** The process of `npm create switchhook`. */
import { parseArgs } from 'node:util';
import { createRouterFolder, TemplateRefusal } from './index.js';

const usage = `Usage: npm create switchhook [directory]

Makes a folder with a router that is ready to run; default: the directory you are in. It overwrites nothing.`;

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h', default: false } },
  });
  const [directory = '.', ...others] = positionals;
  if (values.help) console.log(usage);
  else if (others.length > 0) usageError(`one directory is needed, not ${positionals.length}`);
  else console.log((await createRouterFolder(directory)).join('\n'));
} catch (error) {
  if (error instanceof TemplateRefusal) {
    console.error(error.message);
    process.exitCode = 1;
  } else if (error instanceof TypeError && 'code' in error) usageError(error.message);
  else throw error;
}

function usageError(message: string): void {
  console.error(`${message}\n\n${usage}`);
  process.exitCode = 2;
}
