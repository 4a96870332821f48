/** One SMTP account, whose connections all rows that use it share. */
import { OutcomeError, provide } from '@switchhook/sdk';
import nodemailer, {
  type Mail,
  type NodemailerError,
  type SendMailOptions,
  type SMTPPoolOptions,
  type SMTPPoolSentMessageInfo,
} from 'nodemailer';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { type Refusal, refusalsIn, verdictOf } from './failure.js';
import { type Account, type AccountRow, accountOf } from './options.js';

/** From the DNS look-up to the end of STARTTLS. */
const connectTimeoutMs = 30_000;
/** A connection that has been closed is destroyed where the server has not closed it by then. */
const closeTimeoutMs = 1_000;
/** How often a message is given to another connection because the server had closed the first one meanwhile. */
const reconnects = 2;
/** No row may have a higher `concurrency`. */
const mostConnections = 1_000;

/** What the server did with a message that it took for one recipient at least. */
export interface Sent {
  /** Its reply. */
  readonly response: string;
  /** Recipients that it refused. */
  readonly refusals: readonly Refusal[];
}

/** Sends messages over kept connections: as many at a time as are asked for, which the rows' `concurrency` bounds. */
export class SmtpAccount {
  readonly #account: Account;
  readonly #options: ReturnType<typeof connectionOptions>;
  readonly #transport: Mail<SMTPPoolSentMessageInfo, SMTPPoolOptions>;
  /** The signals of messages that were sent to their end, whatever became of them. */
  readonly #whole = new WeakSet<AbortSignal>();

  constructor(account: Account) {
    this.#account = account;
    this.#options = connectionOptions(account);
    this.#transport = nodemailer.createTransport({
      ...this.#options,
      pool: true,
      maxConnections: mostConnections,
      maxRequeues: reconnects,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    this.#transport.use('stream', ({ message, data: { signal } }, done) => {
      message.processFunc((stream) => stream.once('end', () => signal && this.#whole.add(signal)));
      done();
    });
  }

  /**
   * Sends a message. Rejects with an `OutcomeError` where the server takes it for none of its recipients; `isUnsure` where the whole
   * message was sent and no reply came. `ownsSender`: the sender is the operator's and not the event's.
   */
  async send(mail: SendMailOptions, ownsSender: boolean, given: AbortSignal): Promise<Sent> {
    const signal = AbortSignal.any([given]);
    try {
      const { response, rejectedErrors = [] } = await this.#transport.sendMail({ ...mail, signal });
      return { response, refusals: rejectedErrors.flatMap(refusalsIn) };
    } catch (error) {
      const { outcome, isAnswered } = verdictOf(error as NodemailerError, ownsSender);
      if (isAnswered || !this.#whole.has(signal)) throw new OutcomeError(outcome);
      const reason = `${outcome.reason}, after the whole message was sent: the server may have accepted it`;
      throw new OutcomeError({ ...outcome, reason }, { isUnsure: true });
    }
  }

  /** Connects and logs in; returns what was found. */
  async probe(signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const { host, port, login } = this.#account;
    const connection = new SMTPConnection(this.#options);
    const end = () => connection.close();
    signal.addEventListener('abort', end);
    try {
      await new Promise<void>((resolve, reject) => {
        connection.on('error', reject);
        connection.once('end', () => reject(signal.reason ?? new Error('the server closed the connection')));
        connection.connect((error) => {
          if (error !== undefined) reject(error);
          else if (login === null) resolve();
          else connection.login({ credentials: login }, (refused) => (refused === null ? resolve() : reject(refused)));
        });
      });
      connection.quit();
      const encrypted = connection.secure ? 'encrypted' : 'not encrypted';
      return `${host}:${port}, ${encrypted}, ${login === null ? 'without a log-in' : `logged in as ${login.user}`}`;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw new Error(verdictOf(error as NodemailerError, true).outcome.reason);
    } finally {
      signal.removeEventListener('abort', end);
      end();
    }
  }

  /** Cuts what is left. */
  async close(): Promise<void> {
    this.#transport.close({ force: true });
  }
}

/** The service: one account for each server and user. */
export const smtpAccount = provide(SmtpAccount, {
  // The options have been checked.
  key: (options) => JSON.stringify(accountOf(options as unknown as AccountRow)),
  create: (_services, users) => new SmtpAccount(accountOf(users[0] as unknown as AccountRow)),
});

function connectionOptions({ host, port, tls, verifyCertificate, login }: Account) {
  return {
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    tls: { rejectUnauthorized: verifyCertificate },
    // Without it nothing is sent where the server offers no log-in.
    ...(login !== null && { auth: login, forceAuth: true }),
    connectionTimeout: connectTimeoutMs,
    greetingTimeout: connectTimeoutMs,
    socketCloseTimeout: closeTimeoutMs,
  };
}
