// The same functions for `import`.
export {
  requireToken,
  tokenOf,
  type Hook,
  type ReplyLike,
  type RequestLike,
  type RequireTokenOptions,
} from './fastify.js';
