/** What the tests use of the command line. */

export { doctorCommand } from './commands/doctor.js';
export { eraseCommand } from './commands/erase.js';
export { refusedCommand } from './commands/refused.js';
export { sigmamindCommand } from './commands/sigmamind.js';
export { statusCommand } from './commands/status.js';
export { instantOf } from './filters.js';
export { program } from './program.js';
export { type Column, drawTable, fitTable } from './table.js';
