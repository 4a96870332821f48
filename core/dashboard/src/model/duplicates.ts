/** Events that came again, as the API returns them. */
export interface Duplicate {
  readonly event: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string | null;
  readonly times: number;
  readonly lastAt: string;
}
