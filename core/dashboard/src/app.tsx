/** The frame of the page: navigation, whether the router answers, and the view of the present place. */
import { useEffect, useRef } from 'preact/hooks';
import { access, unreachableSinceMs } from './model/api.js';
import { now } from './model/clock.js';
import { linkTo, type Place, place } from './model/location.js';
import type { Status } from './model/replies.js';
import { ends, startOf, titleOf, zoneText } from './model/wording.js';
import { Announcements, announce } from './parts/actions.js';
import { Help } from './parts/help.js';
import { focusView, helpShown } from './parts/keyboard.js';
import { shown } from './parts/loaded.js';
import type { Resource } from './parts/resource.js';
import { useStatus } from './parts/status.js';
import { Time } from './parts/text.js';
import { SignIn, SignOut } from './views/sign-in.js';
import { type View, viewOf, views } from './views.js';

export function App() {
  const status = useStatus();
  const view = viewOf(place.value);
  const main = useRef<HTMLElement>(null);
  useTitle(view, place.value, status, main);
  useRestarts(status);
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <Header status={status} current={view} />
      <Outdated status={status} />
      <main ref={main} tabIndex={-1}>
        {access.value === 'granted' ? (
          <view.Show key={place.value.path.join('/')} place={place.value} status={status} />
        ) : (
          <SignIn />
        )}
      </main>
      <footer class="foot">
        Times are those of this browser:{' '}
        {zoneText(new Intl.DateTimeFormat().resolvedOptions().timeZone, new Date(now()).getTimezoneOffset())}.
      </footer>
      <Announcements />
      {helpShown.value && <Help />}
    </>
  );
}

function Header({ status, current }: { readonly status: Resource<Status>; readonly current: View }) {
  const value = status.data.value;
  const isOld = unreachableSinceMs.value !== null || status.failure.value !== null;
  const level = value === null || isOld ? 'off' : value.summary.level;
  return (
    <header class="top">
      <a class="brand" href={linkTo([])} aria-label="Switchhook, overview">
        <span class={`dot ${level}`} aria-hidden="true" />
        Switchhook
      </a>
      <nav aria-label="Views">
        <ul>
          {views
            .filter(({ menu }) => menu !== null)
            .map(({ menu, path }) => (
              <li key={path}>
                <a href={linkTo(path === '' ? [] : [path])} aria-current={current.under === path ? 'page' : undefined}>
                  {menu}
                </a>
              </li>
            ))}
        </ul>
      </nav>
      <div class="end">
        {value !== null && <span class="dim version">{value.version}</span>}
        <SignOut />
        <button
          type="button"
          aria-label="Keyboard and help"
          onClick={() => {
            helpShown.value = true;
          }}
        >
          ?
        </button>
      </div>
    </header>
  );
}

/** Says that the page is old: nothing answers, or the router fails to say how it stands. */
function Outdated({ status }: { readonly status: Resource<Status> }) {
  const since = unreachableSinceMs.value;
  const [failure, failedSince] = [status.failure.value, status.failedSinceMs.value];
  return (
    <div role="status" aria-live="polite">
      {since !== null && (
        <p class="banner">
          The router does not answer. It stopped <Time iso={new Date(since).toISOString()} />. The page{' '}
          {shown.value > 0 && 'shows what it knew then, and '}tries again every two seconds.
        </p>
      )}
      {since === null && access.value === 'granted' && failure !== null && failedSince !== null && (
        <p class="banner">
          The status of the router cannot be read. The first failure was{' '}
          <Time iso={new Date(failedSince).toISOString()} />: {ends(failure.message)} The page tries again by itself.
        </p>
      )}
    </div>
  );
}

/** Names the view and what is dead in the browser's title, and moves the focus to the view where the operator went there. */
function useTitle(
  view: View,
  { path }: Place,
  status: Resource<Status>,
  main: { readonly current: HTMLElement | null },
): void {
  const first = useRef(true);
  const key = path.join('/');
  const title = titleOf(view.title(path), status.data.value);
  useEffect(() => {
    document.title = title;
  }, [title]);
  useEffect(() => {
    if (!first.current) focusView(main.current);
    first.current = false;
  }, [key]);
}

/** Reports a restart: the router has begun later than it had before. */
function useRestarts(status: Resource<Status>): void {
  const before = useRef(Number.POSITIVE_INFINITY);
  const current = status.data.value;
  useEffect(() => {
    if (current === null || current === undefined) return;
    const begunMs = Date.parse(startOf(current));
    // The router measures the two by different clocks.
    if (begunMs > before.current + 1_000) announce('The router was restarted.', 'warn');
    before.current = begunMs;
  }, [current]);
}
