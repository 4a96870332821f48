/** What the tests use of the command line. */
export { instantOf } from './filters.js';
export { program } from './program.js';
export { type Column, drawTable, fitTable } from './table.js';
