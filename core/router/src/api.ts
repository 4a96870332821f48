/** Requests and responses of the admin API, as zod schemas and types. */
export { longestPage } from './api/requests.js';
export {
  callAnswer,
  callList,
  type Delivery,
  type DeliveryDetails,
  type DeliveryList,
  type DestinationStatus,
  deliveryDetails,
  deliveryList,
  duplicateList,
  type Event,
  type Explanation,
  eventDetails,
  eventList,
  explanationList,
  problem,
  type Readable,
  type Replay,
  replay,
  type Status,
  status,
} from './api/responses.js';
