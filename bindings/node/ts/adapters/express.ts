/**
 * Express (and Connect, and bare `node:http`) middleware.
 *
 * Owns how a refusal is written to a Node response. Refuses to import Express: what it needs of a
 * request is written down here.
 */
import type { TokenVerifier } from '../verifier.js';
import { authorize, checked, isRefusal, note, type Refusal, type RequireTokenOptions } from './bearer.js';

export { tokenOf, type RequireTokenOptions } from './bearer.js';

/** What is needed of a request: Express's and Node's own have it. */
export interface RequestLike {
  readonly headers: { readonly authorization?: string | undefined };
}

/** What is needed of a response. */
export interface ResponseLike {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
}

/** Calls the next handler, or Express's error handler with an error. */
export type NextLike = (error?: unknown) => void;

/** A middleware. */
export type Middleware = (request: RequestLike, response: ResponseLike, next: NextLike) => void;

/**
 * Lets through who brings a token that `verifier` accepts; {@link tokenOf} gives it to the handler.
 * Others get 401, 403 or - while no key can be had - 503 as RFC 6750 says.
 *
 * @example
 * app.get('/reports', requireToken(verifier, { scopes: ['agents:read'] }), (request, response) => {
 *   response.json({ subject: tokenOf(request).subject });
 * });
 */
export function requireToken(verifier: TokenVerifier, options: RequireTokenOptions = {}): Middleware {
  const asked = checked(options, requireToken);
  return (request, response, next) => {
    authorize(verifier, request.headers.authorization, asked).then((outcome) => {
      if (isRefusal(outcome)) {
        write(response, outcome);
        return;
      }
      note(request, outcome);
      next();
    }, next);
  };
}

function write(response: ResponseLike, { status, headers, body }: Refusal): void {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader('content-type', 'application/json; charset=utf-8');
  response.end(JSON.stringify(body));
}
