// The same functions for `import`.
export { requireToken, tokenOf, type ContextLike, type Middleware, type RequireTokenOptions } from './hono.js';
