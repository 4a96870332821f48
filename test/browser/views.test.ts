import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { startBrowser } from '../support/browser.js';
import { type DashboardWorld, dashboardWorld } from '../support/dashboard.js';
import { ring } from '../support/phones.js';

/** Markup, scripts, templates, what reorders a text, and what is very long. */
const hostile = `"><img src=x onerror="alert(1)"><script>alert(2)</script>\${7*7}{{7*7}}\u202egnp.exe</title>'`;

describe('each view of the page', () => {
  let browser: Browser;
  let world: DashboardWorld;
  let event: string;
  let call: string;
  before(async () => {
    browser = await startBrowser();
    world = await dashboardWorld(browser, { crmAnswers: () => ({ status: 422, body: hostile }) });
    const { send, until, url } = world;
    const data = { [hostile]: hostile, list: [hostile, { [hostile]: null }], html: `<b>${'x'.repeat(500)}</b>` };
    const body = { ...data, event: 'conversation_ended', conversationId: hostile, agentId: hostile };
    event = await send(body);
    await send(body);
    await send({ event: hostile, conversationId: 'conv_2' });
    const unsigned = JSON.stringify({ event: 'conversation_ended', agentId: hostile });
    const headers = { 'content-type': 'application/json', 'x-sigmamind-signature': 'none' };
    await fetch(`${url}/hooks/agents`, { method: 'POST', headers, body: unsigned });
    await ring(url, '+49301');
    await ring(url, '+49302', hostile);
    await until(
      'deliveries?state=dead',
      ({ deliveries }: { readonly deliveries: readonly unknown[] }) => deliveries.length === 1,
    );
    await until(
      'deliveries?state=delivered',
      ({ deliveries }: { readonly deliveries: readonly unknown[] }) => deliveries.length >= 4,
    );
    const reply = await (await fetch(`${url}/api/calls`)).json();
    call = (reply as { readonly calls: readonly { readonly id: string }[] }).calls[0]?.id ?? '';
  });
  after(async () => {
    await world.close();
    await browser.close();
  });

  const paths: Readonly<Record<string, () => string>> = {
    overview: () => '',
    events: () => 'events',
    event: () => `events/${event}`,
    deliveries: () => 'deliveries',
    'dead deliveries': () => 'dead',
    'refused requests': () => 'refused',
    'refused requests by a filter of others': () => `refused?agent=${encodeURIComponent(hostile)}`,
    calls: () => 'calls',
    'a call': () => `calls/${call}`,
    'a conversation': () => `conversations/${encodeURIComponent(hostile)}`,
    'events that came again': () => 'duplicates',
    'the history': () => 'history?since=1h',
    'the map': () => 'map',
    'the live view': () => 'live',
    'the configuration': () => 'configuration',
    'the error codes': () => 'errors',
    'an error code': () => 'errors/UNVERIFIED',
    'an error code of others': () => `errors/${encodeURIComponent(hostile)}`,
    'a try': () => `try?event=${event}`,
    'a filter of others': () => `events?source=${encodeURIComponent(hostile)}&type=${encodeURIComponent(hostile)}`,
    'a place of others': () => encodeURIComponent(hostile),
  };

  /** What the view needs before it is looked at. */
  const shown: Readonly<Record<string, () => Promise<void>>> = {
    'refused requests': () => world.tab.page.getByText('1 request shown').waitFor(),
    'the live view': async () => {
      const { page } = world.tab;
      await page.getByText('No event and no delivery since').waitFor();
      await world.send({ event: hostile, conversationId: hostile });
      await page.getByText('received by agents').waitFor();
    },
  };

  for (const path of ['', 'configuration'])
    it(`shows the types of components in one line: ${path || 'overview'}`, async () => {
      const { page } = world.tab;
      await world.tab.go(path);
      await page.setViewportSize({ width: 900, height: 900 });
      const type = page.locator('main .rows').getByText('sigmamind.events', { exact: true });
      await type.waitFor();
      const lines = await type.evaluate((element) => {
        const range = element.ownerDocument.createRange();
        range.selectNodeContents(element);
        return range.getClientRects().length;
      });
      await page.setViewportSize({ width: 1_280, height: 900 });
      expect(lines).to.equal(1);
    });

  for (const path of ['deliveries?destination=crm', 'dead'])
    it(`breaks no word of a badge: ${path}`, async () => {
      const { page } = world.tab;
      await world.tab.go(path);
      await page.locator('td[data-label=State] .badge').first().waitFor();
      // A word that is broken has a box on each of its lines.
      const broken = await page.evaluate(
        `[...document.querySelectorAll('.badge')].flatMap(({ lastChild }) =>
          [...lastChild.data.matchAll(/\\S+/g)].filter(({ 0: word, index }) => {
            const range = document.createRange();
            range.setStart(lastChild, index);
            range.setEnd(lastChild, index + word.length);
            return range.getClientRects().length > 1;
          }).map(([word]) => word))`,
      );
      expect(broken).to.deep.equal([]);
    });

  for (const path of ['events', 'calls', 'deliveries', 'dead', 'refused', 'live'])
    it(`shows the hints in the fields of filters whole: ${path}`, async () => {
      const { page } = world.tab;
      await world.tab.go(path);
      await page.locator('.filters input').first().waitFor();
      // A browser measures what a field has, not its hint; with names to propose, there is less room.
      const cut = await page.evaluate(
        `document.body.insertAdjacentHTML('beforeend', '<datalist id="some"><option value="one"></datalist>');
        [...document.querySelectorAll('.filters input')].filter((field) => {
          field.setAttribute('list', 'some');
          field.value = field.placeholder;
          return field.scrollWidth > field.clientWidth;
        }).map(({ placeholder }) => placeholder)`,
      );
      expect(cut).to.deep.equal([]);
    });

  for (const [name, path] of Object.entries(paths))
    it(`shows what others sent as text, is accessible in light and dark, and fits any screen: ${name}`, async () => {
      const { tab } = world;
      const { page } = tab;
      await tab.go(path());
      await page.locator('h1').waitFor();
      await shown[name]?.();
      await tab.expectAccessible();
      expect(await page.locator('main img, main script, main b').count()).to.equal(0);
      for (const width of [1_160, 870, 760, 390]) {
        await page.setViewportSize({ width, height: 800 });
        expect(await page.evaluate('document.documentElement.scrollWidth')).to.equal(width);
      }
      await page.setViewportSize({ width: 1_280, height: 900 });
      tab.expectQuiet();
    });
});
