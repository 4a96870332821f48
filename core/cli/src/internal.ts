/** What the tests use of the command line. */
import { processOutput } from './output.js';
import { programFor } from './program.js';

export { contentOf, type Header, lineOfEvent } from './backup/format.js';
export { openBackup } from './backup/reader.js';
export { type RestorableStore, restoreInto } from './backup/restorer.js';
export { headerOf, linesOf } from './backup/writer.js';
export { writeWhole } from './file-output.js';
export { instantOf } from './filters.js';
export { csvRow } from './format/csv.js';
export { plainOutput, terminalOutput } from './output.js';
export { runCommand } from './run.js';
export { type Column, drawTable, fitTable, wrapped } from './table.js';
export { refusedCommand, statusCommand } from './usage/asking.js';
export { eraseCommand } from './usage/changing.js';
export { doctorCommand, sigmamindCommand } from './usage/installing.js';

/** The command line, to look at: it writes to the process's own streams. */
export const program = programFor(processOutput);
