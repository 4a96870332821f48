/** Components that are asked in the process of a command. */
import type { Router } from '../runtime/router.js';
import type { Output } from './output.js';

/** Opens a router's components, but not its store, and closes them after use. */
export async function withComponents<T>(router: Router, output: Output, use: () => Promise<T>): Promise<T> {
  // As in `start`: what a plugin throws where nobody can catch it does not end the process.
  const told = new Set<string>();
  const tell = (error: unknown): void => {
    const text = strayText(error);
    if (!told.has(text)) output.note(`process.error-uncaught: ${text}`);
    told.add(text);
  };
  process.on('unhandledRejection', tell);
  process.on('uncaughtException', tell);
  try {
    await router.openComponents();
    return await use();
  } finally {
    await router.close();
    // A rejection is told when the process comes to rest, not before.
    await new Promise(setImmediate);
    process.off('unhandledRejection', tell);
    process.off('uncaughtException', tell);
  }
}

/** What it is, and whose. */
function strayText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const place = /^\s+(at .*)$/m.exec(error.stack ?? '')?.[1];
  return `${error.message}${place === undefined ? '' : ` (${place})`}`;
}
