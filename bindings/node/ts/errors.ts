/**
 * What a call can fail with, as one tree:
 *
 *     AgentIdPError
 *     ├── AuthenticationError      401: no token, or one that is not accepted
 *     ├── PermissionDeniedError    403: the scope or the role is missing
 *     ├── NotFoundError            404, 410
 *     ├── ConflictError            409
 *     ├── ValidationError          400 and the like: `errors` names the fields
 *     ├── RateLimitError           429: `retryAfter` says when
 *     ├── ServerError              5xx
 *     ├── ApiConnectionError       no answer came
 *     ├── ApiTimeoutError          the call's time was up
 *     ├── AbortError               the caller's AbortSignal, `code` is `ABORT_ERR`
 *     ├── ConfigurationError       the client cannot be used as it is
 *     └── DecodingError            an answer that breaks the contract
 *
 * Owns the classes and which kind becomes which. Refuses to decide what is an error: the core does.
 */

/** What the caller can do about an error. Open: a newer core may know more kinds. */
export type ErrorKind =
  | 'authentication'
  | 'permission'
  | 'not_found'
  | 'conflict'
  | 'validation'
  | 'rate_limit'
  | 'server'
  | 'connection'
  | 'timeout'
  | 'cancelled'
  | 'configuration'
  | 'decoding'
  | (string & {});

/** An error as plain JSON: what {@link AgentIdPError.toJSON} gives. */
export interface ErrorRecord {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly message: string;
  readonly httpStatus: number | null;
  readonly requestId: string | null;
  readonly retryable: boolean;
  /** Seconds. */
  readonly retryAfter: number | null;
  readonly details: Readonly<Record<string, unknown>> | null;
  readonly oauthError: string | null;
  readonly retryCount: number;
  /** The answer's, names in lower case; cookies are left out. */
  readonly headers: Readonly<Record<string, string>> | null;
  readonly cause: string | null;
}

/** What an error is made of; only `code` and `message` must be given. */
export interface ErrorInit {
  readonly kind?: ErrorKind | undefined;
  readonly code: string;
  readonly message: string;
  readonly httpStatus?: number | null | undefined;
  readonly requestId?: string | null | undefined;
  readonly retryable?: boolean | undefined;
  readonly retryAfter?: number | null | undefined;
  readonly details?: Readonly<Record<string, unknown>> | null | undefined;
  readonly oauthError?: string | null | undefined;
  readonly retryCount?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | null | undefined;
  readonly cause?: unknown;
}

/** One field that was refused. */
export interface FieldError {
  readonly field: string;
  readonly reason: string;
}

/** Any failure of a call. */
export class AgentIdPError extends Error {
  /** What the caller can do about it. */
  readonly kind: ErrorKind;
  /** The contract's error code, such as `AGENT_NOT_FOUND`, or one of the SDK's own, such as `TIMEOUT`. */
  readonly code: string;
  /** The answer's status; undefined when no answer came. */
  readonly httpStatus: number | undefined;
  /** The answer's `X-Request-Id`: quote it to the operator. */
  readonly requestId: string | undefined;
  /** A later try may succeed. */
  readonly retryable: boolean;
  /** Seconds to wait before the next try, when the server said so. */
  readonly retryAfter: number | undefined;
  /** What the answer tells beyond its message. */
  readonly details: Readonly<Record<string, unknown>> | undefined;
  /** `error` of an OAuth endpoint's answer (RFC 6749 section 5.2). */
  readonly oauthError: string | undefined;
  /** Tries after the first. */
  readonly retryCount: number;
  /** The answer's headers, names in lower case, cookies left out; undefined when no answer came. */
  declare readonly headers: Readonly<Record<string, string>> | undefined;

  constructor(init: ErrorInit) {
    super(init.message, init.cause == null ? undefined : { cause: init.cause });
    this.kind = init.kind ?? 'server';
    this.code = init.code;
    this.httpStatus = init.httpStatus ?? undefined;
    this.requestId = init.requestId ?? undefined;
    this.retryable = init.retryable ?? false;
    this.retryAfter = init.retryAfter ?? undefined;
    this.details = init.details ?? undefined;
    this.oauthError = init.oauthError ?? undefined;
    this.retryCount = init.retryCount ?? 0;
    // There for who asks by name; a log of the error would be long with them.
    const headers = init.headers == null ? undefined : Object.freeze({ ...init.headers });
    Object.defineProperty(this, 'headers', { value: headers, enumerable: false });
  }

