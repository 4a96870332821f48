/** `switchhook pause`, `resume`, `probe` and `reset`: what an operator does to a destination or a resolver. */
import { hostname, userInfo } from 'node:os';
import { type Probe, probe, type Readable, status, statusRow } from '@switchhook/core/api';
import { didYouMean } from '@switchhook/sdk/internal';
import { type RouterClient, type RouterOptions, withRouter } from '../api-client.js';
import { type Row, rowsOf } from '../format/hold.js';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';
import { msText, printJson } from '../print.js';

interface ControlOptions extends RouterOptions {
  readonly kind?: Row['kind'];
}

interface PauseOptions extends ControlOptions {
  readonly reason: string;
  readonly by?: string;
}

export async function runPause(
  output: Output,
  name: string,
  { reason, by = operator(), ...options }: PauseOptions,
): Promise<void> {
  return control(name, options, output, async (row, ask) => {
    const reply = await ask('pause', statusRow, { reason, by });
    const effect = row.kind === 'destination' ? 'its events are stored and wait' : 'it is skipped';
    print(reply, `${name} is paused: ${effect}. switchhook resume ${name} ends the pause.`, options, output);
  });
}

export async function runResume(output: Output, name: string, options: ControlOptions): Promise<void> {
  return control(name, options, output, async ({ holds }, ask) => {
    const was = holds.some(({ kind }) => kind === 'paused');
    print(await ask('resume', statusRow), `${name} ${was ? 'goes on' : 'was not paused'}.`, options, output);
  });
}

export async function runReset(output: Output, name: string, options: ControlOptions): Promise<void> {
  return control(name, options, output, async ({ kind }, ask) => {
    const reply = await ask('reset', statusRow);
    const waits = kind === 'destination' ? 'no attempt waits for it' : 'calls use it again';
    const paused = reply.holds.some((hold) => hold.kind === 'paused') ? ' It is still paused.' : '';
    print(reply, `The circuit breaker of ${name} is closed: ${waits}.${paused}`, options, output);
  });
}

export async function runProbe(output: Output, name: string, options: ControlOptions): Promise<void> {
  return control(name, options, output, async ({ holds }, ask) => {
    const result = await ask('probe', probe);
    if (options.json) printJson(output, result);
    else output.line(resultText(name, result, output));
    if (result.succeeded !== true) throw new CommandFailure(exitCodes.failed);
    const isOpen = holds.some(({ kind }) => kind === 'breaker-open');
    if (result.tried === 'component' && isOpen)
      output.note(`Its circuit breaker is still open: switchhook reset ${name} closes it.`);
  });
}

function resultText(name: string, result: Probe, output: Output): string {
  const { tried, succeeded, delivery, reason, ms, paused } = result;
  const remark = reason === null ? '' : `: ${reason}`;
  if (succeeded === null) return `${name}: nothing was tried${remark}`;
  const state = succeeded ? styled(output, 'green', 'ok') : styled(output, 'red', 'failed');
  return `${name}: ${tried === 'delivery' ? `delivery ${delivery}` : 'its probe'} ${state} after ${msText(ms)}${paused ? ', although it is paused' : ''}${remark}`;
}

type Ask = <T>(verb: string, schema: Readable<T>, body?: unknown) => Promise<T>;

function control(
  name: string,
  options: ControlOptions,
  output: Output,
  run: (row: Row, ask: Ask) => Promise<void>,
): Promise<void> {
  return withRouter(options, output, async (router) => {
    const row = await rowNamed(router, name, options.kind);
    const path = `/api/${row.kind}s/${encodeURIComponent(name)}`;
    await run(row, (verb, schema, body) => router.post(`${path}/${verb}`, schema, body));
  });
}

async function rowNamed(router: RouterClient, name: string, kind: Row['kind'] | undefined): Promise<Row> {
  const rows = rowsOf(await router.get('/api/status', status)).filter((row) => kind === undefined || row.kind === kind);
  const [row, second] = rows.filter((one) => one.name === name);
  if (second !== undefined)
    throw new CommandFailure(
      exitCodes.usage,
      `${name} is a destination and a resolver: add --kind destination or --kind resolver`,
    );
  if (row !== undefined) return row;
  const meant = didYouMean(
    name,
    rows.map((one) => one.name),
  );
  throw new CommandFailure(exitCodes.usage, `there is no ${kind ?? 'destination or resolver'} "${name}"${meant}`);
}

function print(reply: unknown, text: string, { json }: ControlOptions, output: Output): void {
  if (json) printJson(output, reply);
  else output.line(text);
}

/** In a container, the user may have no name. */
export function operator(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    return `an unnamed user@${hostname()}`;
  }
}
