/** The pictures of docs/dashboard.md: each view of the page, after six hours of traffic that are over in a minute. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@switchhook/core/internal';
import { type Clock, stringifyJson } from '@switchhook/sdk';
import type { Page } from 'playwright-core';
import { startBrowser } from '../support/browser.js';
import { type DashboardWorld, dashboardWorld } from '../support/dashboard.js';
import { ring } from '../support/phones.js';
import { mostPictureBytes, pictures, picturesFolder } from './pictures.js';
import { repository } from './source.js';

const minuteMs = 60_000;
const stepMs = 5 * minuteMs;
const steps = 72;
/** Ids, times and durations differ in each run: a picture with fewer pixels that differ is the same. */
const leastChange = 0.005;
/** Of a picture, and how high that of a longer view may be. */
const [width, height, mostHeight] = [1_100, 660, 1_000];
/** How long ago all of it was, for the page: ages do not differ from run to run. */
const agoMs = 5 * minuteMs;

/** Makes them. Those in which nothing has changed are left as they are. */
export async function writeScreenshots(): Promise<void> {
  const browser = await startBrowser();
  // Each step begins a minute after five whole ones, in each run.
  let behindMs = steps * stepMs + (systemClock.now() % stepMs) + 4 * minuteMs;
  const clock: Clock = {
    now: () => systemClock.now() - behindMs,
    elapsed: systemClock.elapsed,
    after: systemClock.after,
  };
  const world = await dashboardWorld(browser, {
    clock,
    crmAnswers: ({ json }) => {
      const text = stringifyJson(json()) ?? '';
      if (text.includes('unknown')) return { status: 422, body: 'no such customer' };
      return text.includes('outage') ? 503 : 200;
    },
  });
  for (let step = 0; step < steps; step += 1) {
    await traffic(world, step);
    behindMs -= stepMs;
  }
  const { page } = world.tab;
  await page.clock.setFixedTime(clock.now() + agoMs);
  // The page took each step for a restart of the router.
  await page.reload();
  await page.setViewportSize({ width, height });
  const paths = await pathsIn(world);
  // The folder has another name in each run.
  await page.route('**/api/configuration', async (route) => {
    const response = await route.fetch();
    await route.fulfill({
      response,
      body: (await response.text()).replace(/"file":"[^"]*\//, '"file":"/etc/switchhook/'),
    });
  });
  await mkdir(join(repository, picturesFolder), { recursive: true });
  for (const name of pictures) {
    await world.tab.go(paths[name] ?? name);
    await page.locator('h1').waitFor();
    if (name === 'live') await someEvent(world);
    await page.locator('.loading').first().waitFor({ state: 'detached' });
    await page.waitForLoadState('networkidle');
    await keep(
      join(repository, picturesFolder, `${name}.png`),
      await page.screenshot({ fullPage: true, clip: await shownOf(page) }),
      page,
    );
  }
  await world.close();
  await browser.close();
}

async function traffic({ send, until, url }: DashboardWorld, step: number): Promise<void> {
  const conversations = Math.round(3 + 2 * Math.sin(step / 9));
  for (let n = 0; n < conversations; n += 1) {
    const trouble = step === 40 ? 'outage' : n === 0 && (step === 55 || step === 69) ? 'unknown' : 'call';
    const conversationId = `conv_${trouble}_${step}_${n}`;
    await ring(url, n === 0 ? '+49301' : `+4930${step}${n}`);
    await send({ event: 'conversation_started', conversationId, duration: undefined });
    await send({ conversationId, duration: 40 + ((step * 7 + n * 31) % 90) });
  }
  type Row = { readonly waiting: number; readonly running: number };
  await until('status', ({ destinations }: { readonly destinations: readonly Row[] }) =>
    destinations.every(({ waiting, running }) => waiting + running === 0),
  );
}

/** Views that need more than their name. */
async function pathsIn({ url }: DashboardWorld): Promise<Readonly<Record<string, string>>> {
  const read = async (path: string) => JSON.parse(await (await fetch(`${url}/api/${path}`)).text());
  const [dead] = (await read('deliveries?state=dead&limit=1')).deliveries;
  const [call] = (await read('calls?number=%2B49301&limit=1')).calls;
  return {
    overview: '',
    event: `events/${dead.event}`,
    conversation: `conversations/${dead.subject}`,
    call: `calls/${call.id}`,
    try: `try?event=${dead.event}`,
  };
}

async function someEvent({ send, tab }: DashboardWorld): Promise<void> {
  await tab.page
    .getByText('Nothing has happened')
    .first()
    .waitFor({ timeout: 5_000 })
    .catch(() => {
      // It has shown something already.
    });
  for (const n of [1, 2, 3]) await send({ conversationId: `conv_live_${n}` });
  await tab.page.getByText('conv_live_3').first().waitFor();
}

/** All of a view that is not much longer than the window; of others, the top. */
async function shownOf(page: Page): Promise<{ readonly x: 0; readonly y: 0; width: number; height: number }> {
  const whole = Number(await page.evaluate('document.documentElement.scrollHeight'));
  return { x: 0, y: 0, width, height: Math.min(whole, mostHeight) };
}

async function keep(file: string, picture: Buffer, page: Page): Promise<void> {
  if (picture.length > mostPictureBytes) throw new Error(`${file} has ${picture.length} bytes`);
  if (existsSync(file) && (await difference(page, await readFile(file), picture)) < leastChange) return;
  await writeFile(file, picture);
}

/** Which share of the pixels differs, measured by the browser. */
async function difference(page: Page, before: Buffer, after: Buffer): Promise<number> {
  const context = await page.context().browser()?.newContext();
  const blank = await context?.newPage();
  if (context === undefined || blank === undefined) throw new Error('the browser has ended');
  const sources = [before, after].map((picture) => `data:image/png;base64,${picture.toString('base64')}`);
  const share = await blank.evaluate(`(async () => {
    const [a, b] = await Promise.all(${JSON.stringify(sources)}.map(async (source) => {
      const image = new Image();
      image.src = source;
      await image.decode();
      const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d');
      canvas.drawImage(image, 0, 0);
      return canvas.getImageData(0, 0, image.width, image.height).data;
    }));
    if (a.length !== b.length) return 1;
    let differing = 0;
    for (let at = 0; at < a.length; at += 4)
      if (a[at] !== b[at] || a[at + 1] !== b[at + 1] || a[at + 2] !== b[at + 2]) differing += 1;
    return differing / (a.length / 4);
  })()`);
  await context.close();
  return Number(share);
}
