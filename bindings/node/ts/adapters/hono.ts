/**
 * Hono middleware.
 *
 * Owns how a refusal becomes a `Response`. Refuses to import Hono: what it needs of a context is
 * written down here. It runs where the SDK's native part does: Node, Bun, Deno.
 */
import type { TokenVerifier } from '../verifier.js';
import { authorize, checked, isRefusal, note, type RequireTokenOptions } from './bearer.js';

export { tokenOf, type RequireTokenOptions } from './bearer.js';

/** What is needed of a context. */
export interface ContextLike {
  readonly req: { header(name: string): string | undefined };
}

/** A middleware. */
export type Middleware = (context: ContextLike, next: () => Promise<void>) => Promise<Response | undefined>;

/**
 * Lets through who brings a token that `verifier` accepts; {@link tokenOf} gives it to the handler.
 * Others get 401, 403 or - while no key can be had - 503 as RFC 6750 says.
 *
 * @example
 * app.get('/reports', requireToken(verifier, { scopes: ['agents:read'] }), (context) =>
 *   context.json({ subject: tokenOf(context).subject }),
 * );
 */
export function requireToken(verifier: TokenVerifier, options: RequireTokenOptions = {}): Middleware {
  const asked = checked(options, requireToken);
  return async (context, next) => {
    const outcome = await authorize(verifier, context.req.header('authorization'), asked);
    if (isRefusal(outcome)) {
      return Response.json(outcome.body, { status: outcome.status, headers: outcome.headers });
    }
    note(context, outcome);
    await next();
    return undefined;
  };
}
