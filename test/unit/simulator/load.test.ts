import { ConfigurationError } from '@switchhook/core';
import { readScenario, shippedFile, shippedScenarios } from '@switchhook/simulator';
import { expect } from 'chai';
import { type Workplace, workplace } from '../../support/workplace.js';

describe('a scenario file', () => {
  let place: Workplace;
  beforeEach(async () => {
    place = await workplace();
  });
  afterEach(() => place.close());

  const problemsIn = async (text: string) => {
    const file = await place.write('scenario.yaml', text);
    try {
      readScenario(file);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      return error.problems.map(({ line, code, path }) => `${line} ${code} ${path}`);
    }
    return [];
  };

  it('comes with the router for each of ten scenarios, under its own name', () => {
    const names = shippedScenarios();
    expect(names).to.have.members([
      'analysis-never-comes',
      'duplicated',
      'fifty-phones',
      'happy-call',
      'late-and-out-of-order',
      'no-answer',
      'phones-only',
      'platform-retries',
      'transfer',
      'voicemail',
    ]);
    expect(names.map((name) => readScenario(shippedFile(name)).name)).to.deep.equal(names);
  });

  it('is as short as one step', async () => {
    const file = await place.write('short.yaml', 'name: short\ndescription: One event.\nsteps: [{ send: ended }]\n');
    const [step] = readScenario(file).steps;
    expect(step).to.deep.include({ at: 0, repeat: 1, concurrency: 1, set: {} });
  });

  it('is told every mistake at once, each at its line', async () => {
    const text = `name: Under Test
description: Something happens.
steps:
  - at: soon
    send: ended
  - ring: { from: "+1", to: "+\${{ m }}" }
  - ring: { from: "+1", to: "+2" }
    send: ended
  - repeat: 2
  - send: ended
    rate: 10
    exepct: { within: 3s }
evaluate: { ring: { p98: 1s } }
`;
    expect(await problemsIn(text)).to.deep.equal([
      '1 INVALID_VALUE name',
      '4 INVALID_VALUE steps[0].at',
      '6 EXPRESSION_UNKNOWN_NAME steps[1].ring.to',
      '8 INVALID_VALUE steps[2].send',
      '9 MISSING_KEY steps[3].send',
      '11 WRONG_TYPE steps[4].rate',
      '12 UNKNOWN_KEY steps[4].exepct',
      '13 UNKNOWN_KEY evaluate.ring.p98',
    ]);
  });

  it('is told where scenarios are described, and not where configurations are', async () => {
    const hintsIn = async (text: string): Promise<readonly string[]> => {
      const file = await place.write('scenario.yaml', text);
      try {
        readScenario(file);
      } catch (error) {
        if (error instanceof ConfigurationError) return error.problems.map(({ hint }) => hint);
        throw error;
      }
      return [];
    };
    const wrong = 'nam: x\ndescription: x\nsteps: [{ send: "${{ m }}" }]\n';
    for (const text of ['', wrong])
      for (const hint of await hintsIn(text)) expect(hint).to.include('docs/simulating.md');
    expect(await hintsIn(wrong)).to.have.length(2);
  });

  it('is told that it is no YAML, or not there', async () => {
    expect(await problemsIn('name: [')).to.match(/YAML_SYNTAX/);
    expect(() => readScenario(place.path('nowhere.yaml'))).to.throw(ConfigurationError, 'CONFIG_NOT_FOUND');
  });
});
