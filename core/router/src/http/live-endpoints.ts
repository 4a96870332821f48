/** The endpoints by which clients follow what happens. */
import { Readable } from 'node:stream';
import { stringifyJson } from '@switchhook/sdk';
import type { ChangeFilter, ChangePage } from '../admin/change-feed.js';
import { changePageJson } from '../api/mapping.js';
import * as question from '../api/requests.js';
import { changePage } from '../api/responses.js';
import { type Answering, type Endpoint, endpoint } from './endpoint.js';

const { nothing } = question;

export const liveEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/changes',
    summary:
      'Events and attempts since a cursor; without one, the cursor of this moment. For clients that ask again and again.',
    ...{ query: question.changeQuery, body: nothing, reply: changePage },
    refusals: ['CHANGES_NOT_KEPT', 'NO_SUCH_ROW'],
    answer: async ({ query }, { changes, operations }) => {
      const { after, limit, ...filter } = question.withParty(query);
      await checkNames(filter, operations);
      return changePageJson(await changes.read(filter, after ?? null, limit));
    },
  }),
  {
    ...endpoint({
      method: 'GET',
      path: '/api/live',
      summary: `The same as server-sent events, as it happens: the data of each is a page, its id the cursor. \`Last-Event-ID\` resumes.`,
      ...{ query: question.liveQuery, body: nothing, reply: changePage },
      refusals: ['CHANGES_NOT_KEPT', 'NO_SUCH_ROW', 'TOO_MANY_STREAMS'],
      // Its pages are written one by one, below.
      answer: () => Promise.reject(new Error('a stream')),
    }),
    stream: async ({ query, lastEventId, isAllowed, gone }, { changes, operations }) => {
      const { after, ...filter } = question.withParty(question.liveQuery.parse(query));
      await checkNames(filter, operations);
      return Readable.from(written(changes.follow(filter, lastEventId ?? after ?? null, gone), isAllowed));
    },
  },
];

/** Refused as a list is: with a name that is not configured, and of which no event or delivery is kept either. */
async function checkNames({ source, destination }: ChangeFilter, operations: Answering['operations']): Promise<void> {
  try {
    operations.checkNames({
      ...(source !== undefined && { source }),
      ...(destination !== undefined && { destination }),
    });
  } catch {
    // Deliveries of a row that was removed may still be made.
    if (source !== undefined) await operations.events({ source, limit: 1 });
    if (destination !== undefined) await operations.deliveries({ destination, limit: 1 });
  }
}

/** The first page shows a client that it is connected; one without changes keeps the connection, and moves the cursor. */
async function* written(pages: AsyncIterable<ChangePage>, isAllowed: () => boolean): AsyncGenerator<string> {
  yield 'retry: 1000\n\n';
  for await (const page of pages) {
    if (!isAllowed()) return;
    const data = page.changes.length === 0 ? ': ping' : `data: ${stringifyJson(changePageJson(page))}`;
    yield `id: ${page.cursor}\n${data}\n\n`;
  }
}
