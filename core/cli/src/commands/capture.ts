/** A captured HTTP request in a file, as tools for capturing and `nc -l` write it. */
import { receivedAtHeader } from '@switchhook/core/internal';
import { type RawRequest, sentTimeMs } from '@switchhook/sdk';
import { CommandFailure, exitCodes } from '../output.js';

/** A request, and what is odd about its file. */
export interface Capture {
  /** `receivedAtMs` is that of the router that wrote the file, else the time that is given. */
  readonly request: RawRequest;
  /** When a router received it, in ISO 8601; null where the file does not have that. */
  readonly receivedAt: string | null;
  readonly notes: readonly string[];
}

/** Reads a request: its line, its headers, an empty line, and the exact bytes of its body. `url`: that the sender was given. */
export function captureIn(file: Buffer, url: string | undefined, nowMs: number): Capture {
  const end = /\r?\n\r?\n/.exec(file.toString('latin1'));
  const head = file.subarray(0, end?.index).toString();
  const [first = '', ...lines] = head.split(/\r?\n/);
  const [, method, target] = /^([A-Z]+) (\S+) HTTP\/[\d.]+$/.exec(first) ?? [];
  if (end === null || method === undefined || target === undefined)
    throw new CommandFailure(
      exitCodes.usage,
      'the file is no HTTP request: expected a line such as POST /hooks/agents HTTP/1.1, headers, an empty line and the body',
    );
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^\s:]+):\s*(.*?)\s*$/.exec(line) ?? [];
    const known = headers[name.toLowerCase()];
    if (name !== '') headers[name.toLowerCase()] = known === undefined ? value : `${known}, ${value}`;
  }
  const { [receivedAtHeader]: received = '', ...own } = headers;
  const receivedAtMs = sentTimeMs(received);
  const sent = URL.canParse(target) ? target : `https://${headers.host ?? 'localhost'}${target}`;
  if (!URL.canParse(sent)) throw new CommandFailure(exitCodes.usage, 'the request has no valid path and host');
  const { pathname, search, searchParams } = new URL(sent);
  const body = file.subarray(end.index + end[0].length);
  const length = headers['content-length'];
  return {
    request: {
      method,
      rest: pathname.replace(/^\/hooks\/[^/]+\/?|^\//, ''),
      query: Object.fromEntries(searchParams),
      headers: own,
      body,
      remoteAddress: '127.0.0.1',
      url: url === undefined ? sent : `${url}${url.includes('?') ? '' : search}`,
      receivedAtMs: receivedAtMs ?? nowMs,
    },
    receivedAt: receivedAtMs === null ? null : new Date(receivedAtMs).toISOString(),
    notes: [
      ...(length === undefined || Number(length) === body.length
        ? []
        : [
            `content-length is ${length}, but the file has ${body.length} bytes after the headers: the body was changed when it was saved, or on its way`,
          ]),
      ...(/chunked/i.test(headers['transfer-encoding'] ?? '')
        ? ['the request came in chunks: save the body without the lines that hold their lengths']
        : []),
      ...(headers['content-encoding'] === undefined ? [] : ['the body is compressed: its bytes are used as they are']),
    ],
  };
}