  /** The error as plain JSON, for logs; it never holds a secret. */
  toJSON(): ErrorRecord {
    return {
      kind: this.kind,
      code: this.code,
      message: this.message,
      httpStatus: this.httpStatus ?? null,
      requestId: this.requestId ?? null,
      retryable: this.retryable,
      retryAfter: this.retryAfter ?? null,
      details: this.details ?? null,
      oauthError: this.oauthError ?? null,
      retryCount: this.retryCount,
      headers: this.headers ?? null,
      cause: this.cause == null ? null : describe(this.cause),
    };
  }
}

/** No token, or one that the server does not accept; also a client id and secret that it does not know. */
export class AuthenticationError extends AgentIdPError {}

/** The caller is known but may not do this. */
export class PermissionDeniedError extends AgentIdPError {}

/** There is no such thing, or it belongs to another organization. */
export class NotFoundError extends AgentIdPError {}

/** The thing's state does not allow it. */
export class ConflictError extends AgentIdPError {}

/** The request breaks the contract. */
export class ValidationError extends AgentIdPError {
  /** Every field that was refused; empty when the fault is not in a field. */
  get errors(): readonly FieldError[] {
    const listed = this.details?.['errors'];
    if (Array.isArray(listed)) return listed as FieldError[];
    const { field, reason } = this.details ?? {};
    return typeof field === 'string' ? [{ field, reason: typeof reason === 'string' ? reason : this.message }] : [];
  }
}

/** Too many requests; `retryAfter` says for how many seconds to wait. */
export class RateLimitError extends AgentIdPError {}

/** The server failed. */
export class ServerError extends AgentIdPError {}

/** The server could not be reached, or hung up. */
export class ApiConnectionError extends AgentIdPError {}

/** The call's time was up, tries and waits included. */
export class ApiTimeoutError extends AgentIdPError {}

/** The call was aborted; `cause` is the signal's reason. */
export class AbortError extends AgentIdPError {}

/** The client is not configured, configured wrongly, or closed. */
export class ConfigurationError extends AgentIdPError {}

/** The answer is not what the contract says. */
export class DecodingError extends AgentIdPError {}

type ErrorClass = new (init: ErrorInit) => AgentIdPError;

const byKind: ReadonlyMap<string, ErrorClass> = new Map<string, ErrorClass>([
  ['authentication', AuthenticationError],
  ['permission', PermissionDeniedError],
  ['not_found', NotFoundError],
  ['conflict', ConflictError],
  ['validation', ValidationError],
  ['rate_limit', RateLimitError],
  ['server', ServerError],
  ['connection', ApiConnectionError],
  ['timeout', ApiTimeoutError],
  ['cancelled', AbortError],
  ['configuration', ConfigurationError],
  ['decoding', DecodingError],
]);

// Names stand on the prototypes, so that a minifier cannot change them and a log shows no field more.
for (const [name, type] of Object.entries({
  AgentIdPError,
  AuthenticationError,
  PermissionDeniedError,
  NotFoundError,
  ConflictError,
  ValidationError,
  RateLimitError,
  ServerError,
  ApiConnectionError,
  ApiTimeoutError,
  AbortError,
  ConfigurationError,
  DecodingError,
})) {
  Object.defineProperty(type.prototype, 'name', { value: name, configurable: true, writable: true });
}

/** @internal A function or a class: an error's stack begins above its frame. */
export type Frame = ((...args: never[]) => unknown) | (abstract new (...args: never[]) => unknown);

/**
 * The error of a record; its stack begins above `hide`, where the user's code is.
 *
 * @internal
 */
export function errorFrom(record: ErrorInit, hide: Frame): AgentIdPError {
  const type = byKind.get(record.kind ?? '') ?? AgentIdPError;
  const aborted = type === AbortError ? { code: 'ABORT_ERR' } : undefined;
  const error = new type({ ...record, ...aborted });
  Error.captureStackTrace(error, hide);
  return error;
}

/**
 * The error of an aborted signal.
 *
 * @internal
 */
export function abortError(reason: unknown, hide: Frame): AgentIdPError {
  return errorFrom({ kind: 'cancelled', code: 'ABORT_ERR', message: 'the call was aborted', cause: reason }, hide);
}

function describe(cause: unknown): string {
  if (typeof cause === 'string') return cause;
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : typeof cause;
}
