/** Every SQL text of the plugin, and the one function that quotes identifiers. Values are parameters, always. */

/** PostgreSQL cuts longer names silently (NAMEDATALEN 64, with its final zero), so that two could become one. */
export const maxNameBytes = 63;

/** A table as it is named in the configuration. */
export interface TableName {
  /** Null = the first schema of the search path. */
  readonly schema: string | null;
  readonly name: string;
}

/** Reads `table` or `schema.table`; a part in double quotes may hold dots. Null where it is neither. */
export function tableNameOf(text: string): TableName | null {
  const part = '("(?:[^"]|"")+"|[^".]+)';
  const match = new RegExp(`^(?:${part}\\.)?${part}$`).exec(text);
  if (match?.[2] === undefined) return null;
  const table = { schema: match[1] === undefined ? null : unquoted(match[1]), name: unquoted(match[2]) };
  return [table.schema ?? 'x', table.name].every(isName) ? table : null;
}

/** Whether a text can be the name of a table or column. */
export function isName(text: string): boolean {
  return text !== '' && !text.includes('\0') && Buffer.byteLength(text) <= maxNameBytes;
}

/** An identifier, taken exactly as it is written, capitals included. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as a constant in a statement that cannot have parameters. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A table's identifier. */
export function quotedTable({ schema, name }: TableName): string {
  return schema === null ? quoted(name) : `${quoted(schema)}.${quoted(name)}`;
}

/** Does nothing, and shows that the server answers. */
export const ping = 'select 1';

/** What a connection is set to: no statement outlives its purpose, what only reads cannot write, and what writes writes UTC. */
export interface Session {
  readonly statementTimeoutMs: number;
  readonly readOnly: boolean;
}

/**
 * Sets all in one round trip. A writer gets the default of the server or the role: a standby stays read-only. What only reads
 * gets the time zone of the server or the role, which its queries may be written for.
 */
export function session({ statementTimeoutMs, readOnly }: Session): string {
  const access = readOnly
    ? 'set default_transaction_read_only = on; reset timezone'
    : "reset default_transaction_read_only; set timezone = 'UTC'";
  return `${statementTimeout(statementTimeoutMs)}; ${access}`;
}

/** Has the server end every further statement of the connection after so many milliseconds. */
export function statementTimeout(ms: number): string {
  return `set statement_timeout = ${ms}`;
}

/** Names and types of a table's columns; no rows where there is no such table. Parameter: the quoted table. */
export const columnsOfTable = `
  select attname as name, format_type(atttypid, null) as type from pg_attribute
  where attrelid = to_regclass($1) and attnum > 0 and not attisdropped`;

/** Makes the table unless it is there. */
export function createTable(
  table: TableName,
  idColumn: string,
  columns: readonly { readonly name: string; readonly type: string }[],
): string {
  const rest = columns.map(({ name, type }) => `, ${quoted(name)} ${type}`).join('');
  return `create table if not exists ${quotedTable(table)} (${quoted(idColumn)} text primary key${rest})`;
}

/** Inserts rows; what becomes of those that are there already follows. Parameters: the values, row by row. */
export function insertRows(table: TableName, columns: readonly string[], rows: number): string {
  const row = (index: number) =>
    `(${columns.map((_, column) => `$${index * columns.length + column + 1}`).join(', ')})`;
  const values = Array.from({ length: rows }, (_, index) => row(index)).join(', ');
  return `insert into ${quotedTable(table)} as kept (${columns.map(quoted).join(', ')}) values ${values}`;
}

/** Passes over rows that are there already. */
export function keepRow(idColumn: string): string {
  return `on conflict (${quoted(idColumn)}) do nothing`;
}

/** Deletes rows, and returns how many. Parameter: their ids. */
export function deleteRows(table: TableName, idColumn: string): string {
  return `with gone as (delete from ${quotedTable(table)} where ${quoted(idColumn)} = any($1) returning 1)
  select count(*)::int as rows from gone`;
}

/** Fills rows that are there already; where both sides have a value, that of the newer one stands. */
export function fillRow(idColumn: string, columns: readonly string[], updatedColumn: string): string {
  const updated = quoted(updatedColumn);
  const isNewer = `coalesce(excluded.${updated} >= kept.${updated}, true)`;
  const set = columns.map(quoted).map((name) => {
    if (name === updated) return `${name} = greatest(excluded.${name}, kept.${name})`;
    return `${name} = case when ${isNewer} then coalesce(excluded.${name}, kept.${name}) else coalesce(kept.${name}, excluded.${name}) end`;
  });
  return `on conflict (${quoted(idColumn)}) do update set ${set.join(', ')}`;
}

/** The first row of a query that `isOneRead`. On lines of its own, so that a comment at its end ends there. */
export function firstRow(query: string): string {
  return `select * from (\n${query.slice(0, endOf(codeOf(query)))}\n) as found limit 1`;
}

/** Has the server parse a query, without running it, and drop it again. */
export function readingOf(query: string): string {
  return `prepare switchhook_check as ${firstRow(query)}; deallocate switchhook_check`;
}

/** The numbers of a query's parameters (`$1`, `$2`, …), ascending, each once. */
export function parametersIn(query: string): readonly number[] {
  const numbers = [...codeOf(query).matchAll(/(?<![\w$])\$(\d+)/g)].map(([, digits]) => Number(digits));
  return [...new Set(numbers)].sort((a, b) => a - b);
}

/** Whether it is one statement, of a kind that can stand in `firstRow`. */
export function isOneRead(query: string): boolean {
  const code = codeOf(query);
  return /^\s*(?:\(|(?:select|with|values|table)\b)/i.test(code) && !/[^;\s]/.test(code.slice(endOf(code)));
}

/** Texts (escaped, plain, dollar-quoted), quoted identifiers and comments, which may hold another one: no `$1` and no `;` in them counts. */
const notCode =
  /\be'(?:[^'\\]|\\.|'')*'|'[^']*'|"[^"]*"|--[^\n]*|\/\*(?:[^*/]|\*(?!\/)|\/(?!\*)|\/\*(?:[^*/]|\*(?!\/)|\/(?!\*))*\*\/)*\*\/|\$([a-z_]\w*|)\$[\s\S]*?\$\1\$/gi;

/** The query with blanks for comments and quotes for what is quoted: what is left stands where it stood. */
function codeOf(query: string): string {
  return query.replace(notCode, (piece) => (/^(?:--|\/\*)/.test(piece) ? ' ' : "'").repeat(piece.length));
}

/** Where the first statement ends. */
function endOf(code: string): number {
  const semicolon = code.indexOf(';');
  return semicolon < 0 ? code.length : semicolon;
}

function unquoted(part: string): string {
  return part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part;
}
