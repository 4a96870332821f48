/** A router with traffic, the page in front of it, and a tab of a browser: what tests of the page have in common. */
import { createRequire } from 'node:module';
import { PageFiles, type RouterOptions } from '@switchhook/core';
import { pageFolder } from '@switchhook/dashboard';
import { Clock } from '@switchhook/sdk';
import { type Receiver, receiver } from '@switchhook/testkit';
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { startBrowser } from './browser.js';
import { eventually } from './eventually.js';
import { type PageServer, pageServer } from './page-server.js';
import { token as callToken } from './phones.js';
import { endedBody, postSigned, secret } from './signing.js';
import { type Workplace, workplace } from './workplace.js';

/** A world with a page. */
export interface DashboardWorld {
  readonly place: Workplace;
  readonly url: string;
  readonly pages: PageServer;
  /** Receives deliveries of `crm`, and answers as the test says. */
  readonly crm: Receiver;
  readonly tab: Tab;
  /** Sends an event and returns its id. */
  send(given?: Readonly<Record<string, unknown>>): Promise<string>;
  /** Ends the router and starts another one with the same store. `between`: while there is none. */
  restart(between: () => Promise<void>): Promise<void>;
  /** The text that its router runs with. */
  readonly configuration: string;
  /** Reads the API until `isIt`. */
  until(path: string, isIt: (reply: never) => boolean): Promise<void>;
  close(): Promise<void>;
}

export interface DashboardOptions {
  /** Default: one that rejects nothing. */
  readonly crmAnswers?: Parameters<typeof receiver>[0];
  readonly mount?: string;
  readonly admin?: string;
  /** As behind a proxy that the configuration does not name. */
  readonly forwarded?: boolean;
  readonly dark?: boolean;
  readonly width?: number;
  /** Of the router. */
  readonly clock?: Clock;
  /** A row of YAML; default: SQLite. */
  readonly store?: string;
  /** Further options of `crm`, each on a line of its own. */
  readonly crm?: readonly string[];
  /** Of the router, among those of its store. */
  readonly name?: string;
}

const usualStore = '{ use: sqlite, path: ./switchhook.db }';

const yaml = (
  crm: Receiver,
  customers: Receiver,
  { admin, name, store = usualStore, crm: more = [] }: DashboardOptions,
) => `
version: 1
server:
  host: 127.0.0.1
  port: 0
  ${admin === undefined ? '' : `admin: { token: ${admin} }`}
  ${name === undefined ? '' : `name: ${name}`}
store: ${store}
sources:
  agents: { use: sigmamind.events, secrets: [${secret}] }
  calls: { use: sigmamind.call, token: ${callToken} }
destinations:
  crm:
    use: http.post
    url: ${crm.url}/calls
    retry: { attempts: 2, first: 10ms, max: 10ms }
    breaker: false
${more.map((line) => `    ${line}\n`).join('')}  console: { use: log }
resolvers:
  customer: { use: http.lookup, url: "${customers.url}/customers?phone=\${{ call.from }}", allowPrivate: true }
routes:
  - { name: finished, from: agents, on: conversation_ended, where: event.data.duration > 30, to: crm }
  - { name: journal, to: console }
answers:
  - { name: nights, from: calls, where: 'call.to == "+1"', defaults: { first_name: there } }
  - name: sales
    from: calls
    resolve: customer
    within: 2s
    variables: { first_name: "\${{ customer.name }}", tier: "\${{ customer.tier }}" }
    defaults: { first_name: there, tier: standard }
`;

/** As the command does it. */
const served = ({ clock }: DashboardOptions): RouterOptions => ({
  configure: (container) => {
    container.register(PageFiles, { useValue: pageFolder });
    if (clock !== undefined) container.register(Clock, { useValue: clock });
  },
});

