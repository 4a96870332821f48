import { expect } from 'chai';
import { dashboardWorlds } from '../support/dashboard.js';
import { ring } from '../support/phones.js';

type Calls = { readonly calls: readonly { readonly id: string }[] };

describe('an operator who tries a body', () => {
  const setup = dashboardWorlds();

  it('chooses a sample of a call, and sees what the caller would get and why; nothing is kept or counted', async () => {
    const { tab, url } = await setup();
    const { page } = tab;
    await tab.go('try');
    await page.getByLabel('Choose a sample').selectOption({ label: 'inbound_call' });
    expect(await page.getByLabel('Source').inputValue()).to.equal('calls');
    const body = page.getByLabel('Body, as JSON');
    await body.fill((await body.inputValue()).replace('+12345678912', '+49301'));
    await page.getByText('asks the resolvers of its answer').waitFor();
    await page.getByRole('button', { name: 'Try it' }).click();
    const answer = page.getByRole('region', { name: 'What a caller would get' });
    await answer
      .getByRole('article', { name: 'Answer nights' })
      .getByText('call.to == "+1" is false (call.to is "+12345678913").')
      .waitFor();
    await answer.getByText('+49301 calls').waitFor();
    const cells = async (name: string) =>
      (await answer.getByRole('row', { name }).first().locator('td').allTextContents()).map((text) => text.trim());
    expect((await cells('customer'))[0]).to.include('found');
    expect(await cells('first_name')).to.deep.equal(['Ada', 'fresh customer.']);
    expect((await cells('tier'))[1]).to.match(/^default .*customer/);
    await answer.getByText('within: 2 s.').waitFor();
    await answer.getByText('Deadline of the platform: 10 s.').waitFor();
    await answer.getByText('What the platform would be sent: status 200').click();
    expect(JSON.parse(await answer.getByLabel('Body of the reply').inputValue()).dynamic_variables).to.deep.equal({
      first_name: 'Ada',
      tier: 'standard',
    });
    await page.getByRole('article', { name: 'Route journal' }).getByText('matches', { exact: true }).waitFor();
    await tab.expectAccessible();
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).to.equal(390);
    await page.setViewportSize({ width: 1_280, height: 900 });

    const read = async (path: string) => (await fetch(`${url}/${path}`)).text();
    expect(JSON.parse(await read('api/calls')).calls).to.deep.equal([]);
    expect(await read('metrics')).not.to.match(/^switchhook_(calls_answered|lookups)_total\{[^}]*\} [1-9]/m);
    tab.expectQuiet();
  });

  it('sends a sample for real after it was shown what will happen, and is led to what became of it', async () => {
    const { tab, crm } = await setup();
    const { page } = tab;
    await tab.go('try');
    await page.getByLabel('Choose a sample').selectOption({ label: 'conversation_ended' });
    await page.getByRole('button', { name: 'Send it for real…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Send to agents for real' });
    await dialog.getByText('2 deliveries are made, to crm, console.').waitFor();
    await tab.expectAccessible();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(crm.requests).to.have.length(0);

    await page.getByRole('button', { name: 'Send it for real…' }).click();
    await dialog.getByRole('button', { name: 'Send it', exact: true }).click();
    await dialog.getByText('Replied with 200').waitFor();
    const [sent = {}] = (await crm.received(1)).map(
      (request) => (request.json() as { readonly data: Record<string, unknown> }).data,
    );
    await dialog.getByRole('link', { name: 'The event and its deliveries' }).click();
    await page.getByRole('link', { name: String(sent.conversationId) }).waitFor();
    expect(sent.conversationId, 'the sample with new ids').not.to.equal('conv_77');

    // The same ids again.
    await page.getByRole('link', { name: 'Try with changes' }).click();
    await page.getByRole('button', { name: 'Send it for real…' }).click();
    await dialog.getByLabel('Give it new ids').uncheck();
    await dialog.getByRole('button', { name: 'Send it', exact: true }).click();
    await dialog.getByText('It was there already: nothing is delivered anew.').waitFor();
    tab.expectQuiet();
  });

  it('sees without a click that a delivery would be rejected, and why, and which ids a copy is sent with', async () => {
    const { tab } = await setup({ crm: ['body: { score: "${{ event.data.score }}" }'] });
    const { page } = tab;
    await tab.go('try');
    await page.getByLabel('Choose a sample').selectOption({ label: 'conversation_ended' });
    await page.getByRole('button', { name: 'Try it' }).click();
    const route = page.getByRole('article', { name: 'Route finished' });
    await route.getByText('would be rejected').waitFor();
    await route.getByText('template: event.data.score is missing; default(event.data.score, "…")').waitFor();
    await tab.expectAccessible();
    await page.getByRole('button', { name: 'Send it for real' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('The delivery to crm would be rejected: template: event.data.score is missing').waitFor();
    await dialog.getByRole('button', { name: 'Send it' }).click();
    await dialog.getByText('It was sent with new ids').waitFor();
    const [pair = ''] = await dialog.getByRole('listitem').allTextContents();
    expect(pair).to.match(/^(\S+) → (?!\1$)\S+$/);
    tab.expectQuiet();
  });

  it('sends a call for real, and finds it among the calls', async () => {
    const { tab, until } = await setup();
    const { page } = tab;
    await tab.go('try');
    await page.getByLabel('Choose a sample').selectOption({ label: 'inbound_call' });
    await page.getByRole('button', { name: 'Send it for real…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Send to calls for real' });
    await dialog.getByText('the call is answered').waitFor();
    await dialog.getByRole('button', { name: 'Send it', exact: true }).click();
    await dialog.getByText('Replied with 200').waitFor();
    await until('calls', ({ calls }: Calls) => calls.length === 1);
    await dialog.getByRole('link', { name: 'The call and its answer' }).click();
    await page.getByRole('heading', { name: '+12345678912 to +12345678913' }).waitFor();
    tab.expectQuiet();
  });

  it('is told what is wrong with a body, and that the events of the router itself can only be tried', async () => {
    const { tab } = await setup();
    const { page } = tab;
    await tab.go('try');
    await page.getByLabel('Body, as JSON').fill('{ "event": 5 }');
    await page.getByRole('button', { name: 'Send it for real…' }).click();
    await page.getByRole('dialog').getByText('source agents refuses the body').waitFor();
    await page.keyboard.press('Escape');
    await page.getByLabel('Body, as JSON').fill('{ "event": ');
    await page.getByRole('button', { name: 'Send it for real…' }).click();
    await page.getByText('The body is not JSON').waitFor();
    expect(await page.getByRole('dialog').count()).to.equal(0);
    await page.getByLabel('Choose a sample').selectOption({ label: 'delivery.dead' });
    await page.getByText('they can be tried, but not sent').waitFor();
    expect(await page.getByRole('button', { name: 'Send it for real…' }).count()).to.equal(0);
    await page.getByRole('button', { name: 'Try it' }).click();
    await page.getByRole('article', { name: 'Route journal' }).getByText('does not match').waitFor();
    tab.expectQuiet();
  });
});

