/** What would become of a body: the answer of a call, and what the routes do with the event. */
import { stepTexts } from '../model/calls.js';
import type { Explanation } from '../model/replies.js';
import type { CallDryRun } from '../model/trial-replies.js';
import { StepBadge, Variables, Waterfall } from '../parts/answer.js';
import { RouteList, Unmatched } from '../parts/explained.js';
import { Empty } from '../parts/loaded.js';
import { Source } from '../parts/tree.js';

export function Explained({ explanations }: { readonly explanations: readonly Explanation[] }) {
  if (explanations.length === 0) return <Empty title="The source makes no event of this body." />;
  return (
    <>
      {explanations.map(({ event, routes, call }) => (
        <section key={event.id} class="tried" aria-label={`Event ${event.type}`}>
          <h2>
            {event.type}{' '}
            <span class="dim">
              {event.subject ?? (call === null ? 'without a call or conversation' : 'without an id of the call')}
            </span>
          </h2>
          {call !== null && <Answer call={call} />}
          {call !== null && <h3>What the routes do with the call, once it is answered</h3>}
          <RouteList routes={routes} />
        </section>
      ))}
    </>
  );
}

/** What a caller would get now. */
function Answer({ call: { answer, answers, reply, sentLater, numbers } }: { readonly call: CallDryRun }) {
  const { from, to, name, step } = answer;
  return (
    <section aria-label="What a caller would get">
      <p class="lead">
        <StepBadge step={step} /> {from === '' ? 'A withheld number' : from} calls {to}:{' '}
        {name === null ? 'no answer of the configuration matches' : `answered by ${name}, ${stepTexts[step]}`}.
      </p>
      {numbers !== null && <p class="note warn">{numbers}</p>}
      <Unmatched answers={answers} />
      <h3>Look-ups</h3>
      <Waterfall answer={answer} />
      <h3>What the agent would get</h3>
      <Variables answer={answer} />
      <details>
        <summary>
          {sentLater ? 'What the request would be acknowledged with' : 'What the platform would be sent'}: status{' '}
          {reply.status}
        </summary>
        {reply.text !== null && <Source text={reply.text} label="Text of the reply" />}
        {reply.body !== null && <Source text={JSON.stringify(reply.body, null, 2)} label="Body of the reply" />}
        {reply.text === null && reply.body === null && <p>Without a body.</p>}
      </details>
      {sentLater && <p>The source sends the answer to the platform by a request of its own.</p>}
    </section>
  );
}
