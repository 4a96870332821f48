/** A Chromium for tests: the one of `CHROMIUM_PATH`, or that of the package `@sparticuz/chromium`, unpacked once. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';
import { repository } from './workplace.js';

const cache = join(repository, 'node_modules/.cache/switchhook-chromium');

/** Starts one. Close it at the end of the tests. */
export async function startBrowser(): Promise<Browser> {
  const given = process.env.CHROMIUM_PATH;
  if (given !== undefined) return chromium.launch({ executablePath: given, args: ['--no-sandbox'] });
  if (`${process.platform} ${process.arch}` !== 'linux x64')
    throw new Error('the packaged Chromium is one for Linux on x64: set CHROMIUM_PATH to the path of another one');
  const folder = await unpacked();
  return chromium.launch({
    executablePath: join(folder, 'chromium'),
    args: ['--headless=shell', '--no-sandbox', '--no-zygote', '--disable-gpu', '--font-render-hinting=none'],
    // A bare machine has neither the libraries nor fonts.
    env: { ...environment(), LD_LIBRARY_PATH: join(folder, 'al2023/lib'), FONTCONFIG_PATH: join(folder, 'fonts') },
  });
}

/** The folder with the browser. Unpacked beside it and renamed: another process never sees a part of it. */
async function unpacked(): Promise<string> {
  const { version } = createRequire(import.meta.url)(
    join(dirname(entryOf('@sparticuz/chromium')), '../../package.json'),
  );
  const folder = join(cache, version);
  if (existsSync(folder)) return folder;
  await mkdir(cache, { recursive: true });
  const part = await mkdtemp(join(cache, 'part-'));
  const program = "const { default: chromium } = await import('@sparticuz/chromium'); await chromium.executablePath();";
  // It unpacks into the folder for temporary files, and its libraries only where it takes the machine for Amazon's.
  const env = { ...environment(), TMPDIR: part, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs20.x' };
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], { cwd: repository, env });
  // That of the package looks for the fonts in /tmp.
  await writeFile(join(part, 'fonts/fonts.conf'), fontsIn(folder));
  await rename(part, folder).catch(async (error: NodeJS.ErrnoException) => {
    await rm(part, { recursive: true });
    // Another process was faster.
    if (!existsSync(folder)) throw error;
  });
  return folder;
}

function fontsIn(folder: string): string {
  const path = folder.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${path}/fonts/fonts</dir><cachedir>${path}/fonts-cache</cachedir></fontconfig>
`;
}

function entryOf(name: string): string {
  return createRequire(import.meta.url).resolve(name);
}

function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
