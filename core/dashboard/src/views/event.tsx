/** One event: what came, where it went and why, and what to do about it. */
import { api, apiUrl, noneIfNotKept } from '../model/api.js';
import type { Replay } from '../model/bulk-replies.js';
import { answerOf } from '../model/conversation.js';
import { isOpen } from '../model/deliveries.js';
import { fixtureOf, jsonText, sendingCommand, sentBody } from '../model/fixture.js';
import { bytesText } from '../model/history.js';
import { linkTo } from '../model/location.js';
import type { EventDetails, Explanation } from '../model/replies.js';
import type { SampleSource } from '../model/trial-replies.js';
import { count, proofText, shellLine, timesText } from '../model/wording.js';
import { Action, Copy } from '../parts/actions.js';
import { DeliveryCards } from '../parts/delivery-card.js';
import { RouteList } from '../parts/explained.js';
import { Empty, Loaded, NoSuch } from '../parts/loaded.js';
import { ReplayAll } from '../parts/replay-all.js';
import { useResource } from '../parts/resource.js';
import { Fact, Moment, SubjectLink, Time } from '../parts/text.js';
import { Body } from '../parts/tree.js';
import type { ViewProps } from '../parts/view-props.js';

/** While a delivery is under way. */
const soonMs = 1_000;

export function Event({ place }: ViewProps) {
  const id = place.path[1] ?? '';
  const event = useResource(
    `event ${id}`,
    (signal) => api<EventDetails>(`events/${encodeURIComponent(id)}`, { signal }).catch(noneIfNotKept),
    (value) => (value !== 'none' && value.deliveries.some(isOpen) ? soonMs : null),
  );
  return (
    <Loaded of={event}>
      {(value) => (value === 'none' ? <NoSuch what="event" id={id} /> : <Kept event={value} changed={event.reload} />)}
    </Loaded>
  );
}

interface EventProps {
  readonly event: EventDetails;
  readonly changed: () => void;
}

function Kept({ event, changed }: EventProps) {
  const { id, deliveries, data } = event;
  return (
    <>
      <Head event={event} changed={changed} />
      <section aria-labelledby="deliveries">
        <h2 id="deliveries">Deliveries</h2>
        {deliveries.length === 0 ? (
          <Empty title="This event has no delivery: no route matched when it came.">
            <p>
              The routes below show why. After a change of the configuration, “Route again” adds the deliveries that the
              current routes require.
            </p>
          </Empty>
        ) : (
          <DeliveryCards deliveries={deliveries} changed={changed} />
        )}
      </section>
      <Routes id={id} />
      <section aria-labelledby="data">
        <h2 id="data">Data</h2>
        {data === null ? <p>Retention has removed the body.</p> : <Body value={data} event={id} />}
      </section>
    </>
  );
}

function Head({ event, changed }: EventProps) {
  const path = `events/${encodeURIComponent(event.id)}`;
  const again = event.deliveries.filter(({ state }) => state !== 'running');
  const reroute = async (): Promise<string> => {
    const { matched, replayed } = await api<Replay>('replay', {
      method: 'POST',
      body: { filter: { event: event.id }, reroute: true },
    });
    changed();
    return matched === 0
      ? 'The current routes require no other delivery than those it has.'
      : `${count(replayed, 'delivery was', 'deliveries were')} added.`;
  };
  return (
    <>
      <h1>{event.type}</h1>
      {answerOf(event.data) !== null && (
        <p class="lead">
          This event is a call that was answered: <a href={linkTo(['calls', event.id])}>what the agent got and why</a>
        </p>
      )}
      <dl class="facts">
        <Fact name="Received">
          <Moment iso={event.receivedAt} />{' '}
          <span class="dim">
            (<Time iso={event.receivedAt} />)
          </span>
        </Fact>
        {event.repeated !== null && (
          <Fact name="Came again">
            <a href={linkTo(['duplicates'])}>{timesText(event.repeated.times)}</a>, last{' '}
            <Time iso={event.repeated.lastAt} />
            <span class="dim">; it is kept and delivered once</span>
          </Fact>
        )}
        <Fact name="Occurred, by the sender’s clock">
          <Moment iso={event.occurredAt} />
        </Fact>
        <Fact name="Size">
          {event.bytes === null ? (
            <span class="dim">retention has removed the data</span>
          ) : event.bytes < 1_000 ? (
            count(event.bytes, 'byte', 'bytes')
          ) : (
            bytesText(event.bytes)
          )}
        </Fact>
        <Fact name="Verified by">{proofText(event.verifiedBy)}</Fact>
        <Fact name="Source">
          <a href={linkTo(['events'], { source: event.source })}>{event.source}</a>
        </Fact>
        <Fact name="Call or conversation">
          <SubjectLink subject={event.subject} />
        </Fact>
        <Fact name="Agent">
          {event.agent === null ? (
            <span class="dim">none</span>
          ) : (
            <a href={linkTo(['events'], { agent: event.agent })}>{event.agent}</a>
          )}
        </Fact>
        <Fact name="Id">
          <code>{event.id}</code>
        </Fact>
        <Fact name="Duplicate key">
          <code>{event.key}</code>
        </Fact>
      </dl>
      <div class="buttons">
        <ReplayAll deliveries={again} changed={changed} />
        <Action run={reroute}>Route again</Action>
        <Copy text={() => shellLine(['curl', '-H', 'Authorization: Bearer TOKEN', apiUrl(path)])}>Copy as curl</Copy>
        {event.data !== null && <CopySending event={event} />}
        <a class="button" href={linkTo(['try'], { event: event.id })}>
          Try with changes
        </a>
        {event.data !== null && (
          <>
            <Copy text={() => fixtureOf(event)}>Copy as fixture</Copy>
            <Copy text={() => jsonText(sentBody(event.data))}>Copy the body</Copy>
          </>
        )}
      </div>
    </>
  );
}

/** Where the router can sign for the source. */
function CopySending({ event }: { readonly event: EventDetails }) {
  const { source, id } = event;
  // Loaded before the click: a browser may refuse to copy what comes later.
  const raw = useResource(`sending ${source} ${id}`, async (signal) => {
    const { sources } = await api<{ readonly sources: readonly SampleSource[] }>('samples', { signal });
    if (!sources.some((one) => one.source === source && one.signs)) return null;
    return (await api<{ readonly body: string }>(`events/${encodeURIComponent(id)}/body`, { signal })).body;
  });
  const text = raw.data.value;
  if (text === null) return null;
  return <Copy text={() => sendingCommand(event, text, apiUrl('send'))}>Copy as curl that sends it again</Copy>;
}

function Routes({ id }: { readonly id: string }) {
  const explained = useResource(`explain ${id}`, (signal) =>
    api<{ readonly explanations: readonly Explanation[] }>('explain', { method: 'POST', body: { event: id }, signal }),
  );
  return (
    <section aria-labelledby="routes">
      <h2 id="routes">Routes, as they are today</h2>
      <Loaded of={explained}>{({ explanations: [first] }) => <RouteList routes={first?.routes ?? []} />}</Loaded>
    </section>
  );
}
