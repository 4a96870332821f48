/** From a JSON Schema to a table of options. */
import type { OptionRow } from '@switchhook/core/internal';

/** A table of options; those of an inner section follow it, as `retry.first`. Empty where there is none. */
export function optionTable(rows: readonly OptionRow[]): string {
  if (rows.length === 0) return '';
  return table(
    ['option', 'type', 'default', ''],
    rows.map(({ name, type, isRequired, otherwise, description }) => {
      const text = otherwise !== null && otherwise.length > longestDefault ? 'see the package' : code(otherwise);
      return [code(name), type, isRequired ? 'required' : otherwise === null ? '' : text, description];
    }),
  );
}

/** A table in Markdown. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(headings), line(headings.map(() => '---')), ...rows.map(line)].join('\n');
}

export function code(value: unknown): string {
  return `\`${String(value)}\``;
}

/** Bars end a cell, and what looks like HTML disappears; in code it stays as it is. */
function cell(text: string): string {
  const escaped = text.replace(/`[^`]*`|</g, (found) => (found === '<' ? '&lt;' : found));
  return escaped.replaceAll('|', '\\|').replace(/\s+/g, ' ').trim();
}

/** A longer default is described by the plugin itself. */
const longestDefault = 60;
