/** URLs and hosts of routers. */

const loopbackAddress = /^(::ffff:)?127\.\d+\.\d+\.\d+$|^::1$/;
const loopbackHost = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i;

/** Whether an address is of this machine. */
export function isLoopbackAddress(address: string): boolean {
  return loopbackAddress.test(address);
}

/** Whether the host of a URL, with or without a port, is this machine. */
export function isLoopbackHost(host: string): boolean {
  return loopbackHost.test(host);
}

/** Whether a server at this host is reached from its own machine only. */
export function isLoopback(host: string): boolean {
  return isLoopbackHost(host) || isLoopbackAddress(host);
}

/** The URL of a server: an IPv6 address is in brackets. */
export function httpUrl(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
