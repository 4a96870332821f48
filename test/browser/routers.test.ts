import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { startBrowser } from '../support/browser.js';
import { type DashboardWorld, dashboardWorld } from '../support/dashboard.js';
import { postgres, type TestDatabase } from '../support/postgres.js';

type Status = {
  readonly routers: readonly { readonly name: string; readonly goneSince: string | null }[];
  readonly destinations: readonly { readonly rateLimited: boolean }[];
};

describe('an operator of several routers', () => {
  let browser: Browser;
  let database: TestDatabase;
  let world: DashboardWorld;
  let answer: () => void = () => {};
  before(async () => {
    [browser, database] = await Promise.all([startBrowser(), postgres()]);
    const answered = new Promise<number>((resolve) => {
      answer = () => resolve(200);
    });
    world = await dashboardWorld(browser, {
      ...{ name: 'router-a', store: `{ use: postgres, url: "${database.url}" }` },
      crm: ['rateLimit: 20/m', 'timeout: 1m'],
      crmAnswers: () => answered,
    });
  });
  after(async () => {
    answer();
    await world.close();
    await Promise.all([browser.close(), database.close()]);
  });

  it('sees who is there, since when, with which version and configuration, what each holds, and who is gone', async () => {
    const { tab, place, configuration, until, send, crm } = world;
    const { page } = tab;
    const routers = page.getByRole('region', { name: 'Routers' });
    await routers
      .getByRole('row', { name: /^router-a this one/ })
      .getByText('there', { exact: true })
      .waitFor();
    await send();
    await crm.received(1);
    await routers
      .getByRole('row', { name: /^router-a/ })
      .getByText(/\d crm/)
      .waitFor();

    const other = configuration.replace('router-a', 'router-b').replace('on: conversation_ended', 'on: call_ended');
    const { kill } = await place.start(await place.write('other.yaml', other));
    const row = routers.getByRole('row', { name: /^router-b/ });
    await row.getByText('there', { exact: true }).waitFor();
    await routers.getByText('2 configurations').waitFor();
    const [version, digest] = [row.getByRole('cell').nth(1), row.getByRole('cell').nth(2)];
    expect(await version.textContent()).to.match(/^\d+\.\d+\.\d+/);
    expect(await digest.textContent()).to.match(/^[0-9a-f]{8}$/);
    await tab.expectAccessible();

    await kill();
    await until('status', ({ routers: found }: Status) =>
      found.some(({ name, goneSince }) => name === 'router-b' && goneSince !== null),
    );
    await row.getByText('gone', { exact: true }).waitFor();
    await row.getByText(/last seen/).waitFor();
    await tab.expectAccessible();
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).to.equal(390);
    await page.setViewportSize({ width: 1_280, height: 900 });
    tab.expectQuiet();
  });

  it('sees in the row of a destination that its rate limit holds deliveries back', async () => {
    const { tab, send, until } = world;
    for (let n = 0; n < 60; n += 1) await send({ conversationId: `conv_${n}` });
    await until('status', ({ destinations }: Status) => destinations.some(({ rateLimited }) => rateLimited));
    const row = tab.page.getByRole('row', { name: /^crm/ });
    await row.getByText('rate limited', { exact: true }).waitFor();
    await row.getByText(/Its rate limit of 20 per 1m, spread evenly, allows no attempt at this moment\./).waitFor();
    await tab.expectAccessible();
    tab.expectQuiet();
  });
});
