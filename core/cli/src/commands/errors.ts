/** `switchhook errors`: what error codes mean, and what to do. */
import { didYouMean, ERRORS } from '@switchhook/sdk/internal';
import { CommandFailure, exitCodes, type Output, styled } from '../output.js';
import { printJson, printTable } from '../print.js';

export async function runErrors(
  output: Output,
  code: string | undefined,
  { json = false }: { readonly json?: boolean },
): Promise<void> {
  const wanted = code?.toUpperCase();
  const found = Object.entries(ERRORS).filter(([name]) => wanted === undefined || name === wanted);
  if (wanted !== undefined && found.length === 0)
    throw new CommandFailure(exitCodes.usage, `there is no code ${wanted}${didYouMean(wanted, Object.keys(ERRORS))}`);
  // As GET /api/errors has them.
  const errors = found.map(([name, { status = null, sentence, hint }]) => {
    return { code: name, status, meaning: sentence, advice: hint, page: `docs/errors.md#${name.toLowerCase()}` };
  });
  if (json) return printJson(output, { errors });
  if (wanted === undefined) {
    const rows = errors.map(({ code: name, status, meaning }) => [
      name,
      status === null ? '' : String(status),
      meaning,
    ]);
    return printTable(output, [{ heading: 'code' }, { heading: 'status' }, { heading: 'meaning', cut: 20 }], rows);
  }
  for (const { code: name, status, meaning, advice, page } of errors) {
    output.line(`${styled(output, 'bold', name)}${status === null ? '' : ` (HTTP ${status})`}: ${meaning}`);
    output.line(`${advice}`);
    output.note(`More: ${page}`);
  }
}
