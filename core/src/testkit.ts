/** The door for testing plugins: conformance suites, fakes for time and log, and a real HTTP receiver. */
export { type DestinationWorld, destinationSuite } from './testkit/destination-suite.js';
export { FakeClock, FakeLog, FakeMetrics, type LogLine, settled } from './testkit/fakes.js';
export { type Behaviour, type ReceivedRequest, type Receiver, type Response, receiver } from './testkit/receiver.js';
export { type ResolverWorld, resolverSuite } from './testkit/resolver-suite.js';
export { type SourceWorld, sourceSuite } from './testkit/source-suite.js';
export { followHistory, type Step } from './testkit/store-model.js';
export { storeSuite } from './testkit/store-suite.js';
export type { StoreWorld } from './testkit/store-world.js';
export {
  aCall,
  aDelivery,
  anEvent,
  aRequest,
  createComponent,
  type FakeTools,
  fakeTools,
} from './testkit/world.js';
