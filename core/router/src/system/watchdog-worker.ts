/** The watching thread: when the main thread's beats stop, it looks at what runs there, as a debugger does, and lets it go on. */
import { writeSync } from 'node:fs';
import { type Debugger, url as inspectorUrl, Session } from 'node:inspector';
import { createRequire, SourceMap } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from './clock.js';
import { workIn } from './current-work.js';
import type { Block, Watched } from './watchdog.js';

/** For reading the stack of the main thread, which native code does not let see. */
const lookMs = 1_000;
/** After so many without a stack, the block is reported without one. */
const mostLooks = 4;
const mostFrames = 8;
/** The router's own packages: a frame of them is where the trouble was let in, not where it is. */
const ownCode = [
  new URL('..', import.meta.url).href,
  pathToFileURL(createRequire(import.meta.url).resolve('@switchhook/sdk')).href,
].map((url) => fileURLToPath(new URL('.', url)));

/** What the main thread runs. */
type Seen = Omit<Block, 'ms'> & { readonly isOwn: boolean };
type Scripts = Map<string, Pick<Debugger.ScriptParsedEventDataType, 'url' | 'sourceMapURL'>>;

const { beats, beatMs, limitMs, work, end } = workerData as Watched;
const counter = new Int32Array(beats);

let lastBeat = Atomics.load(counter, 0);
let lastBeatAtMs = systemClock.elapsed();
let seen: Seen | null = null;
/** Since the last beat. */
let looks = 0;

async function watch(dueAtMs: number): Promise<void> {
  const nowMs = systemClock.elapsed();
  const beat = Atomics.load(counter, 0);
  // Where this thread was not woken either, the machine is busy or was asleep, not the main thread.
  if (nowMs - dueAtMs > 2 * beatMs) lastBeatAtMs = nowMs;
  const silentMs = nowMs - lastBeatAtMs;
  if (beat !== lastBeat) {
    if (seen !== null && end === undefined) parentPort?.postMessage(blockOf(seen, silentMs));
    [lastBeat, lastBeatAtMs, seen, looks] = [beat, nowMs, null, 0];
  } else if (silentMs > limitMs && (seen === null || (seen.stack.length === 0 && looks < mostLooks))) {
    seen = await whatRuns();
    looks += 1;
    // On a busy machine, a look may take too long: the next one may see it.
    if (seen.stack.length > 0 || looks === mostLooks) report(seen, silentMs);
  } else if (end !== undefined && seen !== null && !seen.isOwn && silentMs > end.afterMs) endProcess(seen, end);
  // The main thread of a command beats when it is asked to.
  if (end !== undefined) parentPort?.postMessage(null);
  const nextAtMs = systemClock.elapsed() + beatMs;
  systemClock.after(beatMs, () => void watch(nextAtMs));
}

function blockOf({ by, stack }: Seen, silentMs: number): Block {
  return { by, stack, ms: Math.round(silentMs) };
}

/** The log belongs to the main thread, and perhaps that never comes back. */
function report(seen: Seen, silentMs: number): void {
  if (end === undefined) {
    write(JSON.stringify({ level: 'error', event: 'loop.blocked', ...blockOf(seen, silentMs) }));
  } else if (!seen.isOwn) {
    const rest = `Nothing else can run until it returns; the command ends after ${end.afterMs / 1_000} s.`;
    write(`PLUGIN_BLOCKED: ${placeIn(seen)} has run for ${limitMs / 1_000} s without returning. ${rest}`);
  }
}

/** In a debugger, which holds the main thread as a loop does, the command goes on. */
function endProcess(seen: Seen, { afterMs, exitCode }: NonNullable<typeof end>): void {
  if (inspectorUrl() !== undefined) return;
  write(`PLUGIN_BLOCKED: ${placeIn(seen)} has not returned for ${afterMs / 1_000} s; the command ends.`);
  const session = new Session();
  session.on('Debugger.paused', ({ params }) => {
    const callFrameId = params.callFrames[0]?.callFrameId ?? '';
    // Without standard error, to which Node would write that it waits for this debugger.
    const expression = `process.getBuiltinModule('fs').closeSync(2); process.exit(${exitCode})`;
    session.post('Debugger.evaluateOnCallFrame', { callFrameId, expression });
  });
  session.connectToMainThread();
  session.post('Debugger.enable');
  session.post('Debugger.pause');
  // Where native code blocks by now, the main thread does not stop for the debugger.
  systemClock.after(lookMs, () => process.kill(process.pid, 'SIGKILL'));
}

