/** What the router runs with: its file without secrets, warnings, routes, answers, components, and what is installed. */
import { useState } from 'preact/hooks';
import { api } from '../model/api.js';
import { changesIn } from '../model/configuration.js';
import type { Answer, Component, Configuration as Read, ReloadReport } from '../model/configuration-replies.js';
import { linkTo } from '../model/location.js';
import type { Route } from '../model/replies.js';
import { Action } from '../parts/actions.js';
import { ConfigurationText, Warnings } from '../parts/configuration-text.js';
import { Empty, Loaded } from '../parts/loaded.js';
import { useResource } from '../parts/resource.js';
import { Fact, Time } from '../parts/text.js';
import { Installed } from './installed.js';

interface Configured {
  readonly read: Read;
  readonly components: readonly Component[];
  readonly routes: readonly Route[];
  readonly answers: readonly Answer[];
}

/** The router may have been reloaded, and files may have changed. */
const everyMs = 10_000;

export function Configuration() {
  const configured = useResource(
    'configured',
    async (signal): Promise<Configured> => {
      const [read, { components }, { routes }, { answers }] = await Promise.all([
        api<Read>('configuration', { signal }),
        api<Pick<Configured, 'components'>>('components', { signal }),
        api<Pick<Configured, 'routes'>>('routes', { signal }),
        api<Pick<Configured, 'answers'>>('answers', { signal }),
      ]);
      return { read, components, routes, answers };
    },
    () => everyMs,
  );
  return (
    <>
      <h1>Configuration</h1>
      <p class="lead">
        What the router works with, as it was read; not what the file contains by now. <code>switchhook config</code>{' '}
        shows the same, <code>switchhook check</code> lists every mistake of a changed file. What each code means:{' '}
        <a href={linkTo(['errors'])}>error codes</a>.
      </p>
      <Loaded of={configured}>
        {({ read, components, routes, answers }) => (
          <>
            <Facts of={read} />
            <Changed key={read.generation} of={read} />
            <Warnings warnings={read.warnings} />
            <ConfigurationText of={read} />
            <section aria-labelledby="routes">
              <h2 id="routes">Routes, in the order of the file</h2>
              {routes.length === 0 ? (
                <Empty title="No route is configured: events are kept and go nowhere.">
                  <p>
                    Add one to <code>routes</code> of the configuration, then reload.
                  </p>
                </Empty>
              ) : (
                <RouteTable routes={routes} />
              )}
            </section>
            <section aria-labelledby="answers">
              <h2 id="answers">Answers, in the order of the file</h2>
              {answers.length === 0 ? (
                <Empty title="No answer is configured: calls get the least that their platform accepts.">
                  <p>
                    Add one to <code>answers</code> of the configuration if a platform asks this router about calls.
                  </p>
                </Empty>
              ) : (
                <AnswerTable answers={answers} />
              )}
            </section>
            <section aria-labelledby="components">
              <h2 id="components">Components</h2>
              <ComponentTable components={components} />
            </section>
            <Installed components={components} generation={read.generation} />
          </>
        )}
      </Loaded>
    </>
  );
}

function Facts({ of: { file, generation, since, digest, files } }: { readonly of: Read }) {
  return (
    <dl class="facts">
      <Fact name="File">
        <code>{file}</code>
      </Fact>
      <Fact name="Generation">
        {generation}, at work since <Time iso={since} />
      </Fact>
      <Fact name="Digest">
        <code>{digest}</code>
      </Fact>
      <Fact name="Depends on">{files.join(', ')}</Fact>
    </dl>
  );
}

/** What is on the disk and not at work. */
function Changed({ of: { changed, restart } }: { readonly of: Read }) {
  const [changes, setChanges] = useState<readonly string[] | null>(null);
  const preview = async (): Promise<null> => {
    setChanges(changesIn(await api<ReloadReport>('reload', { method: 'POST', body: { dryRun: true } })));
    return null;
  };
  return (
    <>
      {restart.map(({ setting, reason }) => (
        <p class="note warn" key={setting}>
          <code>{setting}</code> takes effect after a restart only: {reason}.
        </p>
      ))}
      {changed !== null && changed.length > 0 && (
        <div class="note warn">
          <p>
            On the disk, {changed.join(', ')} {changed.length === 1 ? 'has' : 'have'} changed since then.{' '}
            <code>switchhook reload</code> reads {changed.length === 1 ? 'it' : 'them'}.
          </p>
          <Action run={preview}>What would a reload change?</Action>
          {changes?.length === 0 && <p>A reload would change no row and no setting.</p>}
          {changes !== null && changes.length > 0 && (
            <ul>
              {changes.map((change) => (
                <li key={change}>{change}</li>
              ))}
            </ul>
          )}
        </div>
      )}
    </>
  );
}

function RouteTable({ routes }: { readonly routes: readonly Route[] }) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Route</th>
          <th scope="col">From</th>
          <th scope="col">On</th>
          <th scope="col">Where</th>
          <th scope="col">Through</th>
          <th scope="col">To</th>
        </tr>
      </thead>
      <tbody>
        {routes.map(({ name, from, on, where, to, transforms }) => (
          <tr key={name}>
            <th scope="row">
              <a data-row="" href={linkTo(['deliveries'], { route: name })}>
                {name}
              </a>
            </th>
            <td data-label="From">{from.join(', ')}</td>
            <td data-label="On">{on.length === 0 ? <span class="dim">all types</span> : on.join(', ')}</td>
            <td data-label="Where">{where === null ? <span class="dim">always</span> : <code>{where}</code>}</td>
            <td data-label="Through">
              {transforms.length === 0 ? <span class="dim">none</span> : transforms.join(', ')}
            </td>
            <td data-label="To">{to.join(', ')}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function AnswerTable({ answers }: { readonly answers: readonly Answer[] }) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Answer</th>
          <th scope="col">From</th>
          <th scope="col">Where</th>
          <th scope="col">Resolvers</th>
          <th scope="col">Within</th>
          <th scope="col">Variables, with their defaults</th>
        </tr>
      </thead>
      <tbody>
        {answers.map(({ name, from, where, resolvers, withinSeconds, variables, defaults }) => (
          <tr key={name}>
            <th scope="row">
              <a data-row="" href={linkTo(['calls'], { answer: name })}>
                {name}
              </a>
            </th>
            <td data-label="From">{from.join(', ')}</td>
            <td data-label="Where">{where === null ? <span class="dim">always</span> : <code>{where}</code>}</td>
            <td data-label="Resolvers">
              {resolvers.length === 0 ? <span class="dim">none</span> : resolvers.join(', ')}
            </td>
            <td data-label="Within" class="number">
              {withinSeconds} s
            </td>
            <td data-label="Variables">
              <ul class="plain-list">
                {[...new Set([...Object.keys(variables), ...Object.keys(defaults)])].map((variable) => (
                  <li key={variable}>
                    <code>{variable}</code>: {variables[variable] !== undefined && <code>{variables[variable]}</code>}
                    {defaults[variable] !== undefined && ` otherwise ${defaults[variable]}`}
                  </li>
                ))}
              </ul>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function ComponentTable({ components }: { readonly components: readonly Component[] }) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Kind</th>
          <th scope="col">Type</th>
          <th scope="col">What it is</th>
        </tr>
      </thead>
      <tbody>
        {components.map(({ kind, name, use, description }) => (
          <tr key={`${kind} ${name}`}>
            <th scope="row" class="whole">
              {name}
            </th>
            <td data-label="Kind" class="whole">
              {kind}
            </td>
            <td data-label="Type" class="whole">
              {use}
            </td>
            <td data-label="What it is">{description}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
