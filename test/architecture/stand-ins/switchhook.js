/** Runs a command of `switchhook` in the process of the test, which has all of it in memory. */
import { request } from 'node:http';
import { json } from 'node:stream/consumers';

const asked = request({ host: '127.0.0.1', port: process.env.COMMAND_PORT, method: 'POST' });
asked.end(JSON.stringify({ args: process.argv.slice(2), directory: process.cwd(), env: process.env }));
asked.on('response', async (response) => {
  const { code, stdout, stderr } = await json(response);
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = code;
});
