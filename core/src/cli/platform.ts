/** The platform that commands play: the sources of a configuration, against one router. */
import type { Config } from '../config/config.js';
import type { Fetch } from '../contract/tools.js';
import { systemClock } from '../runtime/clock.js';
import { Platform } from '../simulation/platform.js';
import { unopenedRouter } from './options.js';

/** Signs with the secrets of the configuration, and sends to the router at this URL. */
export function platformFor(config: Config, url: string, fetch: Fetch): Platform {
  const router = unopenedRouter(config);
  const sign = (source: string, body: Uint8Array) => router.signed(source, body);
  return new Platform({ sources: config.sources, sign, url, fetch, clock: systemClock });
}
