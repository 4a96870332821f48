import { compileExpression, gatheringOf, longestWaitMs, type Route, Routes } from '@switchhook/core/internal';
import { anEvent } from '@switchhook/testkit';
import { expect } from 'chai';
import fc from 'fast-check';

function setup(routes: readonly Partial<Route>[]) {
  const failures: string[] = [];
  const full = routes.map((route, index): Route => {
    return { name: `route-${index}`, from: ['agents'], on: ['*'], where: null, to: ['crm'], transforms: [], ...route };
  });
  const made = new Routes(full, (route, reason) => failures.push(`${route.name}: ${reason}`));
  const names = (given: Parameters<typeof anEvent>[0]) => made.match(anEvent(given)).map(({ name }) => name);
  return { names, failures };
}
const where = (text: string) => compileExpression(text, ['event']);

describe('a route that waits', () => {
  const route: Route = {
    ...{ name: 'calls', from: ['agents'], on: ['*'], where: null, to: ['crm'], transforms: [] },
    wait: { for: ['ended', 'call_*'], withinMs: 600_000 },
  };
  const gathering = (given: Parameters<typeof anEvent>[0], of = route) => {
    const { waitMs, gather } = gatheringOf(of, anEvent(given));
    return [waitMs, gather?.ends];
  };

  it('gathers events with a subject, and waits no longer for those that end the wait', () => {
    expect(gathering({ type: 'started', subject: 'a' })).to.deep.equal([600_000, false]);
    for (const type of ['ended', 'call_analysed']) expect(gathering({ type, subject: 'a' })).to.deep.equal([0, true]);
  });

  it('delivers events without a subject at once, alone, as a route that does not wait', () => {
    expect(gathering({ type: 'started', subject: null })).to.deep.equal([0, undefined]);
    expect(gathering({ type: 'started', subject: 'a' }, { ...route, wait: null })).to.deep.equal([0, undefined]);
  });

  it('names itself in the reason of late events', () => {
    expect(gatheringOf(route, anEvent({ subject: 'a' })).gather?.late).to.contain(
      'too late: the delivery of route calls',
    );
  });

  it('lets the events of a destination wait for as long as the longest of its routes', () => {
    const shorter = { ...route, wait: { for: ['x'], withinMs: 1_000 } };
    const routes = [route, shorter, { ...route, to: ['slack'], wait: null }];
    expect(['crm', 'slack', 'none'].map((name) => longestWaitMs(routes, name))).to.deep.equal([600_000, 0, 0]);
  });
});

describe('routes', () => {
  it('match by source', () => {
    const { names } = setup([{ from: ['agents'] }, { from: ['calls'] }, { from: ['calls', 'agents'] }]);
    expect(names({ source: 'agents' })).to.deep.equal(['route-0', 'route-2']);
  });

  it('match by type: the type itself, one of several, or a pattern', () => {
    const { names } = setup([
      { on: ['conversation_ended'] },
      { on: ['conversation_started', 'conversation_ended'] },
      { on: ['conversation_*'] },
      { on: ['*_ended'] },
      { on: ['conv*_en*d'] },
      { on: ['conversation'] },
      { on: ['*x*'] },
    ]);
    expect(names({ type: 'conversation_ended' })).to.deep.equal([
      'route-0',
      'route-1',
      'route-2',
      'route-3',
      'route-4',
    ]);
  });

  it('take a type as it is, whatever characters it has', () => {
    const { names } = setup([{ on: ['a.b'] }, { on: ['a*'] }]);
    expect(names({ type: 'axb' })).to.deep.equal(['route-1']);
  });

  it('treat a pattern as a regular expression would, for any type', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 });
    const type = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 });
    fc.assert(
      fc.property(word, type, (pattern, given) => {
        const expected = new RegExp(`^${pattern.split('*').join('.*')}$`).test(given);
        expect(setup([{ on: [pattern] }]).names({ type: given }).length === 1).to.equal(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('match only where the condition is true', () => {
    const { names } = setup([
      { where: where('event.agent == "agent_sales" && event.data.duration > 30') },
      { where: where('event.data.duration > 100') },
    ]);
    expect(names({})).to.deep.equal(['route-0']);
  });

  it('do not match where the condition cannot be evaluated, and say why', () => {
    const { names, failures } = setup([{ where: where('event.data.sentiment.score > 3') }, {}]);
    expect(names({})).to.deep.equal(['route-1']);
    expect(failures).to.have.length(1);
    expect(failures[0]).to.match(/^route-0: .*sentiment/);
  });

  it('do not match where the condition gives neither true nor false', () => {
    const { names, failures } = setup([{ where: where('event.data.duration') }]);
    expect(names({})).to.deep.equal([]);
    expect(failures[0]).to.equal('route-0: where gave number, not true or false');
  });
});
