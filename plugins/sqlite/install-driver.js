/** Installs better-sqlite3 in this repository where Node has no SQLite of its own (Node 20). Leaves the lock file as it is. */
import { spawnSync } from 'node:child_process';
import { createRequire, isBuiltin } from 'node:module';

const version = '12.11.1';

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

if (!isBuiltin('node:sqlite') && !isThere()) {
  console.log(
    `Node ${process.versions.node} has no SQLite of its own: installing better-sqlite3 ${version}, which takes a minute or two.`,
  );
  const args = ['install', '--no-save', '--no-package-lock', `better-sqlite3@${version}`];
  const { status } = spawnSync('npm', args, { stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) {
    console.error(`better-sqlite3 could not be installed: see the lines above. Node 22.13 or newer does not need it.`);
    process.exitCode = 1;
  }
}
