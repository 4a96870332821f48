/** Holds a write lock on a file until its standard input ends, as a backup that hangs would. */
import Database from 'better-sqlite3';

const db = new Database(process.argv[2]);
db.exec('begin immediate');
process.stdout.write('locked\n');
process.stdin.resume();
process.stdin.on('end', () => db.close());
