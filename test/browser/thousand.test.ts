import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { startBrowser } from '../support/browser.js';
import { type DashboardWorld, dashboardWorld } from '../support/dashboard.js';

const thousand = 1_000;
/** Requests of the sender at the same time. */
const atOnce = 50;

type Status = {
  readonly destinations: readonly { readonly destination: string; readonly dead: number; readonly waiting: number }[];
};

describe('an operator with a thousand dead deliveries', () => {
  let browser: Browser;
  let world: DashboardWorld;
  before(async () => {
    browser = await startBrowser();
    world = await dashboardWorld(browser, { crmAnswers: () => 422 });
  });
  after(async () => {
    await world.close();
    await browser.close();
  });

  it('replays all of them with their progress, and discards all that die again', async function () {
    this.timeout(180_000);
    const { tab, send, until, crm } = world;
    const { page } = tab;
    const dead = (number: number) =>
      until('status', ({ destinations }: Status) =>
        destinations.some((row) => row.destination === 'crm' && row.dead === number && row.waiting === 0),
      );
    for (let sent = 0; sent < thousand; sent += atOnce)
      await Promise.all(Array.from({ length: atOnce }, (_, index) => send({ conversationId: `conv_${sent + index}` })));
    await dead(thousand);

    await tab.go('dead');
    await page.getByRole('button', { name: 'Replay 1,000: crm, rejected, HTTP 422' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('1,000 deliveries match').waitFor();
    // They are rejected once more.
    await dialog.getByLabel('Deliveries per second').fill('500');
    await dialog.getByRole('button', { name: 'Replay 1,000 deliveries' }).click();
    await dialog.getByText('done: 1,000 of 1,000 deliveries').waitFor();
    const progress = dialog.getByRole('progressbar', { name: 'Replayed' });
    const attribute = (name: string) => progress.getAttribute(name);
    expect([await attribute('max'), await attribute('value')]).to.deep.equal(['1000', '1000']);
    await crm.received(2 * thousand);
    await dead(thousand);
    await dialog.getByRole('button', { name: 'Close' }).click();

    crm.answer(() => 200);
    await page.getByRole('button', { name: 'Replay all that match', exact: true }).click();
    await dialog.getByLabel('Deliveries per second').fill('10000');
    await dialog.getByRole('button', { name: 'Replay 1,000 deliveries' }).click();
    await dialog.getByText('done: 1,000 of 1,000 deliveries').waitFor();
    await dead(0);
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByText('Nothing is dead.').waitFor();
    const ids = new Set(crm.requests.map(({ headers }) => headers['idempotency-key']));
    expect(ids.size, 'each delivery keeps its id').to.equal(thousand);

    crm.answer(() => 422);
    for (let sent = 0; sent < thousand; sent += atOnce)
      await Promise.all(Array.from({ length: atOnce }, (_, index) => send({ conversationId: `new_${sent + index}` })));
    await dead(thousand);
    await tab.go('dead?destination=crm');
    await page.getByRole('button', { name: 'Discard all that match: crm', exact: true }).click();
    await dialog.getByRole('button', { name: 'Discard 1,000 deliveries' }).click();
    await dialog.getByText(/done: (1,000 of )?1,000 deliveries discarded/i).waitFor({ timeout: 90_000 });
    await dead(0);
    tab.expectQuiet();
  });
});
