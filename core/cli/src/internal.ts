/** What the tests use of the command line. */
export { instantOf } from './filters.js';
export { program } from './program.js';
export { type Column, drawTable, fitTable } from './table.js';
export { refusedCommand, statusCommand } from './usage/asking.js';
export { doctorCommand, sigmamindCommand } from './usage/installing.js';
