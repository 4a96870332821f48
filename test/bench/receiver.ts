/** A receiver in a process of its own: reads each body, answers 200, and says on GET how many it has had. */
import { createServer } from 'node:http';

let received = 0;
const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.end(String(received));
    return;
  }
  request.resume().on('end', () => {
    received += 1;
    response.end('{}');
  });
});
server.listen(0, '127.0.0.1', () => process.send?.(server.address()));
