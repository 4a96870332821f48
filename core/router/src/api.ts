/** Requests and responses of the admin API, as zod schemas and types. */
export { type Discard, discard, discardList, type Replay, replay, replayList } from './api/bulk-changes.js';
export { callAnswer, callList } from './api/call-responses.js';
export {
  type AnswerList,
  answerList,
  type ComponentList,
  type Configuration,
  componentList,
  configuration,
  type ErrorList,
  errorList,
  type Installed,
} from './api/configuration-responses.js';
export { type ErasureDetails, type ErasureRow, erasure, erasureList } from './api/erasure-responses.js';
export { type EventSearch, eventList } from './api/event-list.js';
export { type History, history } from './api/history-responses.js';
export {
  capture,
  type RefusedRequest,
  refusalGroupList,
  refusedList,
  type SourceStatus,
} from './api/refused-responses.js';
export { type ReloadReport, type RestartReport, reloadReport, restartReport } from './api/reload-responses.js';
export { longestPage, type ReloadRequest } from './api/requests.js';
export {
  type ChangePage,
  type ConfigProblem,
  changePage,
  type DeadGroupList,
  type Delivery,
  type DeliveryDetails,
  type DeliveryList,
  deadGroupList,
  deliveryDetails,
  deliveryList,
  duplicateList,
  type Event,
  eventBody,
  eventDetails,
  type Hold,
  incompleteList,
  problem,
  type Readable,
} from './api/responses.js';
export { type Explanation, explanationList, routeList } from './api/route-responses.js';
export {
  type DestinationStatus,
  destinationStatus,
  type Probe,
  probe,
  type ResolverStatus,
  resolverStatus,
  type Status,
  status,
  statusRow,
  type Trouble,
} from './api/status-responses.js';
export { type SampleList, sampleList, sent } from './api/trial-responses.js';
