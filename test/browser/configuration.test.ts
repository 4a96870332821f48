import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { startBrowser } from '../support/browser.js';
import { becomes, type DashboardWorld, dashboardWorld } from '../support/dashboard.js';
import { ring, token } from '../support/phones.js';
import { secret } from '../support/signing.js';

describe('the configuration and the map in the page', () => {
  let browser: Browser;
  let world: DashboardWorld;
  before(async () => {
    browser = await startBrowser();
  });
  after(() => browser.close());
  beforeEach(async () => {
    world = await dashboardWorld(browser, { crmAnswers: () => 422 });
  });
  afterEach(() => world.close());

  const post = (path: string, body: object) =>
    fetch(`${world.url}/api/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  /** Changes the file of the router. */
  const change = async (edit: (yaml: string) => string) => {
    const file = world.place.path('switchhook.yaml');
    await world.place.write('switchhook.yaml', edit(await readFile(file, 'utf8')));
  };
  const never = '  - { name: never, from: calls, variables: { a: b } }\n';

  it('shows the file without secrets, and a warning with the link to its line and to what it means', async () => {
    await change((yaml) => yaml + never);
    expect((await post('reload', {})).status).to.equal(200);
    const { tab } = world;
    const { page } = tab;
    await tab.go('configuration');
    const warnings = page.getByRole('region', { name: 'Warnings' }).getByRole('listitem');
    const warning = warnings.filter({ hasText: 'NEVER_MATCHES' });
    await warning.waitFor();
    const lines = `${world.configuration}${never}`.split('\n');
    const number = lines.indexOf(never.trimEnd()) + 1;
    const at = `NEVER_MATCHES line ${number} answers[2]: it is never given`;
    expect(await warning.textContent()).to.include(at);
    await warning.getByRole('link', { name: `line ${number}` }).click();
    const line = page.locator(`#line-${number}`);
    await becomes(page, `document.activeElement?.id === 'line-${number}'`);
    expect(await line.getAttribute('class')).to.equal('marked');
    expect(await line.locator('code').first().textContent()).to.equal(never.trimEnd());
    const text = await page.locator('main').textContent();
    for (const hidden of [secret, token]) expect(text).to.not.include(hidden);
    const agents = lines.findIndex((one) => one.startsWith('  agents:')) + 1;
    const agentsLine = page.locator(`#line-${agents}`);
    expect(await agentsLine.locator('code').first().textContent()).to.equal(
      '  agents: { use: sigmamind.events, secrets: [***] }',
    );
    // What a plugin assumes stands at the row that does not say otherwise.
    await agentsLine.getByText('how SigmaMind signs is assumed: header: X-SigmaMind-Signature').waitFor();
    await warnings.filter({ hasText: `SETTING_ASSUMED line ${agents}` }).waitFor();
    await warning.getByRole('link', { name: 'NEVER_MATCHES' }).click();
    await page.getByRole('heading', { name: 'Error code NEVER_MATCHES' }).waitFor();
    // Its meaning and advice are there; a path that leads nowhere is not.
    await page.getByRole('row', { name: /^NEVER_MATCHES/ }).waitFor();
    expect(await page.getByText('errors.md#').count()).to.equal(0);
    await page.getByRole('link', { name: 'Show all codes' }).click();
    await page.getByRole('row', { name: /^UNVERIFIED 401/ }).waitFor();
    tab.expectQuiet();
  });

  it('names the files that have changed since, shows what a reload would change, and what waits for a restart', async () => {
    const { tab } = world;
    const { page } = tab;
    await change((yaml) =>
      yaml.replace('breaker: false', 'breaker: { failures: 3 }').replace('name: journal', 'name: log'),
    );
    await tab.go('configuration');
    await page.getByText('On the disk, switchhook.yaml has changed since then.').waitFor();
    await page.getByRole('button', { name: 'What would a reload change?' }).click();
    await page.getByText('destinations: changed crm').waitFor();
    await page.getByText('routes: added log; removed journal').waitFor();
    await change((yaml) => yaml.replace('port: 0', 'port: 1'));
    expect((await post('reload', {})).status).to.equal(200);
    await page.getByText('server.port takes effect after a restart only').waitFor();
    await page.getByText('2, at work since').waitFor();
    expect(await page.getByText('On the disk').count()).to.equal(0);
    await change(() => 'version: 2\n');
    await page.getByRole('button', { name: 'What would a reload change?' }).click();
    await page.getByText(/The new configuration cannot be used/).waitFor();
  });

  it('has the options of each installed type, found by their names and descriptions', async () => {
    const { tab } = world;
    const { page } = tab;
    await tab.go('configuration');
    const installed = page.getByRole('region', { name: 'Installed types and their options' });
    const used = installed.locator('summary', { hasText: 'http.post' });
    await used.waitFor();
    expect(await used.textContent()).to.include('used by crm');
    await used.focus();
    await page.keyboard.press('Enter');
    const options = installed.getByRole('table', { name: 'Options of http.post' });
    await options.getByRole('row', { name: /^url / }).waitFor();
    expect(await options.getByRole('row', { name: /^sign / }).textContent()).to.include('secret');
    await installed
      .getByRole('table', { name: 'Options of every destination' })
      .getByRole('row', { name: /^timeout duration, in ms/ })
      .waitFor();
    const filter = installed.getByLabel('Filter by type, plugin, option or description');
    await filter.fill('slack webhookurl');
    await installed.getByText('1 type of').waitFor();
    const found = installed.getByRole('table', { name: 'Options of slack.message' }).getByRole('row');
    expect(await found.count()).to.equal(2);
    await filter.fill('no such option at all');
    await installed.getByText('No type and no option has all of these words.').waitFor();
    await installed.getByRole('button', { name: 'Show all types' }).click();
    await used.waitFor();
    tab.expectQuiet();
  });

  it('draws events and calls with their counts, coloured by trouble, as boxes that lead to their lists', async () => {
    const { tab, send, until } = world;
    const { page } = tab;
    await send();
    await ring(world.url, '+49301');
    await ring(world.url, '+49302');
    await fetch(`${world.url}/hooks/agents`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    await until(
      'deliveries?state=dead',
      ({ deliveries }: { readonly deliveries: readonly object[] }) => deliveries.length === 1,
    );
    await post('resolvers/customer/pause', { reason: 'its database moves' });
    await tab.go('map');
    const events = page.getByRole('navigation', { name: 'Sources, routes and destinations' });
    const calls = page.getByRole('navigation', { name: 'Sources of calls, answers and resolvers' });
    for (const [band, name] of [
      [events, /^source agents: 1 event, 1 refused, needs attention\. 1 request was refused, most often: /],
      [events, /^route finished: 1 event, needs attention\. /],
      [
        events,
        /^destination crm: 0 waiting, 1 dead, fails\. 1 dead delivery\. Last failure, less than a minute ago: HTTP 422/,
      ],
      [events, /^destination console: 0 waiting, 0 dead, well$/],
      [calls, /^source calls: 2 calls, well$/],
      [calls, /^answer sales: 2 calls, well$/],
      [calls, /^resolver customer: 2 look-ups, needs attention\. It is paused: its database moves\.$/],
    ] as const)
      await band.getByRole('link', { name }).waitFor();
    const [list] = await page.getByText('The same as a list').all();
    await list?.click();
    const row = page.getByRole('row', { name: /^finished route/ });
    expect(await row.textContent()).to.match(/^finishedrouteneeds attention .*1 event.*agentscrm$/);
    await calls.getByRole('link', { name: /^answer sales/ }).focus();
    await page.keyboard.press('Enter');
    // The map has a heading that begins so, too.
    await page.getByRole('heading', { name: 'Calls', exact: true }).waitFor();
    expect(await page.getByLabel('Answer').inputValue()).to.equal('sales');
    await page.getByRole('row', { name: /\+49301/ }).waitFor();
    await tab.go('calls?answer=none');
    await page.getByText('No call matches these filters.').waitFor();
    tab.expectQuiet();
  });

  it('shows what to do where no answer is configured', async () => {
    const { tab } = world;
    await change((yaml) => yaml.replace(/^resolvers:[\s\S]*?(?=^routes:)/m, '').replace(/^answers:[\s\S]*$/m, ''));
    expect((await post('reload', {})).status).to.equal(200);
    for (const view of ['map', 'configuration']) {
      await tab.go(view);
      await tab.page.getByText('No answer is configured: calls get the least that their platform accepts.').waitFor();
    }
    tab.expectQuiet();
  });
});
