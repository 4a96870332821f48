/**
 * One sheet of a spreadsheet: reads, changes and appends cells by the Sheets API v4. Paths and fields: `@googleapis/sheets` 14.0.0,
 * https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values.
 */
import {
  apiUrl,
  type Clock,
  type FetchResponse,
  type HttpClient,
  JsonApi,
  type JsonApiRequest,
  type JsonObject,
  type JsonValue,
  type Outcome,
  OutcomeError,
  problem,
  z,
} from '@switchhook/sdk';
import { credentials, type GoogleAccount } from './account.js';

/** The options that both components have. */
export const sheetOptions = {
  credentials,
  spreadsheet: z
    .string()
    .transform((text, ctx) => {
      const [, id] =
        /^(?:https:\/\/docs\.google\.com\/spreadsheets\/(?:u\/\d+\/)?d\/)?([\w-]{10,})(?:\/.*)?$/.exec(text.trim()) ??
        [];
      if (id !== undefined) return id;
      ctx.addIssue(problem('expected the id of a spreadsheet, or its URL in the browser'));
      return z.NEVER;
    })
    .meta({ description: 'Id of the spreadsheet, or its URL as the browser shows it.' }),
  sheet: z.string().min(1).meta({ description: 'Name of the sheet, as on its tab.' }),
  baseUrl: apiUrl('https://sheets.googleapis.com'),
};

/** Where a sheet is. */
export interface SheetPlace {
  readonly spreadsheet: string;
  readonly sheet: string;
  readonly baseUrl: string;
}

/** What a cell can hold. As a new value, null leaves the cell as it is. */
export type Cell = string | number | boolean | null;

/** Quotas are refilled every minute: https://developers.google.com/workspace/sheets/api/limits */
const quotaMs = 60_000;
/** Larger ones would take too long to be parsed while a phone rings. */
export const maxBytes = 5_000_000;

/** Calls the API about one sheet. */
export class Sheet {
  readonly #place: SheetPlace;
  readonly #account: GoogleAccount;
  readonly #services: { readonly http: HttpClient; readonly clock: Clock };

  constructor(
    place: SheetPlace,
    services: { readonly account: GoogleAccount; readonly http: HttpClient; readonly clock: Clock },
  ) {
    this.#place = place;
    this.#account = services.account;
    this.#services = services;
  }

  /**
   * The rows of each range, e.g. `1:1`, `C:C`; null = the whole sheet. Numbers and booleans keep their types, dates are texts. Empty cells at the
   * end of a row and empty rows at the end of a range are not there.
   */
  async read(
    ranges: readonly (string | null)[],
    signal: AbortSignal,
  ): Promise<readonly (readonly (readonly JsonValue[])[])[]> {
    const query = new URLSearchParams({
      majorDimension: 'ROWS',
      valueRenderOption: 'UNFORMATTED_VALUE',
      dateTimeRenderOption: 'FORMATTED_STRING',
    });
    for (const range of ranges) query.append('ranges', this.#range(range));
    const { valueRanges } = await this.#request({ method: 'GET', path: 'values:batchGet', query, signal, maxBytes });
    if (!Array.isArray(valueRanges) || valueRanges.length !== ranges.length)
      throw new OutcomeError({
        kind: 'unavailable',
        reason: `the reply with the cells of sheet ${this.#place.sheet} is incomplete, or larger than ${maxBytes / 1e6} MB`,
      });
    return valueRanges.map((found) => Object(found).values ?? []);
  }

  /** Sets cells of rows, each from column A on. */
  async update(rows: readonly { readonly row: number; readonly cells: readonly Cell[] }[], signal: AbortSignal) {
    const data = rows.map(({ row, cells }) => ({
      range: this.#range(`A${row}:${columnName(cells.length - 1)}${row}`),
      values: [cells],
    }));
    const body = { valueInputOption: 'RAW', data };
    await this.#request({ method: 'POST', path: 'values:batchUpdate', body, signal });
  }

  /** Adds rows behind the table that begins in A1. */
  async append(rows: readonly (readonly Cell[])[], signal: AbortSignal): Promise<void> {
    const query = { valueInputOption: 'RAW', insertDataOption: 'INSERT_ROWS' };
    const path = `values/${encodeURIComponent(this.#range('A1'))}:append`;
    await this.#request({ method: 'POST', path, query, body: { majorDimension: 'ROWS', values: rows }, signal });
  }

  async #request({ path, ...request }: JsonApiRequest): Promise<JsonObject> {
    const { spreadsheet, baseUrl } = this.#place;
    const headers = { authorization: `Bearer ${await this.#account.token(request.signal)}` };
    const correct = (outcome: Outcome, { status }: FetchResponse): Outcome => this.#corrected(outcome, status);
    const api = new JsonApi({ ...this.#services, baseUrl, headers, reasonIn, correct });
    return (await api.request({ ...request, path: `/v4/spreadsheets/${spreadsheet}/${path}` })).body;
  }

  #corrected(outcome: Outcome, status: number): Outcome {
    if (outcome.kind === 'delivered') return outcome;
    if (status === 401) this.#account.renew();
    // Cells are made so that Google takes them: what it refuses is the sheet's name, a protected range, or a full spreadsheet.
    if (outcome.kind === 'rejected') return { ...outcome, kind: 'unavailable', needsOperator: true };
    if (status === 403)
      return { ...outcome, reason: `${outcome.reason}; the spreadsheet must be shared with ${this.#account.email}` };
    return status === 429 ? { retryAfterMs: quotaMs, ...outcome } : outcome;
  }

  /** In A1 notation. */
  #range(cells: string | null): string {
    const name = `'${this.#place.sheet.replaceAll("'", "''")}'`;
    return cells === null ? name : `${name}!${cells}`;
  }
}

/** The name of a column by its index from 0: A, B, …, Z, AA, … */
export function columnName(index: number): string {
  const last = String.fromCharCode(65 + (index % 26));
  return index < 26 ? last : `${columnName(Math.floor(index / 26) - 1)}${last}`;
}

/** A cell as a text, without space around it. */
export function textOf(cell: JsonValue | undefined): string {
  return String(cell ?? '').trim();
}

function reasonIn({ error }: JsonObject): string | null {
  const { message } = Object(error);
  return typeof message === 'string' ? message : null;
}
