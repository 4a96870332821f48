/** The files of docs/operating/deploy, and what is changed in those of proxies to try them on this machine. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repository } from '../architecture/source.js';

/** Absolute path of the folder. */
export const deployFolder = join(repository, 'docs/operating/deploy');

/** The text of a file there. */
export function deployFile(name: string): string {
  return readFileSync(join(deployFolder, name), 'utf8');
}

/** Where a proxy listens, and the routers behind it: all on loopback, without TLS. */
export interface Trial {
  readonly port: number;
  readonly routers: readonly number[];
  /** For its own files. */
  readonly directory: string;
}

/** A proxy: its file, and how its program checks it and runs it. */
export interface ReverseProxy {
  readonly name: string;
  readonly file: string;
  /** The configuration with the certificate of this path (certificate and key), otherwise as it is. */
  checked(text: string, certificate: string): string;
  /** Arguments that check the configuration in a file. */
  check(file: string): readonly string[];
  /** The configuration for a trial. */
  tried(text: string, trial: Trial): string;
  /** Arguments that run it in the foreground. */
  run(file: string): readonly string[];
}

const nginxAround = (inside: string, directory: string): string => {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const paths = kinds.map((kind) => `  ${kind}_temp_path ${directory};`).join('\n');
  return `pid ${directory}/nginx.pid;\ndaemon off;\nerror_log stderr;\nevents {}\nhttp {\n${paths}\n${inside}}\n`;
};

export const proxies: readonly ReverseProxy[] = [
  {
    name: 'caddy',
    file: 'Caddyfile',
    checked: (text) => text,
    check: (file) => ['validate', '--adapter', 'caddyfile', '--config', file],
    tried: (text, { port, routers }) =>
      `{\n\tadmin off\n}\n${text}`
        .replace(/\{\$SITE:[^}]*\}/, `http://127.0.0.1:${port}`)
        .replace(/\{\$ROUTERS:[^}]*\}/, routers.map((router) => `127.0.0.1:${router}`).join(' ')),
    run: (file) => ['run', '--adapter', 'caddyfile', '--config', file],
  },
  {
    name: 'nginx',
    file: 'nginx.conf',
    checked: (text, certificate) =>
      nginxAround(text.replaceAll(/\/etc\/ssl\/\S+\.(pem|key)/g, certificate), dirname(certificate)),
    check: (file) => ['-t', '-c', file],
    tried: (text, { port, routers, directory }) =>
      nginxAround(
        text
          .replace('listen 443 ssl;', `listen 127.0.0.1:${port};`)
          .replaceAll(/^ *ssl_.*\n/gm, '')
          .replace(/^ *server 127[^\n]*$/m, (line) =>
            routers.map((router) => line.replace('8080', String(router))).join('\n'),
          ),
        directory,
      ),
    run: (file) => ['-c', file],
  },
  {
    name: 'haproxy',
    file: 'haproxy.cfg',
    checked: (text, certificate) => text.replaceAll(/\/etc\/haproxy\/\S+\.pem/g, certificate),
    check: (file) => ['-c', '-f', file],
    tried: (text, { port, routers }) =>
      text
        .replace(/bind :443 .*$/m, `bind 127.0.0.1:${port}`)
        .replace(/^ *server router-1 .*$/m, (line) =>
          routers
            .map((router, at) => line.replace('router-1', `router-${at + 1}`).replace('8080', String(router)))
            .join('\n'),
        ),
    run: (file) => ['-db', '-f', file],
  },
];
