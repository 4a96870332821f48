import { expect } from 'chai';
import { filesIn, only } from './source.js';

/** Where an event is logged: at which level, where the code says it. */
interface Logged {
  readonly event: string;
  /** Null where it is decided when the line is written. */
  readonly level: string | null;
}

const page = filesIn(['docs/operating'], /^docs\/operating\/logs\.md$/)[0]?.text ?? '';
const rows = [...page.matchAll(/^\| (`[^|]*) \| ([^|]*) \|/gm)].map(([, events = '', levels = '']) => ({
  events: [...events.matchAll(/`([^`]+)`/g)].map(([, event = '']) => event),
  levels,
}));

/** Every event that the router and its plugins log. */
function loggedIn(text: string): readonly Logged[] {
  const calls = /(?:\blog\)?\s*\.(debug|info|warn|error)|\blog\[[^\]]+\])\(\s*'([a-z]+\.[a-z-]+)'/g;
  return [...only(['code', 'string'], text).matchAll(calls)].map(([, level = null, event = '']) => ({ event, level }));
}

/** What is logged and not told, or told and not logged. */
function strays(logged: readonly Logged[]): readonly string[] {
  const untold = logged.filter(({ event, level }) => {
    return !rows.some(({ events, levels }) => events.includes(event) && (level === null || levels.includes(level)));
  });
  const unlogged = rows.flatMap(({ events }) => events).filter((told) => logged.every(({ event }) => event !== told));
  return [...untold.map(({ event, level }) => `${event} at ${level ?? 'any level'} is not told`), ...unlogged];
}

describe('docs/operating/logs.md', () => {
  const files = filesIn(['core', 'plugins'], /^(core\/(sdk|router|cli)|plugins\/[^/]+)\/src\/.*\.ts$/);
  const logged = files.flatMap(({ text }) => loggedIn(text));

  it('has every event that is logged, with its level, and no other', () => {
    expect(logged).not.to.have.length(0);
    expect(strays(logged)).to.deep.equal([]);
  });

  it('is caught when it has not', () => {
    const stray = loggedIn("this.#log.warn('lane.forgotten', { destination });\nlog[level]('event.logged');");
    expect(stray).to.deep.equal([
      { event: 'lane.forgotten', level: 'warn' },
      { event: 'event.logged', level: null },
    ]);
    expect(strays([...logged, ...stray])).to.deep.equal(['lane.forgotten at warn is not told']);
    const [first] = logged;
    expect(strays(logged.filter(({ event }) => event !== first?.event))).to.deep.equal([first?.event]);
  });
});
