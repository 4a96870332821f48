/** `switchhook incomplete`: conversations of which an event did not arrive in time. */
import { incompleteList } from '@switchhook/core/api';
import type { Command } from 'commander';
import { type RouterOptions, withRouter } from '../api-client.js';
import type { Part } from '../filters.js';
import { clockTime } from '../format/event.js';
import type { Output } from '../output.js';
import { noteRest, printJson, printTable } from '../print.js';
import { timeCut } from '../table.js';

interface IncompleteOptions extends RouterOptions, Part {
  readonly source?: string;
  readonly subject?: string;
  readonly utc?: true;
}

export async function runIncomplete(output: Output, options: IncompleteOptions, command: Command): Promise<void> {
  return withRouter(options, output, async (router) => {
    const { source, subject, limit, cursor } = options;
    const found = await router.get('/api/incomplete', incompleteList, { source, subject, limit, cursor });
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
        { heading: 'received', cut: timeCut, drop: 2 },
        { heading: 'due', cut: timeCut },
      ],
      rows,
    );
    noteRest(output, command, found.cursor);
    output.note('See what has arrived: switchhook explain <conversation>.');
  });
}
