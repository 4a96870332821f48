/** Options of a component as a table. */
import type { Output } from '../output.js';
import { printTable } from '../print.js';
import type { Column } from '../table.js';

const columns: readonly Column[] = [
  { heading: 'option' },
  { heading: 'type', cut: 10, drop: 1 },
  { heading: 'default', cut: 10 },
  { heading: 'what it is', cut: 15 },
];

/** An option; its type is Markdown. */
export interface ShownOption {
  readonly name: string;
  readonly type: string;
  readonly isRequired: boolean;
  readonly otherwise: string | null;
  readonly description: string;
}

export function printOptions(options: readonly ShownOption[], output: Output): void {
  const rows = options.map(({ name, type, isRequired, otherwise, description }) => {
    return [name, type.replaceAll('`', ''), isRequired ? 'required' : (otherwise ?? ''), description];
  });
  if (rows.length === 0) output.line('No options.');
  else printTable(output, columns, rows);
}
