/**
 * What the adapters of all frameworks share: from a request's `Authorization` to a verified token or
 * to the answer that refuses it (RFC 6750).
 *
 * Owns status, headers and body of a refusal. Refuses to know a framework.
 */
import { AgentIdPError, ConfigurationError, errorFrom, type Frame } from '../errors.js';
import { isTexts } from '../given.js';
import type { TokenVerifier, VerifiedToken } from '../verifier.js';

/** What a route asks of its callers. */
export interface RequireTokenOptions {
  /** Scopes that the token needs, besides those of the verifier. */
  readonly scopes?: readonly string[] | undefined;
  /** The `realm` that refusals name. Default: none. */
  readonly realm?: string | undefined;
}

/** The answer to a caller who may not. */
export interface Refusal {
  readonly status: 401 | 403 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly code: string; readonly message: string };
}

/** @internal Seconds after which a caller may ask again when no key could be had and nobody said when. */
const RETRY_AFTER_SECONDS = 5;

/** The scheme in any case, one or more spaces, the token. */
const BEARER = /^bearer +(\S+) *$/i;
const SCHEME = /^bearer( |$)/i;

/** What does not stand in a quoted string as it is. */
const UNQUOTED = /[^\x20-\x21\x23-\x5b\x5d-\x7e]/g;

/** @internal The same options; what is wrong with them is told when the route is made, and to no caller. */
export function checked(options: RequireTokenOptions, hide: Frame): RequireTokenOptions {
  const given: unknown = options;
  const message =
    typeof given !== 'object' || given === null
      ? "the options must be an object, such as { scopes: ['agents:read'] }"
      : options.scopes != null && !isTexts(options.scopes)
        ? 'scopes must be a list of strings'
        : undefined;
  if (message === undefined) return options;
  throw errorFrom({ kind: 'configuration', code: 'CONFIGURATION_ERROR', message }, hide);
}

/** @internal A verified token, or a refusal; faults of the configuration are thrown: they are the host's. */
export async function authorize(
  verifier: TokenVerifier,
  authorization: string | undefined,
  { scopes = [], realm }: RequireTokenOptions,
): Promise<VerifiedToken | Refusal> {
  const challenge = (parameters: Readonly<Record<string, string>>) =>
    bearer({ ...(realm && { realm }), ...parameters });
  if (authorization === undefined || !SCHEME.test(authorization)) {
    return refusal(401, 'UNAUTHORIZED', 'a bearer token is needed', { 'www-authenticate': challenge({}) });
  }
  try {
    const [, token = ''] = BEARER.exec(authorization) ?? [];
    return await verifier.verify(token, { requiredScopes: scopes });
  } catch (error) {
    return refused(error, scopes, challenge);
  }
}

/** @internal */
export function isRefusal(outcome: VerifiedToken | Refusal): outcome is Refusal {
  return 'status' in outcome && 'body' in outcome;
}

function refused(
  error: unknown,
  scopes: readonly string[],
  challenge: (parameters: Readonly<Record<string, string>>) => string,
): Refusal {
  if (!(error instanceof AgentIdPError) || error instanceof ConfigurationError) throw error;
  if (error.code === 'INVALID_TOKEN') {
    const parameters = { error: 'invalid_token', error_description: error.message };
    return refusal(401, 'UNAUTHORIZED', error.message, { 'www-authenticate': challenge(parameters) });
  }
  if (error.code === 'INSUFFICIENT_SCOPE' && error.oauthError === 'insufficient_scope') {
    const listed = error.details?.['requiredScopes'];
    const scope = (Array.isArray(listed) ? (listed as string[]) : scopes).join(' ');
    const parameters = { error: 'insufficient_scope', scope };
    return refusal(403, 'INSUFFICIENT_SCOPE', error.message, { 'www-authenticate': challenge(parameters) });
  }
  // No key could be had, or nobody could say whether the token was revoked: that is not the caller's fault.
  const seconds = Math.max(1, Math.ceil(error.retryAfter ?? RETRY_AFTER_SECONDS));
  return refusal(503, 'SERVICE_UNAVAILABLE', 'tokens cannot be verified at the moment', {
    'retry-after': String(seconds),
  });
}

function bearer(parameters: Readonly<Record<string, string>>): string {
  const written = Object.entries(parameters).map(([name, value]) => `${name}="${value.replace(UNQUOTED, '')}"`);
  return ['Bearer', written.join(', ')].join(' ').trimEnd();
}

function refusal(
  status: Refusal['status'],
  code: string,
  message: string,
  headers: Readonly<Record<string, string>>,
): Refusal {
  return { status, headers: { ...headers, 'cache-control': 'no-store' }, body: { code, message } };
}

const tokens = new WeakMap<object, VerifiedToken>();

/** @internal Notes whose token a request carried. */
export function note(request: object, token: VerifiedToken): void {
  tokens.set(request, token);
}

/**
 * The token that `requireToken` verified for this request.
 *
 * @throws {Error} when `requireToken` does not stand before this handler.
 */
export function tokenOf(request: object): VerifiedToken {
  const token = tokens.get(request);
  if (token === undefined)
    throw new Error('no token was verified for this request: put requireToken before its handler');
  return token;
}
