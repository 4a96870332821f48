/** The process of the command line: runs the command, and only here the process ends. */
import { processOutput } from './output.js';
import { runCommand } from './run.js';

// A reader that has gone, as `head` after its last line, costs lines, and nothing else: what a command changes is not cut short.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
const code = await runCommand(process.argv.slice(2), processOutput);
// A supervisor has set that of the router that it ran.
if (code !== 0) process.exitCode = code;
// What a component has left behind must not keep the process up; what was printed is still to be read.
process.stdout.write('', () => process.stderr.write('', () => process.exit()));
