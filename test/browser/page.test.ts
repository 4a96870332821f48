import { stringifyJson } from '@switchhook/sdk';
import { expect } from 'chai';
import { becomes, dashboardWorlds } from '../support/dashboard.js';
import { eventually } from '../support/eventually.js';
import { ring } from '../support/phones.js';
import { endedBody, postSigned } from '../support/signing.js';

describe('an operator with the page', () => {
  const setup = dashboardWorlds();

  it('finds why a call did not reach the CRM, and fixes it with a click', async () => {
    const { tab, send, until, crm } = await setup({ crmAnswers: () => ({ status: 422, body: 'no such customer' }) });
    const { page } = tab;
    const id = await send({ conversationId: 'conv_77' });
    await until(`deliveries/${id}.0`, ({ state }: { readonly state: string }) => state === 'dead');

    await page.getByText('Destination crm: 1 dead delivery. Last failure, less than a minute ago: HTTP 422').waitFor();
    await page.getByRole('link', { name: 'Dead deliveries of crm' }).click();
    await page.getByRole('link', { name: 'event', exact: true }).click();
    await page.getByRole('heading', { name: 'conversation_ended' }).waitFor();
    await page.getByText('secret 1 of 1 of the source').waitFor();
    await page.getByText(`${endedBody({ conversationId: 'conv_77' }).length} bytes`).waitFor();
    await page.getByRole('button', { name: 'Copy as fixture' }).waitFor();
    const card = page.getByRole('article', { name: 'Delivery to crm' });
    // Open without a click: it is the reason.
    expect(await card.getByLabel('Response of attempt 1').inputValue()).to.equal('no such customer');
    expect(await card.getByLabel('Response of attempt 1').isVisible()).to.equal(true);
    await page.getByRole('article', { name: 'Route finished' }).getByText('What crm would get now').click();
    expect(await page.getByLabel('Preview for crm').inputValue()).to.include('conv_77');

    crm.answer(() => 200);
    await card.getByRole('button', { name: 'Replay' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Replay it' }).click();
    await card.getByText('delivered').first().waitFor();
    await tab.go('');
    await page.getByText('All well.').waitFor();
    await page.getByText('Running for').waitFor();
    // Of the last ten minutes, and over.
    const row = page.getByRole('row', { name: /^crm/ });
    await row.getByText('50 %').waitFor();
    expect(await row.locator('.wrong').count()).to.equal(0);
    tab.expectQuiet();
  });

  it('finds each destination where it was, while the pointer is on one of them', async () => {
    const { tab, url } = await setup();
    const { page } = tab;
    const names = () => page.locator('table:has(> thead th:text-is("Destination")) > tbody th a').allTextContents();
    await tab.go('');
    await page.getByRole('row', { name: /^console/ }).hover();
    expect(await names()).to.deep.equal(['crm', 'console']);
    const headers = { 'content-type': 'application/json' };
    await fetch(`${url}/api/destinations/console/pause`, { method: 'POST', headers, body: '{"reason":"a test"}' });
    await page
      .getByRole('row', { name: /^console/ })
      .getByText('a test')
      .waitFor();
    expect(await names()).to.deep.equal(['crm', 'console']);
    await page.getByRole('heading', { level: 1 }).hover();
    await eventually(async () => (await names())[0] === 'console');
    tab.expectQuiet();
  });

  it('is shown where to go from the address of an event that is not kept', async () => {
    const { tab } = await setup();
    const { page } = tab;
    await tab.go('conversations/nothing');
    await page.getByRole('heading', { name: 'No such conversation' }).waitFor();
    await page.getByText('There is no conversation nothing.').waitFor();
    await page.getByRole('link', { name: 'the events' }).waitFor();
    expect(await page.getByRole('button', { name: 'Try again' }).count()).to.equal(0);
    await tab.go('try?event=nothing');
    await page.getByText('There is no event nothing').waitFor();
    await page.getByRole('button', { name: 'Try it' }).waitFor();
    await page.getByRole('link', { name: 'the events' }).waitFor();
    await tab.go('events/nothing');
    await page.getByRole('heading', { name: 'No such event' }).waitFor();
    await page.getByText('There is no event nothing.').waitFor();
    await page.getByRole('link', { name: 'the events' }).click();
    await page.getByText('No event yet.').waitFor();
    tab.expectQuiet();
  });

  it('sees which part of a condition kept an event from its route', async () => {
    const { tab, send } = await setup();
    const id = await send({ duration: 12 });
    await tab.go(`events/${id}`);
    const route = tab.page.getByRole('article', { name: 'Route finished' });
    await route.getByText('event.data.duration > 30 is false (event.data.duration is 12).').waitFor();
    expect(await route.getByRole('listitem').first().textContent()).to.include('is false');
  });

  it('sees what a ringing phone was answered with, from where, and why not', async () => {
    const { tab, url, until } = await setup();
    const { page } = tab;
    await ring(url, '+49301');
    await until('calls', ({ calls }: { readonly calls: readonly unknown[] }) => calls.length === 1);
    await tab.go('calls?number=%2B49301');
    await page.getByRole('link', { name: '+49301' }).click();
    await page.getByRole('heading', { name: '+49301 to +12345678913' }).waitFor();
    const cells = async (name: string) =>
      (await page.getByRole('row', { name }).first().locator('td').allTextContents()).map((text) => text.trim());
    expect((await cells('customer'))[0]).to.include('found');
    expect(await cells('first_name')).to.deep.equal(['Ada', 'fresh customer.']);
    const [tier, why = ''] = await cells('tier');
    expect(tier).to.equal('standard');
    expect(why).to.match(/^default .*customer/);
    expect(why.split('customer').length, why).to.equal(2);
    // The platform names no conversation in this request.
    await page.getByRole('link', { name: 'events with this number since then' }).click();
    await page.getByRole('row', { name: /inbound_call/ }).waitFor();
    tab.expectQuiet();
  });

  it('is led to calls that no answer matched, and to events that a condition failed for, and sees why', async () => {
    const { tab, url, place, configuration, send } = await setup();
    const { page } = tab;
    const matching = '    from: calls\n    where: call.to == "+1800"\n    resolve';
    await place.write('switchhook.yaml', configuration.replace('    from: calls\n    resolve', matching));
    const headers = { 'content-type': 'application/json' };
    await fetch(`${url}/api/reload`, { method: 'POST', headers, body: '{}' });
    await ring(url, '+49301');
    await send({ duration: null });
    await page.getByText('Source calls: no answer matched the only call since the router started').waitFor();
    await page.getByRole('meter', { name: 'Share of unanswered' }).waitFor();
    // A browser draws what is above `high` as bad, where the optimum is below `low`.
    const isBad = "[...document.querySelectorAll('meter')].map((one) => one.optimum < one.low && one.high < one.value)";
    expect(await page.evaluate(isBad)).to.deep.equal([true]);
    await page.getByRole('link', { name: 'Calls that no answer matched' }).click();
    await page.waitForURL(/calls\?source=calls&step=unanswered&since=1h$/);
    await page.getByRole('row', { name: '+49301' }).getByRole('link').click();
    const tried = page.getByRole('region', { name: 'Answers that did not match' });
    await tried.getByRole('article', { name: 'Answer nights' }).getByText('call.to == "+1" is false').first().waitFor();
    await tried
      .getByRole('article', { name: 'Answer sales' })
      .getByText('call.to == "+1800" is false')
      .first()
      .waitFor();
    await page.getByText('Replied without variables after').waitFor();
    expect(await page.getByText('Answered after').count()).to.equal(0);
    await tab.expectAccessible();

    await tab.go('map');
    await page.getByRole('link', { name: /^source calls: 1 call, 1 unanswered, needs attention\./ }).click();
    await page.getByRole('row', { name: '+49301' }).waitFor();
    await tab.go('map');
    await page.getByRole('link', { name: /^route finished: 0 events, 1 not evaluated, needs attention\./ }).click();
    await page.getByText('1 event shown').waitFor();
    expect(await page.getByLabel('Not evaluated by').inputValue()).to.equal('finished');
    tab.expectQuiet();
  });

  it('sees how much is delivered, what fails, how long phones rang, and the same over the last hours', async () => {
    const { tab, url, send } = await setup({
      crmAnswers: ({ json }) => (stringifyJson(json())?.includes('conv_bad') ? 422 : 200),
    });
    const { page } = tab;
    await tab.go('history');
    await page.getByText('Nothing happened in the last 6 hours.').waitFor();
    await send({ conversationId: 'conv_1' });
    await send({ conversationId: 'conv_bad' });
    await ring(url, '+49301');
    await tab.go('');
    const crm = page.getByRole('row', { name: /^crm/ });
    await crm.locator('.wrong').getByText('50 %').waitFor();
    await crm.getByText(/0\.\d+\/min/).waitFor();
    await crm.getByRole('img', { name: 'Delivered in each minute of the last hour to crm' }).waitFor();
    await page.getByText(/^about p50 .* ms, p95 .* ms, p99 .* ms \(each request counts/).waitFor();
    await page.getByText('100 %').waitFor();
    await page.getByText(/\d .B, [\d.]+ .B free/).waitFor();

    await page.getByRole('link', { name: 'History' }).click();
    await page.getByRole('link', { name: '1 h', exact: true }).click();
    await page.getByRole('img', { name: /^Deliveries per minute\. delivered: at most/ }).waitFor();
    await page.getByText('As a table').first().click();
    const row = page.getByRole('row').filter({ has: page.getByRole('cell', { name: '3' }) });
    await row.first().waitFor();
    await tab.expectAccessible();
    tab.expectQuiet();
  });

  it('follows a conversation, with what has not come yet', async () => {
    const { tab, send } = await setup();
    const { page } = tab;
    await send({ event: 'conversation_started', conversationId: 'conv_9' });
    await tab.go('conversations/conv_9');
    await page.getByText('conversation_ended has not come yet.').waitFor();
    await send({ conversationId: 'conv_9' });
    await page.getByRole('listitem').filter({ hasText: 'after the first' }).getByText('conversation_ended').waitFor();
    expect(await page.getByText('has not come yet').count()).to.equal(0);
  });

  it('sees all of a long conversation, page by page, and what followedBy has found missing', async () => {
    const { tab, send } = await setup();
    const { page } = tab;
    const first = await send({ event: 'conversation_started', conversationId: 'conv_long' });
    for (let n = 1; n < 45; n += 1) await send({ event: `said_${n}`, conversationId: 'conv_long' });
    const missing = { after: 'conversation_started', event: first, missing: ['conversation_analysed'] };
    const conversations = [{ ...missing, dueAt: '2026-01-01T00:00:00.000Z' }];
    await page.route('**/api/incomplete?subject=conv_long*', (route) => route.fulfill({ json: { conversations } }));
    await tab.go('conversations/conv_long');
    const entries = page.locator('.time-line > li');
    await page.getByText('The latest 20 events are shown.').waitFor();
    expect(await entries.count()).to.equal(20);
    await page.getByText('conversation_analysed has not come.').waitFor();
    expect(await page.getByText('has not come yet').count()).to.equal(0);
    await page.getByRole('button', { name: 'Show older' }).click();
    await page.getByText('The latest 40 events are shown.').waitFor();
    // What comes meanwhile is added at the end, and nothing is lost.
    await send({ event: 'said_last', conversationId: 'conv_long' });
    await entries.getByText('said_last').waitFor();
    await page.getByRole('button', { name: 'Show older' }).click();
    await page.getByRole('button', { name: 'Show older' }).waitFor({ state: 'detached' });
    const types = await entries.getByRole('link').allInnerTexts();
    const all = Array.from({ length: 44 }, (_, n) => `said_${n + 1}`);
    expect(types.filter((type) => /^said|^conv/.test(type))).to.deep.equal([
      'conversation_started',
      ...all,
      'said_last',
    ]);
    expect(await entries.first().getByText('console').count()).to.equal(1);
    await page.getByText('conversation_ended has not come yet.').waitFor();
    tab.expectQuiet();
  });

  it('sees every digit of a number that JavaScript would round, and the body as it came', async () => {
    const { tab, url } = await setup();
    const { page } = tab;
    const raw = endedBody({ order: 'ORDER' }).replace('"ORDER"', '12345678901234567890, "10": 1.0,  "2": 1e2');
    const { body } = await postSigned(`${url}/hooks/agents`, raw);
    await tab.go(`events/${String(body.id)}`);
    await page.locator('.tree').getByText('12345678901234567890').waitFor();
    await page.getByRole('button', { name: 'Raw' }).click();
    expect(await page.getByLabel('Raw').inputValue()).to.equal(raw);
    await page.getByRole('button', { name: 'Copy as curl that sends it again' }).waitFor();
  });

  it('tries an event with changes, and nothing is sent or kept', async () => {
    const { tab, send, crm } = await setup();
    const { page } = tab;
    const id = await send({ duration: 12 });
    await tab.go(`events/${id}`);
    await page.getByRole('link', { name: 'Try with changes' }).click();
    const body = page.getByLabel('Body, as JSON');
    await body.fill((await body.inputValue()).replace('12', '90'));
    await page.getByRole('button', { name: 'Try it' }).click();
    await page.getByRole('article', { name: 'Route finished' }).getByText('matches', { exact: true }).waitFor();
    await body.fill('{ "event": ');
    await page.getByRole('button', { name: 'Try it' }).click();
    await page.getByText('The body is not JSON').waitFor();
    await body.fill('[1, 2]');
    await page.getByRole('button', { name: 'Try it' }).click();
    await page.getByText('The body is no JSON object').waitFor();
    await page.getByLabel('Take the body of an event').selectOption({ index: 1 });
    await page.getByText('The body is no JSON object').waitFor({ state: 'detached' });
    expect(JSON.parse(await body.inputValue())).to.include({ duration: 12 });
    expect(crm.requests).to.have.length(0);
    await tab.go('events');
    await page.getByText('1 event shown').waitFor();
    tab.expectQuiet();
  });

  it('sees what each source has received and refused, and why', async () => {
    const { tab, send, url } = await setup();
    const { page } = tab;
    await send();
    const headers = { 'content-type': 'application/json', 'x-sigmamind-signature': '0'.repeat(64) };
    for (const source of ['agents', 'nowhere'])
      await fetch(`${url}/hooks/${source}`, { method: 'POST', headers, body: endedBody() });
    const row = page.getByRole('row', { name: /^agents/ });
    await row.getByText('agent_sales: signature does not match the body').waitFor();
    expect(await row.getByRole('cell').nth(1).textContent()).to.match(/^1\s*$/);
    expect(await row.getByRole('cell').nth(2).textContent()).to.match(/^1 /);
    const calls = page.getByRole('row', { name: /^calls/ });
    expect(await calls.getByRole('cell').nth(2).textContent()).to.match(/^none\s*$/);
    await page.getByText('1 request to paths without a source was refused.').waitFor();
    // Beside what is worst, the rest is there, too.
    await page.route('**/api/status', async (route) => {
      const response = await route.fetch();
      const json = await response.json();
      const others = [{ level: 'warn', what: 'Destination crm: paused.', advice: 'Resume it.' }];
      await route.fulfill({ response, json: { ...json, troubles: [...others, ...json.troubles, ...others] } });
    });
    await page.getByText('2 further problems').waitFor();
    await page.getByText('Destination crm: paused. Resume it.').waitFor();
    const further = page.getByRole('listitem').filter({ hasText: 'refused since the router started' });
    await further.getByRole('link', { name: 'Refused requests of agents' }).waitFor();
    await page.unroute('**/api/status');

    // During a rotation: what still comes with the old secret.
    await page.route('**/api/status', async (route) => {
      const response = await route.fetch();
      const json = await response.json();
      const secrets = [{ secret: 2, of: 2, requests: 1, lastAt: json.now }];
      const sources = json.sources.map((one: object) => ({ ...one, secrets }));
      await route.fulfill({ response, json: { ...json, sources } });
    });
    await row.getByText('secret 1 of 2: not used').waitFor();
    await row.getByText('secret 2 of 2: 1 request, last').waitFor();
    await row.getByRole('link', { name: 'secret 2 of 2' }).click();
    await page.getByText('Looked at 1 event;').waitFor();
    await page.getByText('No event matches these filters.').waitFor();
    await page.getByLabel('Secret').fill('1');
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByText('1 event shown').waitFor();

    // Each place that reports a refusal leads to the requests.
    await tab.go('');
    await page.getByRole('link', { name: 'Refused requests of agents' }).click();
    const group = page.getByRole('row', { name: /^agents/ });
    await group.getByText('That of agents was expected.').waitFor();
    await page.getByText('1 request shown, no more.').waitFor();
    await page.getByRole('link', { name: 'Clear the filter' }).click();
    await page.getByText('2 requests shown, no more.').waitFor();
    await page.getByRole('link', { name: 'no such source' }).click();
    await page.getByText('1 request shown, no more.').waitFor();
    await page.getByText('no source named "nowhere".').first().waitFor();
    await page.route(/api\/refused\?/, async (route) => {
      const response = await route.fetch();
      const { requests, cursor } = await response.json();
      const json = { requests: requests.map((one: object) => ({ ...one, captured: true })), cursor };
      await route.fulfill({ response, json });
    });
    await page.getByRole('button', { name: 'Load again' }).click();
    await page.getByText(/Kept whole: switchhook refused [\w-]+ --save request\.http/).waitFor();
    await page.unroute(/api\/refused\?/);
    await tab.go('refused?limit=1');
    await page.getByText('1 request shown.').waitFor();
    await page.getByRole('button', { name: 'Show more' }).click();
    await page.getByText('2 requests shown, no more.').waitFor();
    await page.getByLabel('Since').fill('yesterday');
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByRole('alert').waitFor();
    await tab.go('');
    await page.getByRole('link', { name: '1 refused request of agents' }).click();
    await page.waitForURL(/refused\?source=agents$/);
    await tab.go('dead');
    await page.getByRole('link', { name: 'refused request' }).click();
    await page.getByText('2 requests shown, no more.').waitFor();
    await tab.go('map');
    await page.getByRole('link', { name: /^source agents.*1 refused/ }).click();
    await page.waitForURL(/refused\?source=agents$/);
    await page.getByText('1 request shown, no more.').waitFor();
    tab.expectQuiet();
  });

  it('pauses a destination with a reason, and resumes it', async () => {
    const { tab, send, crm } = await setup();
    const { page } = tab;
    await page.getByRole('button', { name: 'Pause crm' }).click();
    expect(await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).isDisabled()).to.equal(true);
    // The dialog opens with its field focused, and Enter confirms it.
    await page.keyboard.type('the CRM is moved');
    await page.keyboard.press('Enter');
    await page
      .getByText('Destination crm: paused less than a minute ago by the API, from 127.0.0.1: the CRM is moved.')
      .waitFor();
    const id = await send({ conversationId: 'conv_77' });
    await page.getByText('1 delivery waits.').first().waitFor();
    const held = 'crm is paused by the API, from 127.0.0.1: the CRM is moved.';
    await tab.go(`events/${id}`);
    await page.getByText(`It waits: ${held}`).waitFor();
    await tab.go('conversations/conv_77');
    await page.getByText(held).waitFor();
    await tab.go('try');
    await page.getByLabel('Choose a sample').selectOption({ label: 'conversation_ended' });
    await page.getByRole('button', { name: 'Send it for real…' }).click();
    await page.getByRole('dialog').getByText(`${held} What is for it waits.`).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await tab.go('');
    await page.getByRole('button', { name: 'Probe crm' }).click();
    await page.getByText('one waiting delivery was attempted, although it is paused, and it worked').waitFor();
    await page.getByRole('button', { name: 'Resume crm' }).click();
    await page.getByText('All well.').waitFor();
    expect(crm.requests).to.have.length(1);
    tab.expectQuiet();
  });

  it('filters events by a URL that can be kept, page by page', async () => {
    const { tab, send, until, crm } = await setup();
    const { page } = tab;
    const agentOf = (index: number): string => (index === 7 ? 'agent_x' : 'agent_y');
    const bodies = Array.from({ length: 60 }, (_, index) => ({
      conversationId: `conv_${index}`,
      agentId: agentOf(index),
    }));
    await Promise.all(bodies.map(send));
    await tab.go('events');
    await page.getByText('50 events shown.').waitFor();
    await page.getByRole('button', { name: 'Show more' }).click();
    await page.getByText('60 events shown, no more.').waitFor();
    await send({ conversationId: 'conv_late' });
    await page.getByRole('button', { name: 'Load again' }).click();
    await page.getByText('61 events shown, no more.').waitFor();
    // Names that exist are proposed.
    const proposed = (name: string): Promise<readonly string[]> =>
      page.evaluate(`[...document.querySelectorAll('#known-${name} option')].map(({ value }) => value)`);
    expect(await proposed('source')).to.deep.equal(['agents', 'calls']);
    expect(await proposed('type')).to.deep.equal(['conversation_ended']);

    await page.getByLabel('Agent').fill('agent_x');
    await page.getByText('61 events shown').waitFor();
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByText('1 event shown').waitFor();
    expect(page.url()).to.match(/#\/events\?agent=agent_x$/);
    await page.reload();
    await page.getByText('1 event shown').waitFor();
    expect(await page.getByLabel('Agent').inputValue()).to.equal('agent_x');
    await page.getByLabel('Since', { exact: true }).fill('yesterday');
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByText('expected a duration such as 2h').waitFor();
    const tops = (await page.locator('.filters .field').all())
      .slice(0, 6)
      .map((field) => field.locator('input').boundingBox());
    expect(new Set((await Promise.all(tops)).map((box) => box?.y)).size).to.equal(1);
    await page.goBack();
    await page.getByText('1 event shown').waitFor();
    await page.getByRole('link', { name: 'Clear the filter' }).click();
    await page.getByText('50 events shown.').waitFor();
    await tab.go('deliveries?state=zzz&destination=crm');
    await page.getByText('State: expected one of').waitFor();
    expect(await page.getByRole('button', { name: 'Try again' }).count()).to.equal(0);
    await page.locator('.note').getByRole('link', { name: 'Clear the filter' }).click();
    await page.waitForURL(/#\/deliveries$/);
    await page.getByText('50 deliveries shown.').waitFor();
    await tab.go('events');
    await page.getByText('50 events shown.').waitFor();

    crm.answer(() => 422);
    await send({ conversationId: 'conv_dead' });
    await send({ conversationId: 'conv_3', agentId: 'agent_y' });
    await until('dead', ({ groups }: { readonly groups: readonly unknown[] }) => groups.length === 1);
    await page.getByLabel('A delivery is').selectOption('dead');
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByText('1 event shown').waitFor();
    await page.getByRole('row', { name: 'conv_dead' }).getByText('1 of 2 dead', { exact: true }).waitFor();
    await page.getByLabel('A delivery is').selectOption('');
    await page.getByLabel('Repeated').selectOption('true');
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByText('1 event shown').waitFor();
    await page.getByRole('link', { name: 'conv_3' }).waitFor();
    expect(page.url()).to.match(/#\/events\?duplicate=true$/);

    await page.setViewportSize({ width: 390, height: 844 });
    const toggle = page.getByRole('button', { name: 'Filters (1)' });
    await toggle.waitFor();
    expect(await page.getByLabel('Agent').isVisible()).to.equal(false);
    expect((await page.locator('.rows').boundingBox())?.y).to.be.below(600);
    await tab.expectAccessible();
    // The slash leads to what can be seen.
    await page.keyboard.press('/');
    await page.keyboard.press('Enter');
    await page.getByLabel('Agent').fill('agent_x');
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByRole('button', { name: 'Filters (2)', expanded: false }).waitFor();
    expect(await page.getByLabel('Agent').isVisible()).to.equal(false);
    tab.expectQuiet();
  });

  it('searches in the data of events by a URL that can be kept, and sees what is wrong with a condition', async () => {
    const { tab, send } = await setup();
    const { page } = tab;
    const hostile = '"><img src=x onerror="alert(1)">\u202eK\u00f6ln';
    await send({ conversationId: 'conv_0', note: hostile, duration: 90 });
    for (let index = 1; index <= 60; index += 1)
      await send({ conversationId: `conv_${index}`, duration: null, ...(index % 2 === 0 && { duration: index }) });
    await tab.go('events');
    await page.getByLabel('Text in data').fill(hostile);
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByText('1 event shown, no more.').waitFor();
    await page.getByText('Looked at 61 events').waitFor();
    expect(await page.getByLabel('Text in data').inputValue()).to.equal(hostile);
    expect(await page.locator('main img').count()).to.equal(0);
    await tab.expectAccessible();
    await page.reload();
    await page.getByText('1 event shown, no more.').waitFor();

    const conditionally = async (where: string): Promise<void> => {
      await page.getByLabel('Condition').fill(where);
      await page.getByRole('button', { name: 'Apply' }).click();
    };
    await page.getByLabel('Text in data').fill('');
    await conditionally(`event.data.note = '${hostile}'`);
    await page.getByText('Character 17: unexpected "="; compare with ==.').waitFor();
    const field = page.getByLabel('Condition');
    expect([await field.getAttribute('aria-invalid'), await field.getAttribute('aria-describedby')]).to.deep.equal([
      'true',
      'wrong-where',
    ]);
    expect(await page.getByRole('table').count()).to.equal(0);
    await tab.expectAccessible();
    await conditionally('event.data.duration > 40');
    await page.getByText('11 events shown, no more.').waitFor();
    await page.getByText('The condition could not be evaluated for 30 events').waitFor();

    await tab.go(`events?where=${encodeURIComponent('event.data.duration == 90')}&last=40`);
    await page.getByText('No event matches these filters.').waitFor();
    await page.getByText('Looked at 40 events').waitFor();
    await page.getByRole('button', { name: 'Look at older ones' }).click();
    await page.getByText('1 event shown, no more.').waitFor();
    await page.getByText('Looked at 61 events').waitFor();
    tab.expectQuiet();
  });

  it('replays and discards all dead deliveries that match, also those that are not shown', async () => {
    const { tab, send, until, crm } = await setup({ crmAnswers: () => 422 });
    const { page } = tab;
    const dead = (number: number) =>
      until('status', ({ destinations }: { readonly destinations: readonly { readonly dead: number }[] }) =>
        destinations.some((row) => row.dead === number),
      );
    await Promise.all(Array.from({ length: 105 }, (_, index) => send({ conversationId: `conv_${index}` })));
    await dead(105);
    await tab.go('dead');
    await page.getByText('100 deliveries shown.').waitFor();

    crm.answer(() => 200);
    await page.getByRole('button', { name: 'Replay 105: crm, rejected, HTTP 422' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Deliveries per second').fill('5000');
    await dialog.getByRole('button', { name: 'Replay 105 deliveries' }).click();
    await dialog.getByText('done: 105 of 105 deliveries').waitFor();
    await dead(0);
    await dialog.getByText('105 deliveries replayed: 105 delivered.').waitFor();
    await dialog.getByRole('link', { name: '105 delivered' }).click();
    await page.locator('td').getByText('delivered').first().waitFor();
    await crm.received(2 * 105);

    crm.answer(() => 422);
    for (const conversationId of ['again_1', 'again_2']) await send({ conversationId });
    await dead(2);
    await tab.go('dead');
    await page.getByRole('button', { name: 'Discard all that match', exact: true }).click();
    await dialog.getByRole('button', { name: 'Discard 2 deliveries' }).click();
    await dialog.getByText('done: 2 of 2 deliveries discarded').waitFor();
    await dialog.getByRole('link', { name: 'See what was discarded' }).click();
    await page.getByText('2 deliveries shown').waitFor();

    crm.answer(() => 422);
    for (const conversationId of ['more_1', 'more_2', 'more_3']) await send({ conversationId });
    await dead(3);
    await tab.go('dead');
    crm.answer(({ text }) => (text().includes('more_1') ? 200 : 422));
    await page.getByRole('button', { name: 'Replay all that match', exact: true }).click();
    await dialog.getByRole('button', { name: 'Replay 3 deliveries' }).click();
    await dialog.getByText('3 deliveries replayed: 1 delivered, 2 dead again.').waitFor();
    await tab.expectAccessible();
    await dialog.getByRole('link', { name: '2 dead again' }).click();
    await page.waitForURL(/#\/dead\?settledSince=/);
    await page.getByText('2 deliveries shown').waitFor();
    await page.locator('[aria-labelledby=bulk-history]').getByText('1 delivered').waitFor();
    for (const conversationId of ['last_1', 'last_2']) await send({ conversationId });
    await dead(4);
    await tab.go('dead');
    await page.getByRole('button', { name: 'Discard all that match', exact: true }).click();
    await dialog.getByLabel('Deliveries per second').fill('1');
    await dialog.getByRole('button', { name: 'Discard 4 deliveries' }).click();
    await dialog.getByText('At work: ').waitFor();
    // It goes on without its dialog, and can be stopped from the list.
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('button', { name: 'Stop the discard' }).click();
    await page.getByText('The discard was cancelled:').waitFor();
    await page.getByText('discard: cancelled').waitFor();
    tab.expectQuiet();
  });

  it('is shown that the router is gone, and what it knew; and that it is back', async () => {
    const { tab, send, restart } = await setup();
    const { page } = tab;
    await send({ conversationId: 'conv_before' });
    await page.getByText('All well.').waitFor();
    await restart(async () => {
      await page.getByText('The router does not answer. It stopped').waitFor();
      await page.getByText('All well.').waitFor();
      const old = page.getByText('The page shows what it knew then');
      await old.waitFor();
      await page.getByRole('link', { name: 'Events', exact: true }).click();
      await page.getByText('This view appears as soon as it does.').waitFor();
      expect(await old.count()).to.equal(0);
    });
    await page.getByText('The router was restarted.').waitFor();
    await page.getByRole('link', { name: 'conv_before' }).waitFor();
    await page.getByText('The router does not answer').waitFor({ state: 'detached' });
    tab.expectQuiet();
  });

  it('watches what happens, and misses nothing while paused or without a connection', async () => {
    const { tab, send, restart } = await setup();
    const { page } = tab;
    await tab.go('live?source=agents');
    await page.getByText('live', { exact: true }).waitFor();
    await page.getByText('Nothing that matches the filter has happened since this page was opened.').waitFor();
    await send({ conversationId: 'conv_1' });
    await page.getByText('received by agents').waitFor();
    await page.getByText('crm, attempt 1').waitFor();
    await tab.expectAccessible();

    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('paused', { exact: true }).waitFor();
    await send({ conversationId: 'conv_2' });
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('link', { name: 'conv_2' }).first().waitFor();
    await restart(async () => {
      await page.getByText('the router does not answer; connecting again').waitFor();
    });
    await page.getByText('live', { exact: true }).waitFor();
    await page.getByText(/^The router was started again at \d\d:\d\d:\d\d\.$/).waitFor();
    await send({ conversationId: 'conv_3' });
    await page.getByRole('link', { name: 'conv_3' }).first().waitFor();
    expect(await page.locator('.before').getByRole('link', { name: 'conv_1' }).count()).to.be.above(0);
    expect(await page.locator('.before').getByRole('link', { name: 'conv_3' }).count()).to.equal(0);
    await tab.expectAccessible();
    tab.expectQuiet();
  });

  it('sees by itself new events, the sources of a reload, and a call that is recorded after its link was opened', async () => {
    const { tab, send, url, until } = await setup();
    const { page } = tab;
    await page.clock.install();
    await page.reload();
    await page.getByRole('row', { name: /^agents/ }).waitFor();
    const row = { kind: 'source', name: 'added', use: 'hmac.events', description: 'Of a reload.' };
    const components = [{ ...row, receivesAt: '/hooks/added/***' }];
    await page.route('**/api/components', (route) => route.fulfill({ json: { components } }));
    await page.clock.fastForward(10_000);
    await page.getByRole('row', { name: /^added.*receives at \/hooks\/added\/\*\*\*/ }).waitFor();

    await tab.go('events');
    await page.getByText('No event yet.').waitFor();
    const zone = String(await page.evaluate('new Intl.DateTimeFormat().resolvedOptions().timeZone'));
    await page.getByText(`Times are those of this browser: ${zone}`).waitFor();
    await send({ conversationId: 'conv_1' });
    await page.clock.fastForward(5_000);
    const conversation = page.getByRole('link', { name: 'conv_1' });
    await conversation.focus();
    await send({ conversationId: 'conv_2' });
    await page.clock.fastForward(5_000);
    await page.getByRole('link', { name: 'conv_2' }).waitFor();
    expect(await page.evaluate('document.activeElement.textContent')).to.equal('conv_1');

    await ring(url, '+49301');
    let id = '';
    await until('calls', ({ calls }: { readonly calls: readonly { readonly id: string }[] }) => {
      id = calls[0]?.id ?? '';
      return id !== '';
    });
    const json = { title: 'what was asked for is not kept', detail: `there is no event ${id}`, code: 'NOT_KEPT' };
    await page.route(`**/api/events/${id}`, (route) => route.fulfill({ status: 404, json }), { times: 1 });
    await tab.go(`calls/${id}`);
    await page.getByText(`There is no call ${id}.`).waitFor();
    await page.clock.fastForward(2_000);
    await page.getByRole('heading', { name: '+49301 to +12345678913' }).waitFor();
    tab.expectQuiet();
  });

  it('is shown why the router refuses to stream what happens, and keeps the conditions of an address', async () => {
    const { tab, url } = await setup();
    const { page } = tab;
    const ends = new AbortController();
    const streams = Array.from({ length: 32 }, () => fetch(`${url}/api/live`, { signal: ends.signal }));
    for (const stream of streams) expect((await stream).status).to.equal(200);
    await tab.go('live');
    await page.getByText('refused; trying again').waitFor();
    await page.getByRole('link', { name: 'TOO_MANY_STREAMS' }).waitFor();
    ends.abort();
    await page.getByText('live', { exact: true }).waitFor();
    expect(await page.getByRole('link', { name: 'TOO_MANY_STREAMS' }).count()).to.equal(0);

    await tab.go('events?text=nothing&last=10000');
    await page.getByText('last=10000').waitFor();
    await page.getByLabel('Type').fill('call_ended');
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.waitForURL(/type=call_ended/);
    expect(new URLSearchParams(page.url().split('?')[1]).get('last')).to.equal('10000');
    tab.expectQuiet();
  });

  it('uses the keyboard alone', async () => {
    const { tab, send } = await setup();
    const { page } = tab;
    await send({ conversationId: 'conv_1' });
    await send({ conversationId: 'conv_2' });
    await tab.go('events');
    await page.getByText('2 events shown').waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'conv_1' }).waitFor();
    await page.goBack();
    await page.getByText('2 events shown').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('j?/');
    expect(await page.getByLabel('Source').inputValue()).to.equal('j?/');
    await page.keyboard.press('Escape');
    const focused = () => page.evaluate('document.activeElement.textContent');
    await tab.go('map');
    await page.locator('svg text').getByText('agents').waitFor();
    await page.keyboard.press('j');
    const first = await focused();
    await page.keyboard.press('j');
    expect([first, await focused()]).to.satisfy(
      ([one, next]: readonly string[]) => one !== next && /agents/.test(one ?? ''),
    );
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    // The focus is where it was.
    await becomes(page, 'document.activeElement !== document.body');
    await page.keyboard.press('Escape');
    await becomes(page, 'document.activeElement === document.body');
    await page.keyboard.press('/');
    await page.getByRole('heading', { name: 'Events', exact: true }).waitFor();
    await becomes(page, 'document.activeElement.name === "source"');
    await page.keyboard.type('/x');
    expect(await page.getByLabel('Source').inputValue()).to.equal('/x');
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard and help' }).waitFor();
    await page.getByLabel(/Single keys are shortcuts/).uncheck();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.keyboard.press('?');
    expect(await page.getByRole('dialog').count()).to.equal(0);
  });

  it('signs in below a path of a proxy, once', async () => {
    const { tab } = await setup({ mount: '/ops/hooks/', admin: 'the-token-of-the-router' });
    const { page } = tab;
    await page.getByLabel('Token').fill('another');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('This is not the token of the configuration.').waitFor();
    await tab.expectAccessible();
    await page.getByLabel('Token').fill('the-token-of-the-router');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('All well.').waitFor();
    await page.reload();
    await page.getByText('All well.').waitFor();
    await tab.go('events');
    await page.getByText('No event yet.').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').waitFor();
    await page.reload();
    await page.getByLabel('Token').waitFor();
    tab.expectQuiet();
  });

  it('is shown how to get in, where the router has no token and the page comes through a proxy', async () => {
    const { tab } = await setup({ forwarded: true });
    await tab.page.getByText('The request was passed on by a proxy.').waitFor();
    await tab.page.getByText('ssh -L 8080:127.0.0.1:8080 your-server').waitFor();
    await tab.expectAccessible();
    tab.expectQuiet();
  });

  it('is shown what to do next where there is nothing', async () => {
    const { tab } = await setup();
    const next = {
      events: /Try a sample and send it/,
      deliveries: /for each event that matches a route/,
      dead: /tried again by themselves/,
      calls: /switchhook call/,
      duplicates: /No event came again/,
      refused: /a restart ends the list/,
      'refused?source=agents': /No refused request matches these filters/,
      nowhere: /Go to the overview/,
    };
    for (const [path, text] of Object.entries(next)) {
      await tab.go(path);
      await tab.page.getByText(text).waitFor();
    }
    await tab.go('events/none');
    await tab.page.getByText('there is no event none').waitFor();
    tab.expectQuiet();
  });
});
