/** What programs that are installed here say of the files of docs/operating/deploy, and the Dockerfile in plain folders. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deployFile, proxies, type ReverseProxy } from './files.js';
import { builtImage, sizesOf, startedFrom } from './router-image.js';

const run = promisify(execFile);

/** A program, the file that it checks, and how. `check` resolves with what was found, and rejects where something is wrong. */
export interface Checked {
  readonly program: string;
  readonly file: string;
  /** `text`: of the file, as it is or as a test has changed it. */
  check(text?: string): Promise<string>;
}

/** Whether a program can be run. */
export async function isInstalled(program: string): Promise<boolean> {
  return run('sh', ['-c', `command -v ${program}`]).then(
    () => true,
    () => false,
  );
}

/** What each program checks, whether it is installed or not. */
export const checkedByPrograms: readonly Checked[] = [
  ...proxies.map((proxy) => ({
    program: proxy.name,
    file: proxy.file,
    check: (text = deployFile(proxy.file)) => inDirectory((directory) => checkProxy(proxy, directory, text)),
  })),
  ...['switchhook.service', 'switchhook.socket'].map((file) => ({
    program: 'systemd-analyze',
    file,
    check: (text = deployFile(file)) => inDirectory((directory) => checkUnit(file, directory, text)),
  })),
];

async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'switchhook-deploy-'));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function checkProxy(proxy: ReverseProxy, directory: string, text: string): Promise<string> {
  const certificate = join(directory, 'hooks.example.com.pem');
  const subject = ['-subj', '/CN=hooks.example.com', '-keyout', certificate, '-out', `${certificate}.public`];
  await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...subject]);
  await run('sh', ['-c', 'cat "$1.public" >> "$1"', 'sh', certificate]);
  const file = join(directory, proxy.file);
  await writeFile(file, proxy.checked(text, certificate));
  await run(proxy.name, [...proxy.check(file)]);
  return `${proxy.name} accepts it`;
}

/** What the units name may not exist on this machine: only what systemd says about their own lines counts. */
async function checkUnit(name: string, directory: string, text: string): Promise<string> {
  for (const unit of ['switchhook.service', 'switchhook.socket'])
    await writeFile(join(directory, unit), unit === name ? text : deployFile(unit));
  const { stderr } = await run('systemd-analyze', ['verify', join(directory, name)]).catch((error) => error);
  const lines = String(stderr)
    .split('\n')
    .filter((line) => line.includes(name) && !line.includes('is not executable'));
  if (lines.length > 0) throw new Error(lines.join('\n'));
  return 'systemd-analyze finds nothing';
}

/** Runs the steps of the Dockerfile in plain folders, and the router that they make. */
export async function checkImage(): Promise<string> {
  const image = await builtImage();
  try {
    const health = await startedFrom(image);
    const { node, app } = sizesOf(image);
    return `its steps make a router, and its health check says "${health}". Packages and files ${app} MB, Node ${node} MB`;
  } finally {
    await image.remove();
  }
}
