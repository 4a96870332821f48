/** The files of the dashboard that a router serves. */
import { Log } from '@switchhook/sdk';
import { PageFiles, type Pages, readPages } from '../http/page-files.js';
import type { Container } from './container.js';

/** A router without its dashboard is still a router. */
export function servedPages(container: Container): Pages | null {
  if (!container.has(PageFiles)) return null;
  const [folder, log] = [container.get(PageFiles), container.get(Log)];
  try {
    return readPages(folder);
  } catch (error) {
    log.warn('dashboard.unread', { folder, error });
    return null;
  }
}
