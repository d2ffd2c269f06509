// The same classes for `import`.
export { ManualClock, MockClock, MockServer, type Fault, type MockServerOptions, type SeenRequest } from './testing.js';
