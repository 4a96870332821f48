/** The files of the dashboard, read once: replacing its package does not change what a running router serves. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Log, refuse, token } from '@switchhook/sdk';
import type { Context } from 'koa';

/** The folder of the dashboard's files, absolute: `index.html` and what it links to. Without it, `/` is an unknown path. */
export type PageFiles = string;
export const PageFiles = token<PageFiles>('switchhook.PageFiles');

/** Serves the page and its files. False where the path is none of them. */
export type Pages = (ctx: Context, trustProxy: boolean) => boolean;

interface PageFile {
  readonly type: string;
  readonly body: Buffer;
  readonly zipped: Buffer;
  readonly etag: string;
}

/** What a browser may do on the page: load and request what this router serves, and nothing else. */
const policy = [
  "default-src 'none'",
  ...['script-src', 'style-src', 'connect-src', 'font-src', 'base-uri'].map((directive) => `${directive} 'self'`),
  "img-src 'self' data:",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
const headers = {
  'Content-Security-Policy': policy,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** Reads the folder. Throws where it, or `index.html` in it, cannot be read. */
export function readPages(folder: PageFiles): Pages {
  const html = readFileSync(join(folder, 'index.html'), 'utf8').replace(/<base\b[^>]*>/gi, '');
  const files = new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
      if (!entry.isFile()) return [];
      const file = join(entry.parentPath, entry.name);
      const path = `/${relative(folder, file).replaceAll(sep, '/')}`;
      return [[path, pageFile(file, readFileSync(file))] as const];
    }),
  );
  return (ctx, trustProxy) => {
    const isPage = ctx.path === '/' || ctx.path === '/index.html';
    const file = isPage ? pageFile('index.html', pageAt(html, baseOf(ctx, trustProxy))) : files.get(ctx.path);
    if (file === undefined) return false;
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.set('Allow', 'GET, HEAD');
      throw refuse('METHOD_NOT_ALLOWED', `method ${ctx.method}`);
    }
    ctx.set(headers);
    // The names of the assets contain the hash of their content.
    ctx.set('Cache-Control', /^\/assets\//.test(ctx.path) ? 'public, max-age=31536000, immutable' : 'no-cache');
    ctx.vary('Accept-Encoding');
    ctx.status = 200;
    ctx.etag = file.etag;
    if (ctx.fresh) {
      ctx.status = 304;
      return true;
    }
    const isZipped = file.zipped.length < file.body.length && ctx.acceptsEncodings('gzip', 'identity') === 'gzip';
    if (isZipped) ctx.set('Content-Encoding', 'gzip');
    ctx.type = file.type;
    ctx.body = isZipped ? file.zipped : file.body;
    return true;
  };
}

/** The same; null where they cannot be read: a router without its dashboard is still a router. */
export function pagesOrNull(folder: string, log: Log): Pages | null {
  try {
    return readPages(folder);
  } catch (error) {
    log.warn('dashboard.unread', { folder, error });
    return null;
  }
}

function pageFile(name: string, body: Buffer): PageFile {
  const etag = createHash('sha256').update(body).digest('base64url').slice(0, 22);
  return { type: extname(name), body, zipped: gzipSync(body), etag };
}

/** Links are relative to the base, and the base to the page, so that a proxy may serve it under any path. */
function pageAt(html: string, base: string): Buffer {
  return Buffer.from(html.replace(/<head\b[^>]*>/i, (head) => `${head}<base href="${base}">`));
}

/** Under the path that a trusted proxy has removed; unlike `./` it also holds where that path came without its last slash. */
function baseOf(ctx: Context, trustProxy: boolean): string {
  const prefix = trustProxy ? ctx.get('x-forwarded-prefix').replace(/\/+$/, '') : '';
  // A path and nothing else: it becomes part of the page.
  return /^(\/[\w.~-]+)+$/.test(prefix) ? `${prefix}/` : './';
}
