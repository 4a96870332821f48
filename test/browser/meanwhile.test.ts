import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { becomes, dashboardWorlds } from '../support/dashboard.js';

type Deliveries = { readonly deliveries: readonly { readonly state: string }[] };

/** A refusal of the API, as a failing store makes it. */
const failing = {
  status: 503,
  contentType: 'application/problem+json',
  body: JSON.stringify({ title: 'the store fails', code: 'STORE_UNAVAILABLE' }),
};

describe('an operator with the page, while something fails or changes', () => {
  const setup = dashboardWorlds();

  it('is shown that the page is old while the API fails, and the page goes on by itself', async () => {
    const { tab } = await setup();
    const { page } = tab;
    await page.getByText('All well.').waitFor();
    await page.route('**/api/status', (route) => route.fulfill(failing));
    await page.getByText(/status of the router cannot be read\. The first failure was .*: The store fails\./).waitFor();
    await page.locator('.top .dot.off').waitFor();
    await page.locator('.outdated').getByText('All well.').waitFor();
    await tab.expectAccessible();
    await page.unroute('**/api/status');
    await page.locator('.top .dot.well').waitFor();
    expect(await page.getByText('cannot be read').count()).to.equal(0);
    tab.expectQuiet();
  });

  it('changes exactly what a row of dead deliveries counts, once, and keeps the dialog and the focus', async () => {
    const { tab, send, until } = await setup({
      crmAnswers: ({ text }) => (text().includes('conv_odd') ? 400 : 422),
    });
    const { page } = tab;
    const dialog = page.getByRole('dialog');
    const dead = (number: number) =>
      until('deliveries?state=dead', ({ deliveries }: Deliveries) => deliveries.length === number);
    for (const conversationId of ['conv_1', 'conv_2', 'conv_odd']) await send({ conversationId });
    await dead(3);

    let isHeld = true;
    await page.route('**/api/status', (route) => (isHeld ? undefined : route.continue()));
    await page.reload();
    await tab.go('dead');
    await page.getByRole('button', { name: 'Discard 2: crm, rejected, HTTP 422' }).waitFor();
    expect(await page.locator('.lead').textContent()).to.match(/^A dead delivery/);
    isHeld = false;
    await page.reload();
    await page.getByText('3 deliveries are dead.').waitFor();

    const replay = page.getByRole('button', { name: 'Replay 2: crm, rejected, HTTP 422' });
    await replay.click();
    await dialog.getByText('2 deliveries match').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(await focused(page)).to.match(/^Replay 2: crm, rejected, HTTP 422/);

    const started: string[] = [];
    page.on('request', (request) => {
      const body = request.url().endsWith('/api/discard') ? (request.postData() ?? '') : '';
      if (body !== '' && !body.includes('"dryRun":true')) started.push(body);
    });
    await page.getByRole('button', { name: 'Discard 1: crm, rejected, HTTP 400' }).click();
    await dialog.getByRole('button', { name: 'Discard 1 delivery' }).dblclick();
    await dialog.getByText('done: 1 of 1 delivery discarded').waitFor();
    expect(started).to.have.length(1);
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByText('2 deliveries are dead.').waitFor();

    await page.getByRole('button', { name: 'Discard all that match', exact: true }).click();
    await dialog.getByRole('button', { name: 'Discard 2 deliveries' }).click();
    await dialog.getByText('done: 2 of 2 deliveries discarded').waitFor();
    // The list is loaded again behind the dialog.
    await page.getByText('Nothing is dead.').waitFor();
    expect(await dialog.getByText('done: 2 of 2').count()).to.equal(1);
    await dialog.getByRole('button', { name: 'Close' }).click();
    await dialog.waitFor({ state: 'detached' });
    await becomes(page, "document.activeElement.tagName === 'MAIN'");
    await send({ conversationId: 'conv_3' });
    await page.getByText('1 delivery shown, no more.').waitFor();
    tab.expectQuiet();
  });

  it('keeps the dialog of a list that has become empty', async () => {
    const { tab, send, until } = await setup();
    const { page } = tab;
    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: 'Pause crm' }).click();
    await page.route('**/api/destinations/crm/pause', (route) => route.fulfill(failing));
    await page.getByLabel('Reason (required), shown to other operators').fill('the CRM is moved');
    const pause = dialog.getByRole('button', { name: 'Pause' });
    await pause.click();
    // Nothing outside of the dialog can be read or clicked.
    await dialog.getByText('The store fails.').waitFor();
    expect(await page.getByText('The store fails.').count()).to.equal(1);
    expect(await focused(page)).to.equal('Pause');
    await dialog.getByRole('button', { name: 'Close this message' }).click();
    await page.unroute('**/api/destinations/crm/pause');
    await pause.click();
    await page.getByText('crm is paused.').waitFor();

    for (const conversationId of ['conv_1', 'conv_2']) await send({ conversationId });
    await until('deliveries?state=waiting', ({ deliveries }: Deliveries) => deliveries.length === 2);
    await tab.go('deliveries?state=waiting');
    await page.getByRole('button', { name: 'Discard all that match' }).click();
    await dialog.getByRole('button', { name: 'Discard 2 deliveries' }).click();
    await dialog.getByText('done: 2 of 2 deliveries discarded').waitFor();
    await page.getByText('No delivery matches.').waitFor();
    expect(await dialog.getByText('done: 2 of 2').count()).to.equal(1);
    tab.expectQuiet();
  });

  it('is asked before a row is changed, tells rows apart, and keeps the focus in the list', async () => {
    const { tab, send, until, crm } = await setup({ crmAnswers: () => 422 });
    const { page } = tab;
    const dialog = page.getByRole('dialog');
    for (const conversationId of ['conv_1', 'conv_2', 'conv_3']) await send({ conversationId });
    await until('deliveries?state=dead', ({ deliveries }: Deliveries) => deliveries.length === 3);
    await page.setViewportSize({ width: 390, height: 800 });
    await tab.go('dead');
    const discard = page.getByRole('button', { name: 'Discard the delivery of conversation_ended conv_3 to crm' });
    await discard.focus();
    await page.keyboard.press('Enter');
    await dialog.getByText('conversation_ended of conv_3, to crm').waitFor();
    await tab.expectAccessible();
    // A second click or key changes nothing.
    await page.keyboard.press('Enter');
    // By its element: its role goes when it closes, and the page removes it a moment later.
    await page.locator('dialog').waitFor({ state: 'detached' });
    expect(await page.getByText('3 deliveries shown').count()).to.equal(1);
    expect(await focused(page)).to.match(/^Discard the delivery of conversation_ended conv_3/);

    await page.keyboard.press('Enter');
    await dialog.getByRole('button', { name: 'Discard it' }).press('Enter');
    await page.getByText('2 deliveries shown').waitFor();
    await page.locator('tr:focus-within', { hasText: 'conv_2' }).waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).to.equal(true);

    await page.setViewportSize({ width: 1200, height: 800 });
    await tab.go('deliveries?state=delivered');
    const again = page.getByRole('button', { name: 'Replay the delivery of conversation_ended conv_1 to console' });
    await again.click();
    await dialog.getByText('it was delivered. The destination gets the event once more').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(crm.requests).to.have.length(3);
    tab.expectQuiet();
  });

  it('is asked before deliveries of an event are made again that were delivered, and sees what was made', async () => {
    const { tab, send, until, crm } = await setup({ crmAnswers: () => 422 });
    const { page } = tab;
    const dialog = page.getByRole('dialog');
    const id = await send();
    await until(`deliveries/${id}.0`, ({ state }: { readonly state: string }) => state === 'dead');
    await until(`deliveries/${id}.1`, ({ state }: { readonly state: string }) => state === 'delivered');
    await tab.go(`events/${id}`);
    const all = page.getByRole('button', { name: 'Replay all 2 deliveries' });
    await all.click();
    await dialog.getByText('1 of them was delivered: its destination gets the event once more').waitFor();
    await tab.expectAccessible();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect(crm.requests).to.have.length(1);

    crm.answer(() => 200);
    await page.route(`**/api/deliveries/${id}.1/replay`, (route) => route.fulfill(failing));
    await all.click();
    await dialog.getByRole('button', { name: 'Replay 2 deliveries' }).click();
    await dialog.getByText('1 of 2 deliveries are made again. The one to console is not: The store fails.').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('article', { name: 'Delivery to crm' }).getByText('delivered').first().waitFor();
    tab.expectQuiet();
  });
});

/** The name of what has the focus. */
function focused(page: Page): Promise<string> {
  return page.evaluate('document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent');
}
