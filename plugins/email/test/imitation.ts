/** A local SMTP server that records mails, and refuses, hangs or cuts the connection at any step. */
import type { AddressInfo, Socket } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export const user = 'calls@example.com';
export const password = 'smtp p@ss/word';

/** The greeting, the log-in, the commands MAIL and RCPT, the beginning of the message, its end. */
export type Step = 'connect' | 'auth' | 'from' | 'to' | 'begin' | 'end';
/** A reply in place of the ordinary one; `hang`: none; `cut`: the connection ends; `lose`: it ends after the step has had its effect. */
export type Answer = readonly [code: number, text: string] | 'hang' | 'cut' | 'lose';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly user: string | null;
  readonly encrypted: boolean;
  readonly source: string;
}

export async function smtp(options: SMTPServerOptions = {}) {
  const mails: ReceivedMail[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  let answer: (step: Step, address: string) => Answer | null = () => null;
  let reached: { readonly step: Step; readonly resolve: () => void }[] = [];

  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const at = (step: Step, address: string, done: (error: Error | null) => void, effect = () => {}) => {
    const how = answer(step, address);
    if (how === null || how === 'lose') effect();
    if (how === 'cut' || how === 'lose') cut();
    else if (how === null) done(null);
    else if (how !== 'hang') done(Object.assign(new Error(how[1]), { responseCode: how[0] }));
    for (const one of reached.filter((each) => each.step === step)) one.resolve();
    reached = reached.filter((each) => each.step !== step);
  };

  const server = new SMTPServer({
    logger: false,
    disableReverseLookup: true,
    closeTimeout: 1,
    authMethods: ['PLAIN', 'LOGIN'],
    onConnect: (_session, done) => at('connect', '', done),
    onAuth: (auth, _session, done) =>
      at('auth', '', (refused) => {
        const isRight = auth.username === user && auth.password === password;
        if (refused !== null) done(refused);
        else if (isRight) done(null, { user });
        else done(Object.assign(new Error('authentication failed'), { responseCode: 535 }));
      }),
    onMailFrom: ({ address }, _session, done) => at('from', address, done),
    onRcptTo: ({ address }, _session, done) => at('to', address, done),
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.once('data', () => at('begin', '', () => {}));
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        const mail = {
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          user: session.user ?? null,
          encrypted: session.secure,
          source: Buffer.concat(chunks).toString(),
        };
        at(
          'end',
          '',
          (error) => done(error, 'queued as 4711'),
          () => mails.push(mail),
        );
      });
    },
    ...options,
  });
  server.on('error', () => {
    // A client that does not trust the certificate ends the handshake.
  });
  server.server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    cut,
    /** How many connections there have been. */
    connections: () => connections,
    /** Sockets that are open. */
    sockets,
    /** Null = as it should. */
    answers: (how: typeof answer | null) => {
      answer = how ?? (() => null);
    },
    /** Resolves when a step is reached the next time. */
    next: (step: Step) => new Promise<void>((resolve) => reached.push({ step, resolve })),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}

/** The headers of a mail, unfolded, by their names in small letters. */
export function headersOf(source: string): Readonly<Record<string, string>> {
  const [head = ''] = source.split('\r\n\r\n', 1);
  const lines = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
}
