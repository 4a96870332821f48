import { expect } from 'chai';
import { originText, type Refusal, refusedQuery, secretText } from '../../../core/dashboard/build/model/refused.js';

const sales = { source: 'agents', agent: 'agent_sales' };
const whole = { source: 'calls', agent: null };
const unverified = (secret: Refusal['secret']): Refusal => ({ code: 'UNVERIFIED', reason: 'x', agent: null, secret });

describe('refused requests in the page', () => {
  it('say whose secret was expected, and whose they have', () => {
    expect(secretText(unverified({ expected: sales, fits: [whole, { ...sales, agent: 'agent_support' }] }))).to.equal(
      'That of agent_sales was expected. The secret is that of calls, agent_support.',
    );
    expect(secretText(unverified({ expected: null, fits: [] }))).to.equal('That of an agent was expected.');
    expect(secretText(unverified(null))).to.equal('');
  });

  it('are listed by their source, or by the code of those without one', () => {
    expect(refusedQuery('agents')).to.deep.equal({ source: 'agents' });
    expect(refusedQuery('')).to.deep.equal({ code: 'NOT_FOUND' });
  });

  it('show where they came from, and their size where it is known', () => {
    const request = { ...unverified(null), id: 'r', at: '', source: 'agents', captured: false };
    const origin = { ...request, remoteAddress: '10.0.0.7', method: 'POST' };
    expect(originText({ ...origin, bytes: 1_312 })).to.equal('POST from 10.0.0.7, 1,312 bytes');
    expect(originText({ ...origin, bytes: null })).to.equal('POST from 10.0.0.7');
  });
});
