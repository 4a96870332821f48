/** Checks the configuration files it is given. A process of its own: within mocha, tsx cannot load the local plugins that a file names. */
import { loadConfig } from '@switchhook/core/internal';

for (const file of process.argv.slice(2))
  try {
    await loadConfig(file);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
