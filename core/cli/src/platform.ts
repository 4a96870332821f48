/** The platform whose requests a command sends. */
import type { Config } from '@switchhook/core';
import { systemClock } from '@switchhook/core/client';
import type { HttpClient } from '@switchhook/sdk';
import { Platform } from '@switchhook/simulator';
import { unopenedRouter } from './local-router.js';

/** Signs with the secrets of the configuration, and sends to the router at this URL. */
export function platformFor(config: Config, url: string, http: HttpClient): Platform {
  const router = unopenedRouter(config);
  const sign = (source: string, body: Uint8Array) => router.signed(source, body);
  return new Platform({ sources: config.sources, sign, url, http, clock: systemClock });
}
