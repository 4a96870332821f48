/** Holds a write lock on a file until its standard input ends, as a backup that hangs would. */
import { connect } from '../../src/sql-connection.js';

const db = connect(process.argv[2] ?? '', 5_000);
db.exec('begin immediate');
process.stdout.write('locked\n');
process.stdin.resume();
process.stdin.on('end', () => db.close());
