/** The door for testing plugins: conformance suites, fakes for time and log, and a real HTTP receiver. */

export { FakeClock, FakeLog, FakeMetrics, type LogLine, settled } from './fakes.js';
export {
  aCall,
  aDelivery,
  anEvent,
  aRequest,
  createComponent,
  eventOf,
  type FakeServices,
  fakeServices,
  refusalOf,
  signedRequest,
} from './fixtures.js';
export {
  type Behaviour,
  cutOffResponse,
  type ReceivedRequest,
  type Receiver,
  type Response,
  receiver,
} from './receiver.js';
export {
  type CallAnswer,
  type LoggedAttempt,
  runRouter,
  type TestRouter,
  type TestRouterOptions,
} from './router.js';
export { type CallSourceFixture, callSourceSuite } from './suites/call-source.js';
export { type DestinationFixture, destinationSuite } from './suites/destination.js';
export { type PullingFixture, pullingSuite } from './suites/pulling.js';
export { type ResolverFixture, resolverSuite } from './suites/resolver.js';
export { type SourceFixture, sourceSuite } from './suites/source.js';
export type { StoreFixture } from './suites/store/fixtures.js';
export { aClaim, aNewDelivery, anEntry, startMs } from './suites/store/fixtures.js';
export { followHistory, type Step } from './suites/store/model.js';
export { storeSuite } from './suites/store/suite.js';
export { transformSuite } from './suites/transform.js';
