/**
 * Installs better-sqlite3 for this repository where Node has no SQLite of its own (Node 20). It has a folder of its own beside the plugins:
 * what `npm ci` has installed stays as the lock file says.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { fileURLToPath } from 'node:url';

const version = '12.11.1';
/** Below a folder in which Node looks for what plugins import. */
const folder = fileURLToPath(new URL('../node_modules/.driver/', import.meta.url));

function isThere() {
  try {
    // Opening a database loads the native part, which may be built for another version of Node.
    new (createRequire(import.meta.url)('better-sqlite3'))(':memory:').close();
    return true;
  } catch {
    // Not installed, or not for this Node: it is installed below.
    return false;
  }
}

function install() {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const dependency = { dependencies: { 'better-sqlite3': version }, allowScripts: { 'better-sqlite3': true } };
  writeFileSync(`${folder}package.json`, JSON.stringify({ private: true, ...dependency }));
  const args = ['install', '--prefix', folder, '--no-package-lock', '--no-audit', '--no-fund'];
  const { status } = spawnSync('npm', args, { stdio: 'inherit', shell: process.platform === 'win32' });
  const link = fileURLToPath(new URL('../node_modules/better-sqlite3', import.meta.url));
  rmSync(link, { recursive: true, force: true });
  symlinkSync('.driver/node_modules/better-sqlite3', link, 'junction');
  return status === 0;
}

if (!isBuiltin('node:sqlite') && !isThere()) {
  console.log(
    `Node ${process.versions.node} has no SQLite of its own: installing better-sqlite3 ${version}, which takes a minute or two.`,
  );
  if (!install()) {
    console.error(`better-sqlite3 could not be installed: see the lines above. Node 22.13 or newer does not need it.`);
    process.exitCode = 1;
  }
}
