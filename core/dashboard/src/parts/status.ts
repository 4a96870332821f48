/** The status of the router, read all the time: the frame and the overview show it. */
import { api } from '../model/api.js';
import type { Status } from '../model/replies.js';
import { type Resource, useResource } from './resource.js';

const everyMs = 2_000;

export function useStatus(): Resource<Status> {
  return useResource(
    'status',
    (signal) => api<Status>('status', { signal }),
    () => everyMs,
  );
}
