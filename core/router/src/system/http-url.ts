/** URLs of routers. */

/** The URL of a server: an IPv6 address is in brackets. */
export function httpUrl(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