/** Opens one. */
export async function dashboardWorld(browser: Browser, options: DashboardOptions = {}): Promise<DashboardWorld> {
  const { crmAnswers, mount, admin, forwarded = false } = options;
  const place = await workplace();
  const crm = await receiver(crmAnswers);
  const customers = await receiver(({ path }) =>
    path.endsWith('%2B49301') ? { status: 200, body: JSON.stringify({ name: 'Ada' }) } : 404,
  );
  const configuration = yaml(crm, customers, options);
  const { router, url } = await place.router(configuration, served(options));
  let current = url;
  const pages = await pageServer(url, { ...(mount && { mount }), forwarded });
  const tab = await openTab(browser, pages.url, options);
  const headers = admin === undefined ? {} : { authorization: `Bearer ${admin}` };
  return {
    ...{ place, url, pages, crm, tab, configuration },
    send: async (given = {}) => String((await postSigned(`${current}/hooks/agents`, endedBody(given))).body.id),
    until: async (path, isIt) => {
      for (let done = false; !done; ) {
        const response = await fetch(`${current}/api/${path}`, { headers });
        done = isIt((await response.json()) as never);
      }
    },
    restart: async (between) => {
      pages.use(null);
      await router.close();
      await between();
      current = (await place.router(configuration, served(options))).url;
      pages.use(current);
    },
    close: async () => {
      await tab.page.context().close();
      await pages.close();
      await place.close();
      await Promise.all([crm.close(), customers.close()]);
    },
  };
}

/** A tab of the browser that notes what must not happen. */
export interface Tab {
  readonly page: Page;
  /** Goes to a place of the page, e.g. `events?type=x`. */
  go(path: string): Promise<void>;
  /** Fails where the console has an error, a request left the origin, or a dialog of the browser was opened. */
  expectQuiet(): void;
  /** Fails where a rule of WCAG 2.2 AA is broken, in light or dark. */
  expectAccessible(): Promise<void>;
}

const axe = createRequire(import.meta.url).resolve('axe-core');

async function openTab(browser: Browser, url: string, { dark = false, width = 1_280 }: DashboardOptions): Promise<Tab> {
  const context = await browser.newContext({
    colorScheme: dark ? 'dark' : 'light',
    viewport: { width, height: 900 },
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error.stack)));
  page.on('dialog', (dialog) => {
    faults.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (line) => {
    // The browser reports every refused request by itself.
    if (line.type() === 'error' && !/^Failed to load resource/.test(line.text())) faults.push(line.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url)) faults.push(`request to ${request.url()}`);
  });
  await page.goto(url);
  return {
    page,
    go: async (path) => {
      await page.goto(`${url}#/${path}`);
    },
    expectQuiet: () => expect(faults).to.deep.equal([]),
    expectAccessible: async () => {
      await page.locator('.loading').first().waitFor({ state: 'detached' });
      // Through the debugger: the page's own policy allows no script of others.
      await page.evaluate(await axeSource());
      const found = [
        await violations(
          page,
          "{ type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }",
        ),
      ];
      await page.emulateMedia({ colorScheme: dark ? 'light' : 'dark' });
      // Nothing but colours differs.
      found.push(await violations(page, "['color-contrast']"));
      await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
      expect(found.flat(), page.url()).to.deep.equal([]);
    },
  };
}

function violations(page: Page, runOnly: string): Promise<readonly string[]> {
  const text =
    '({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`))';
  return page.evaluate(`axe.run({ runOnly: ${runOnly} }).then(${text})`);
}

let source: Promise<string> | null = null;
function axeSource(): Promise<string> {
  source ??= import('node:fs/promises').then(({ readFile }) => readFile(axe, 'utf8'));
  return source;
}

/** For the tests of a suite: makes a world for one, in a browser that all of them share, and closes it after that test. */
export function dashboardWorlds(): (options?: DashboardOptions) => Promise<DashboardWorld> {
  let browser: Browser;
  let world: DashboardWorld | null = null;
  before(async () => {
    browser = await startBrowser();
  });
  afterEach(async () => {
    await world?.close();
    world = null;
  });
  after(() => browser.close());
  return async (options = {}) => {
    world = await dashboardWorld(browser, options);
    return world;
  };
}

/** Waits until an expression is true in the page. Not by `waitForFunction`, whose repeated looks the page's policy forbids. */
export async function becomes(page: Page, expression: string): Promise<void> {
  await eventually(async () => (await page.evaluate(expression)) === true);
}
