/** The log: pino, one line per event, pretty on a terminal, JSON otherwise, with every secret masked. */

import { createRequire } from 'node:module';
import { type Clock, type JsonObject, type Log, type LogFields, parseJson, stringifyJson } from '@switchhook/sdk';
import { errorMessage } from '@switchhook/sdk/internal';
import pino from 'pino';
import { systemClock } from './clock.js';
import { type Mask, maskedJson } from './mask.js';
import { printable } from './printable.js';
import { placeOf } from './thrown.js';
import { activeTraceId } from './tracing.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Where lines go. */
export interface LineWriter {
  write(line: string): void;
  /** Writes what it has held back, if it holds lines back. */
  flush?(): void;
}

/** What a log is made of. */
export interface LogOptions {
  /** A function is asked before each line. */
  readonly level: LogLevel | (() => LogLevel);
  readonly mask: Mask;
  /** Default: standard output; pretty where that is a terminal. */
  readonly to?: LineWriter;
}

/** For what is not to be logged. */
export const noLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Bytes of lines that wait to be written: what comes beyond is lost. */
const mostWaiting = 4 * 1_048_576;
/** So many characters of lines are written together, and later lines after so long at the latest. */
const gathered = { length: 8_192, ms: 50 };

/** Opens a log. */
export function openLog({ level, mask, to = standardOutput() }: LogOptions): Log {
  const levelNow = typeof level === 'function' ? level : () => level;
  const logger = pino(
    {
      level: levelNow(),
      base: null,
      messageKey: 'event',
      timestamp: pino.stdTimeFunctions.isoTime,
      mixin: activeTrace,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: serialized },
    },
    { write: (line: string) => to.write(printable(maskedLine(withoutSources(line), mask))) },
  );
  const at =
    (method: keyof Log) =>
    (event: string, fields: LogFields = {}): void => {
      if (logger.level !== levelNow()) logger.level = levelNow();
      if (!logger.isLevelEnabled(method)) return;
      const place = 'error' in fields && !('at' in fields) ? placeOf(fields.error) : null;
      logger[method](place === null ? fields : { ...fields, at: place }, event);
      // The process may be about to end.
      if (method === 'warn' || method === 'error') to.flush?.();
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Of the line of an event or a call that is traced. A new object each time: pino adds the fields of the line to it. */
function activeTrace(): { readonly traceId?: string } {
  const traceId = activeTraceId();
  return traceId === null ? {} : { traceId };
}

/** An error that throws when it is read does not cost the line. */
function serialized(error: unknown): unknown {
  try {
    // It takes anything, and leaves what is no error as it is.
    return pino.stdSerializers.err(error as Error);
  } catch {
    return { type: 'Error', message: errorMessage(error) };
  }
}

/** A log that throws costs lines, and nothing else: a call may be in progress. */
export function unfailing(log: Log): Log {
  const at =
    (method: keyof Log) =>
    (event: string, fields?: LogFields): void => {
      try {
        log[method](event, fields);
      } catch {
        // The log itself failed: there is nowhere to report it.
      }
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Masks text by text: numbers stay numbers, and the level, the time and the name of the event are the router's own words. */
function maskedLine(line: string, mask: Mask): string {
  if (mask(line) === line) return line;
  const fields = Object.entries(parseJson(line) as JsonObject).map(([key, value]) =>
    ['level', 'time', 'event'].includes(key)
      ? [key, value]
      : (Object.entries(maskedJson({ [key]: value }, mask))[0] ?? []),
  );
  return `${stringifyJson(Object.fromEntries(fields))}\n`;
}

/** Some TypeScript, translated when it was loaded, has all of its source for a name, in every stack; at its end stand file, line and column. */
function withoutSources(line: string): string {
  if (!line.includes('data:text/javascript,')) return line;
  return line.replace(/data:text\/javascript,[^\s"\\?:]*/g, 'data:…');
}

function standardOutput(): LineWriter {
  if (!process.stdout.isTTY) return unhurriedOutput();
  // Only a terminal needs it, and it takes 7 MB.
  const pretty: typeof import('pino-pretty') = createRequire(import.meta.url)('pino-pretty');
  const stream = pretty({
    destination: 1,
    sync: true,
    messageKey: 'event',
    singleLine: true,
    ignore: 'pid,hostname',
    translateTime: 'HH:MM:ss.l',
  });
  // It prints messages and stacks with their escapes resolved: a second backslash keeps those of control characters.
  const kept = (line: string) => line.replace(/\\([ubfr])|\\./g, (pair, kind) => (kind ? `\\${pair}` : pair));
  return { write: (line) => stream.write(kept(line)) };
}

/**
 * Writes lines in groups: a write of its own for each line takes 6 % of the main thread's time under load. What cannot be
 * written is lost, and nothing is thrown: a timer writes, so nothing would catch it.
 */
export class GatheredLines implements LineWriter {
  readonly #to: LineWriter;
  readonly #clock: Clock;
  #lines = '';
  #stopWaiting: (() => void) | null = null;

  constructor(to: LineWriter, clock: Clock) {
    this.#to = to;
    this.#clock = clock;
  }

  write(line: string): void {
    this.#lines += line;
    if (this.#lines.length >= gathered.length) this.flush();
    else this.#stopWaiting ??= this.#clock.after(gathered.ms, () => this.flush());
  }

  flush(): void {
    this.#stopWaiting?.();
    this.#stopWaiting = null;
    if (this.#lines === '') return;
    const lines = this.#lines;
    this.#lines = '';
    try {
      this.#to.write(lines);
    } catch {
      // The log itself failed: there is nowhere to report it.
    }
  }
}

let unhurried: LineWriter | null = null;

/**
 * One for the process. A full disk behind the log, or a reader that stands still or is gone, costs lines, and nothing else: a
 * phone may be ringing.
 */
function unhurriedOutput(): LineWriter {
  if (unhurried !== null) return unhurried;
  // Pino writes the rest of its own when the process ends, after this.
  process.on('exit', () => unhurried?.flush?.());
  const lines = pino.destination({ dest: 1, sync: false, maxLength: mostWaiting });
  lines.on('error', () => {});
  unhurried = new GatheredLines(lines, systemClock);
  return unhurried;
}
