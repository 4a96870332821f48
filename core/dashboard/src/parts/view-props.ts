/** What every view is given. */

import type { Place } from '../model/location.js';
import type { Status } from '../model/replies.js';
import type { Resource } from './resource.js';

/** The present place, and the status of the router. */
export interface ViewProps {
  readonly place: Place;
  readonly status: Resource<Status>;
}
