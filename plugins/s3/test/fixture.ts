/** An `s3.archive` beside the imitation of S3 and a server of files. */
import plugin from '@switchhook/plugin-s3';
import type { Delivery, HttpClient, JsonObject } from '@switchhook/sdk';
import { aDelivery, anEvent, createComponent, fakeServices, receiver } from '@switchhook/testkit';
import { bucket, keys, s3 } from './imitation.js';

export const [component] = plugin.components;
export const recording = 'RIFF\0the sound of a call';
export const wav = { status: 200, headers: { 'content-type': 'audio/wav' }, body: recording };
export const linkToken = 'X-Amz-Signature=a-token-of-the-link';

export async function setup(options: JsonObject = {}, given: { readonly http?: HttpClient } = {}) {
  const services = fakeServices(given);
  const far = await s3(() => services.clock.now());
  const files = await receiver(() => wav);
  const row = {
    bucket,
    ...keys,
    endpoint: far.far.url,
    allowPrivate: true,
    url: '${{ event.data.call.recording_url }}',
    key: 'calls/${{ event.subject }}.wav',
  };
  return {
    ...far,
    services,
    files,
    link: `${files.url}/call_1/recording.wav?${linkToken}`,
    destination: createComponent('destination', component, { ...row, ...options }, services),
    close: async () => {
      await far.far.close();
      await files.close();
      await services.close();
    },
  };
}

/** A delivery of Retell's event about a call with a recording. */
export function delivery(url: string, subject = 'call_1', id = subject): Delivery {
  const data = { event: 'call_ended', call: { call_id: subject, recording_url: url } };
  return aDelivery({ id: `${id}.0`, event: anEvent({ id, key: id, type: 'call_ended', subject, data }) });
}
