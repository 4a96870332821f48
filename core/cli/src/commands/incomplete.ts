/** `switchhook incomplete`: conversations of which an event did not arrive in time. */
import { incompleteList } from '@switchhook/core/api';
import { type RouterOptions, withRouter } from '../api-client.js';
import { clockTime } from '../format/event.js';
import type { Output } from '../output.js';
import { printJson, printTable } from '../print.js';

interface IncompleteOptions extends RouterOptions {
  readonly source?: string;
  readonly limit: string;
  readonly utc?: true;
}

export async function runIncomplete(output: Output, options: IncompleteOptions): Promise<void> {
  return withRouter(options, output, async (router) => {
    const { source, limit } = options;
    const query = { limit, ...(source !== undefined && { source }) };
    const found = await router.get('/api/incomplete', incompleteList, query);
    if (options.json) return printJson(output, found);
    if (found.conversations.length === 0) return output.line('No conversation is incomplete.');
    const rows = found.conversations.map((one) => [
      one.conversation,
      one.source,
      one.missing.join(' or '),
      one.after,
      clockTime(one.receivedAt, options.utc),
      clockTime(one.dueAt, options.utc),
    ]);
    printTable(
      output,
      [
        { heading: 'conversation', below: true },
        { heading: 'source', cut: 10 },
        { heading: 'missing', cut: 12 },
        { heading: 'after', drop: 1 },
        { heading: 'received', drop: 2 },
        { heading: 'due' },
      ],
      rows,
    );
    if (found.more) output.note('There are more: --limit shows up to 1000.');
    output.note('See what has arrived: switchhook explain <conversation>.');
  });
}
