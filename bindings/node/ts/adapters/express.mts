// The same functions for `import`.
export {
  requireToken,
  tokenOf,
  type Middleware,
  type NextLike,
  type RequestLike,
  type RequireTokenOptions,
  type ResponseLike,
} from './express.js';
