/** The routers that share the store: which of them run, and what each has taken over. */
import { configurationsOf, type RouterStatus } from '../model/routers.js';
import { Badge, Time } from '../parts/text.js';

export function Routers({ rows }: { readonly rows: readonly RouterStatus[] }) {
  const configurations = configurationsOf(rows);
  return (
    <section aria-labelledby="routers">
      <h2 id="routers">Routers</h2>
      {configurations > 1 && (
        <p>
          <Badge level="warn">{configurations} configurations</Badge> Each router delivers to the destinations of its
          own. Reload or restart the others.
        </p>
      )}
      <table class="rows">
        <thead>
          <tr>
            <th scope="col">Router</th>
            <th scope="col">State</th>
            <th scope="col">Version</th>
            <th scope="col">Configuration</th>
            <th scope="col">Has taken over</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ id, name, self, version, since, goneSince, configuration, deliveries }) => (
            <tr key={id}>
              <th scope="row">
                {name} {self && <span class="dim">this one</span>}
              </th>
              <td data-label="State">
                {goneSince === null ? (
                  <>
                    <Badge level="well">there</Badge> since <Time iso={since} />
                  </>
                ) : (
                  <>
                    <Badge level="bad">gone</Badge> last seen <Time iso={goneSince} />
                  </>
                )}
              </td>
              <td data-label="Version">{version}</td>
              <td data-label="Configuration">{configuration}</td>
              <td data-label="Has taken over">
                {Object.entries(deliveries)
                  .map(([destination, count]) => `${count} ${destination}`)
                  .join(', ') || <span class="dim">none</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
