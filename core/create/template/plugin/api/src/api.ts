/** What the components that call the API share: its address, its token, and how it is called. */
import { type Clock, type HttpClient, JsonApi, secret, z } from '@switchhook/sdk';

export const accountOptions = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).meta({ description: 'URL of the API, without a slash at its end.' }),
  token: secret('Token of the API.'),
});

/** A request that the API refuses throws, with the text that `reasonIn` finds in its body. */
export function apiOf(
  { url, token }: z.output<typeof accountOptions>,
  services: { readonly http: HttpClient; readonly clock: Clock },
): JsonApi {
  return new JsonApi({
    ...services,
    baseUrl: url,
    headers: { authorization: `Bearer ${token}` },
    reasonIn: ({ message }) => (typeof message === 'string' ? message : null),
  });
}