describe('an operator who looks at calls', () => {
  const setup = dashboardWorlds();

  it('watches phones ring, page by page, with lines for what each answer had of the ring', async () => {
    const { tab, url } = await setup();
    const { page } = tab;
    await tab.go('calls');
    await page.getByText('No call was answered yet.').waitFor();
    await ring(url, '+49301');
    await page.getByText('1 call shown, no more.').waitFor();
    for (let n = 0; n < 52; n += 1) await ring(url, `+1202555${1_000 + n}`);
    await page.getByText('50 calls shown.').waitFor();
    await page.getByRole('button', { name: 'Show more' }).click();
    await page.getByText('53 calls shown, no more.').waitFor();
    await page.getByRole('link', { name: '+49301' }).click();
    await page.getByText('within: 2 s. The answer is sent then at the latest').waitFor();
    await page.getByText('Deadline of the platform: 10 s.').waitFor();
    const lines = (kind: string) => page.locator(`.bar .${kind}`).count();
    expect([await lines('within'), await lines('deadline'), await lines('answered')]).to.deep.equal([1, 1, 1]);
    await page.getByRole('button', { name: 'Larger bars' }).click();
    expect([await lines('within'), await lines('deadline'), await lines('answered')]).to.deep.equal([0, 0, 1]);
    expect(await page.getByText('Not shown while the bars are larger.').count()).to.equal(2);
    await tab.expectAccessible();
    tab.expectQuiet();
  });
});
