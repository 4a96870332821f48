/** The watching thread: when the main thread's beats stop, it looks at what runs there, as a debugger does, and lets it go on. */
import { writeSync } from 'node:fs';
import { type Debugger, Session } from 'node:inspector';
import { fileURLToPath } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from './clock.js';
import type { Block, Watched } from './watchdog.js';

const limitMs = 1_000;
const mostFrames = 8;
/** The router's own packages: a frame of them is where the trouble was let in, not where it is. */
const ownCode = fileURLToPath(new URL('..', import.meta.url));

const { beats, beatMs } = workerData as Watched;
const counter = new Int32Array(beats);

let lastBeat = Atomics.load(counter, 0);
let lastBeatAtMs = systemClock.elapsed();
let seen: Omit<Block, 'ms'> | null = null;

async function watch(dueAtMs: number): Promise<void> {
  const nowMs = systemClock.elapsed();
  const beat = Atomics.load(counter, 0);
  // Where this thread was not woken either, the machine is busy or was asleep, not the main thread.
  if (nowMs - dueAtMs > 2 * beatMs) lastBeatAtMs = nowMs;
  const silentMs = nowMs - lastBeatAtMs;
  if (beat !== lastBeat) {
    if (seen !== null) parentPort?.postMessage({ ...seen, ms: Math.round(silentMs) } satisfies Block);
    [lastBeat, lastBeatAtMs, seen] = [beat, nowMs, null];
  } else if (silentMs > limitMs && seen === null) {
    seen = await whatRuns();
    say({ ...seen, ms: Math.round(silentMs) });
  }
  const nextAtMs = systemClock.elapsed() + beatMs;
  systemClock.after(beatMs, () => void watch(nextAtMs));
}

/** The log belongs to the main thread, and perhaps that never comes back. */
function say(block: Block): void {
  try {
    writeSync(2, `${JSON.stringify({ level: 'error', event: 'loop.blocked', ...block })}\n`);
  } catch (error) {
    // Nobody reads it now; the log says it when the block is over.
    if (!(error instanceof Error)) throw error;
  }
}

/** Stops the main thread for the moment it takes to read its stack. */
function whatRuns(): Promise<Omit<Block, 'ms'>> {
  const session = new Session();
  const urls = new Map<string, string>();
  return new Promise((resolve) => {
    const giveUp = systemClock.after(limitMs, () => end([]));
    const end = (frames: readonly string[]): void => {
      giveUp();
      session.post('Debugger.disable');
      session.disconnect();
      resolve({
        by: frames.map(culpritIn).find((culprit) => culprit !== null) ?? frames[0] ?? 'unknown',
        stack: frames,
      });
    };
    session.on('Debugger.scriptParsed', ({ params }) => urls.set(params.scriptId, params.url));
    session.on('Debugger.paused', ({ params }) =>
      end(params.callFrames.slice(0, mostFrames).map((frame) => told(frame, urls))),
    );
    session.connectToMainThread();
    session.post('Debugger.enable');
    session.post('Debugger.pause');
  });
}

function told({ functionName, url, location }: Debugger.CallFrame, urls: ReadonlyMap<string, string>): string {
  const file = fileOf(url || (urls.get(location.scriptId) ?? ''));
  // Lines of TypeScript that was loaded as it is are those of its translation.
  const place = file.endsWith('.ts') ? '' : `:${location.lineNumber + 1}:${(location.columnNumber ?? 0) + 1}`;
  return `${functionName || '(anonymous)'} ${file}${place}`;
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
  if (file === undefined || file.startsWith(ownCode)) return null;
  return /.*node_modules[\\/]((@[^\\/]+[\\/])?[^\\/]+)/.exec(file)?.[1] ?? file;
}

void watch(systemClock.elapsed());
