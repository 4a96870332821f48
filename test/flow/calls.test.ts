import { receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import { ring, token } from '../support/phones.js';
import { workplace } from '../support/workplace.js';

describe('phones that ring', () => {
  it('are answered by line, caller and hour, each retry like the first request, and are events for the routes', async () => {
    const place = await workplace();
    const journal = await receiver();
    let looks = 0;
    const crm = await receiver(({ path }) => {
      if (!path.endsWith('%2B49301')) return 404;
      looks += 1;
      return { status: 200, body: JSON.stringify({ name: 'Ada', look: looks }) };
    });
    const { url } = await place.router(`
version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: memory }
sources:
  calls: { use: sigmamind.call, token: ${token} }
resolvers:
  crm: { use: http.lookup, url: "${crm.url}/customers?phone=\${{ call.from }}", allowPrivate: true }
destinations:
  journal: { use: http.post, url: ${journal.url} }
routes:
  - { on: inbound_call, where: event.data.answer.step != "unanswered", to: journal }
answers:
  - name: vip
    from: calls
    where: call.from.startsWith("+49") && now.getFullYear() > 2000
    resolve: crm
    variables: { name: "\${{ crm.name }}", look: "\${{ crm.look }}" }
    overrideAgent: "\${{ crm.name == 'Ada' ? 'agent_vip' : '' }}"
    cache: 1h
  - name: sales
    from: calls
    where: call.to == "+1800"
    defaults: { name: there }
`);
    const first = await ring(url, '+49301');
    expect(first).to.deep.equal({ status: 200, variables: { name: 'Ada', look: '1' }, agent: 'agent_vip' });
    expect(await ring(url, '+49301')).to.deep.equal(first);
    expect((await ring(url, '+49301', '+1999')).variables).to.deep.equal({ name: 'Ada', look: '2' });
    expect((await ring(url, 'Anonymous', '+1800')).variables).to.deep.equal({ name: 'there' });
    expect(await ring(url, '+33', '+1999')).to.deep.equal({ status: 200, variables: {}, agent: undefined });

    const events = (await journal.received(3)).map((request) => request.json() as { data: Record<string, unknown> });
    const answers = events.map(({ data }) => data.answer as Record<string, unknown>);
    expect(answers.map(({ name, step }) => `${name} ${step}`).toSorted()).to.deep.equal([
      'sales default',
      'vip fresh',
      'vip fresh',
    ]);
    expect(answers.find(({ name }) => name === 'vip')).to.deep.include({ override_agent: 'agent_vip', requests: 1 });
    await place.close();
    await Promise.all([journal.close(), crm.close()]);
  });

  it('are trouble where no answer matched, until a reload: the list, why each answer did not match, and what the page reads', async () => {
    const place = await workplace();
    const yaml = (number: string) => `version: 1
server: { host: 127.0.0.1, port: 0 }
store: { use: memory }
sources: { calls: { use: sigmamind.call, token: ${token} } }
answers:
  - { name: sales, from: calls, where: call.to == "${number}", defaults: { name: there } }
  - { name: tier, from: calls, where: call.data.tier == "gold", defaults: { name: there } }
`;
    const { router, url } = await place.router(yaml('+1800'));
    await ring(url, '+49301', '+1800');
    await ring(url, '+49302', '+1999');
    const at = ['switchhook.yaml', '--url', url];
    const command = async (name: string, ...args: readonly string[]) =>
      place.command([name, ...args, '--config', ...at]);
    const status = await command('status', '--once');
    expect(status.code).to.equal(1);
    expect(status.stdout).to.include('Source calls: no answer matched 1 of 2 calls since the router started');
    const { calls } = JSON.parse((await command('calls', '--step', 'unanswered', '--json')).stdout);
    expect(calls.map(({ answer }: { answer: { from: string } }) => answer.from)).to.deep.equal(['+49302']);
    expect(calls[0].ringMs).to.equal(calls[0].answer.ms);
    const { stdout } = await command('explain', calls[0].id);
    expect(stdout).to.include('call.to == "+1800" is false (call.to is "+1999")');
    expect(stdout).to.include('call.data.tier is missing').and.to.include('no answer matches');
    expect((await command('calls', calls[0].id)).stdout).to.include(`switchhook explain ${calls[0].id}`);

    await place.write('switchhook.yaml', yaml('+1999'));
    await router.reload();
    expect((await command('status', '--once')).code).to.equal(0);
    expect((await command('explain', calls[0].id)).stdout).to.include('sales  where call.to == "+1999"');
    await place.close();
  });

  it('are answered with what a prompt needs: check compares the two, and warns of what not every caller gets', async () => {
    const place = await workplace();
    const answer = 'defaults: { first_name: there }';
    await place.write(
      'switchhook.yaml',
      `version: 1
store: { use: memory }
sources: { calls: { use: sigmamind.call, token: ${token} } }
resolvers: { crm: { use: static, values: { tier: gold } } }
answers:
  - { name: line, from: calls, resolve: crm, variables: { tier: "\${{ crm.tier }}" }, ${answer} }
`,
    );
    await place.write('prompt.txt', 'You are Jim.\nGreet {{ first_nam }}, a {{tier}} customer.\n');
    const wrong = await place.command(['check', 'switchhook.yaml', '--prompt', 'prompt.txt']);
    expect(wrong.code).to.equal(78);
    expect(wrong.stderr).to.include('prompt.txt:2  UNSUPPLIED_VARIABLE  answer "line" does not supply {{ first_nam }}');
    expect(wrong.stderr).to.include('did you mean "first_name"?');
    expect(wrong.stderr).to.include('switchhook.yaml:6:65  warning UNSUPPLIED_VARIABLE');
    await place.write('prompt.txt', 'Greet {{ first_name }}, a {{tier}} customer.');
    const right = await place.command([
      'check',
      'switchhook.yaml',
      '--prompt',
      'prompt.txt',
      '--answer',
      'line',
      '--json',
    ]);
    expect(right.code).to.equal(0);
    const { valid, warnings, prompt } = JSON.parse(right.stdout);
    expect([valid, warnings.length, prompt]).to.deep.equal([true, 1, [{ answer: 'line', unfilled: [], unused: [] }]]);
    expect((await place.command(['check', 'switchhook.yaml', '--prompt', 'nowhere.txt'])).code).to.equal(2);
    expect(
      (await place.command(['check', 'switchhook.yaml', '--prompt', 'prompt.txt', '--answer', 'x'])).code,
    ).to.equal(2);
    await place.close();
  });
});
