/** Events that a sender has sent again: kept once, delivered once. */
import { api } from '../model/api.js';
import type { Duplicate } from '../model/duplicates.js';
import { timesText } from '../model/wording.js';
import { Empty, Loaded } from '../parts/loaded.js';
import { useResource } from '../parts/resource.js';
import { EventLink, SubjectLink, Time } from '../parts/text.js';

export function Duplicates() {
  const found = useResource('duplicates', (signal) =>
    api<{ readonly duplicates: readonly Duplicate[] }>('duplicates', { query: { limit: '1000' }, signal }),
  );
  return (
    <>
      <h1>Events that came again</h1>
      <p class="lead">
        Senders repeat what they believe to be lost. The router keeps and delivers such an event once. Listed since it
        started, the latest first.
      </p>
      <Loaded of={found}>
        {({ duplicates }) =>
          duplicates.length === 0 ? (
            <Empty title="No event came again since the router started." />
          ) : (
            <table class="rows">
              <thead>
                <tr>
                  <th scope="col">Type</th>
                  <th scope="col">Came again</th>
                  <th scope="col">Last</th>
                  <th scope="col">Source</th>
                  <th scope="col">Call or conversation</th>
                </tr>
              </thead>
              <tbody>
                {duplicates.map(({ event, type, times, lastAt, source, subject }) => (
                  <tr key={event}>
                    <th scope="row">
                      <EventLink id={event} row>
                        {type}
                      </EventLink>
                    </th>
                    <td data-label="Came again">{timesText(times)}</td>
                    <td data-label="Last">
                      <Time iso={lastAt} />
                    </td>
                    <td data-label="Source">{source}</td>
                    <td data-label="Call or conversation">
                      <SubjectLink subject={subject} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Loaded>
    </>
  );
}
