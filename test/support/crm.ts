/** A CRM, run in a process of its own: it knows of every caller what is theirs alone. Ends with its standard input. */
import { createServer } from 'node:http';

const server = createServer(({ url = '' }, response) => {
  const caller = decodeURIComponent(url.slice(url.lastIndexOf('/') + 1));
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ open: `orders of ${caller}` }));
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => process.stdout.write('listening\n'));
process.stdin.resume().once('end', () => process.exit());
