/** Requests and responses of the admin API, as zod schemas and types. */
export { longestPage } from './api/requests.js';
export {
  callAnswer,
  callList,
  type Delivery,
  type DeliveryList,
  type DeliveryStory,
  deliveryList,
  deliveryStory,
  duplicateList,
  type Event,
  type Explanation,
  eventList,
  eventStory,
  explanationList,
  type Lane,
  problem,
  type Readable,
  type Replay,
  replay,
  type Status,
  status,
} from './api/responses.js';
