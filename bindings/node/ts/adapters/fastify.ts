/**
 * A Fastify hook, for `onRequest` or `preHandler`.
 *
 * Owns how a refusal becomes a reply. Refuses to import Fastify: what it needs of a request is
 * written down here.
 */
import type { TokenVerifier } from '../verifier.js';
import { authorize, checked, isRefusal, note, type RequireTokenOptions } from './bearer.js';

export { tokenOf, type RequireTokenOptions } from './bearer.js';

/** What is needed of a request. */
export interface RequestLike {
  readonly headers: { readonly authorization?: string | undefined };
}

/** What is needed of a reply. */
export interface ReplyLike {
  code(status: number): unknown;
  headers(values: Record<string, string>): unknown;
  send(body: unknown): unknown;
}

/** A hook. */
export type Hook = (request: RequestLike, reply: ReplyLike) => Promise<unknown>;

/**
 * Lets through who brings a token that `verifier` accepts; {@link tokenOf} gives it to the handler.
 * Others get 401, 403 or - while no key can be had - 503 as RFC 6750 says.
 *
 * @example
 * app.get('/reports', { onRequest: requireToken(verifier, { scopes: ['agents:read'] }) }, (request) => ({
 *   subject: tokenOf(request).subject,
 * }));
 */
export function requireToken(verifier: TokenVerifier, options: RequireTokenOptions = {}): Hook {
  const asked = checked(options, requireToken);
  return async (request, reply) => {
    const outcome = await authorize(verifier, request.headers.authorization, asked);
    if (!isRefusal(outcome)) {
      note(request, outcome);
      return undefined;
    }
    reply.code(outcome.status);
    reply.headers({ ...outcome.headers });
    reply.send(outcome.body);
    // A hook that has answered says so by returning the reply.
    return reply;
  };
}