/** The row of the configuration, where it is known, and `function file:line:column` of the innermost code that is not the router's own. */
function placeIn({ by, stack }: Seen): string {
  const row = workIn(work);
  return `${row === '' ? '' : `${row}: `}${stack.find((frame) => culpritIn(frame) === by) ?? by}`;
}

function write(line: string): void {
  try {
    writeSync(2, `${line}\n`);
  } catch (error) {
    // Standard error is not read while the process is blocked; the log of a router reports it afterwards.
    if (!(error instanceof Error)) throw error;
  }
}

/** Stops the main thread for the moment it takes to read its stack. */
function whatRuns(): Promise<Seen> {
  const session = new Session();
  const scripts: Scripts = new Map();
  return new Promise((resolve) => {
    const giveUp = systemClock.after(lookMs, () => done([]));
    const done = (frames: readonly Debugger.CallFrame[]): void => {
      giveUp();
      session.post('Debugger.disable');
      session.disconnect();
      const stack = frames.map((frame) => formatFrame(frame, scripts));
      const culprit = stack.map(culpritIn).find((one) => one !== null);
      resolve({ by: culprit ?? stack[0] ?? 'unknown', stack, isOwn: culprit === undefined });
    };
    session.on('Debugger.scriptParsed', ({ params }) => scripts.set(params.scriptId, params));
    session.on('Debugger.paused', ({ params }) => done(params.callFrames.slice(0, mostFrames)));
    session.connectToMainThread();
    session.post('Debugger.enable');
    session.post('Debugger.pause');
  });
}

function formatFrame({ functionName, url, location }: Debugger.CallFrame, scripts: Scripts): string {
  const script = scripts.get(location.scriptId);
  const file = fileOf(url || (script?.url ?? ''));
  const map = /\.[cm]?ts$/.test(file) ? script?.sourceMapURL : undefined;
  return `${functionName || '(anonymous)'} ${file}${placeOf(location, map)}`;
}

/** `:line:column`, as the author wrote it: TypeScript that was translated when it was loaded brings a map. Empty without a mapping. */
function placeOf({ lineNumber, columnNumber = 0 }: Debugger.Location, mapUrl = ''): string {
  const base64 = /^data:application\/json;base64,(.*)$/.exec(mapUrl)?.[1];
  if (base64 === undefined) return `:${lineNumber + 1}:${columnNumber + 1}`;
  const map = new SourceMap(JSON.parse(Buffer.from(base64, 'base64').toString('utf8')));
  const written = map.findEntry(lineNumber, columnNumber);
  return 'originalLine' in written ? `:${written.originalLine + 1}:${written.originalColumn + 1}` : '';
}

/** TypeScript is loaded from data or with a mark at its end; both name the file. */
function fileOf(url: string): string {
  const named = /[?&]filePath=([^&]+)$/.exec(url)?.[1];
  const path = named === undefined ? url : decodeURIComponent(named);
  const plain = path.replace(/\?.*$/s, '');
  return plain.startsWith('file:') ? fileURLToPath(plain) : plain;
}

/** The package or file a frame is of; null for the router's own code and Node's. */
function culpritIn(frame: string): string | null {
  const file = /^.*? (\/.*?|[A-Z]:.*?)(:\d+:\d+)?$/.exec(frame)?.[1];
  if (file === undefined || ownCode.some((folder) => file.startsWith(folder))) return null;
  return /.*node_modules[\\/]((@[^\\/]+[\\/])?[^\\/]+)/.exec(file)?.[1] ?? file;
}

void watch(systemClock.elapsed());
