/** What the tests use of the command line. */
export { contentOf, type Header, lineOfEvent } from './backup/format.js';
export { openBackup } from './backup/reader.js';
export { headerOf, linesOf } from './backup/writer.js';
export { doctorCommand } from './commands/doctor.js';
export { refusedCommand } from './commands/refused.js';
export { sigmamindCommand } from './commands/sigmamind.js';
export { statusCommand } from './commands/status.js';
export { writeWhole } from './file-output.js';
export { instantOf } from './filters.js';
export { csvRow } from './format/csv.js';
export { program } from './program.js';
export { type Column, drawTable, fitTable } from './table.js';
