import { callAnswer } from '@switchhook/core/api';
import { expect } from 'chai';

describe('the answer to a call, as the API says it', () => {
  const recorded = (origin: object) => ({
    from: '+12345678912',
    to: '+12345678913',
    name: 'front-desk',
    step: 'default',
    variables: { tier: 'standard' },
    override_agent: null,
    origins: { tier: { step: 'default', resolvers: ['customer'], ...origin } },
    lookups: [],
    requests: 1,
    ms: 3,
  });

  it('is read with what it had of the ring, and without, as it was recorded before that was kept', () => {
    for (const limits of [{}, { within_ms: 2_000, deadline_ms: 10_000 }, { within_ms: null, deadline_ms: 10_000 }])
      expect(callAnswer.parse({ ...recorded({}), ...limits })).to.deep.equal({ ...recorded({}), ...limits });
  });

  it('is read with the reasons of its variables, and without, as it was recorded before there were any', () => {
    for (const origin of [{}, { reason: null }, { reason: 'customer returned no record' }])
      expect(callAnswer.parse(recorded(origin))).to.deep.equal(recorded(origin));
  });
});
