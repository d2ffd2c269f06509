/** What a caller may set on a client and on one call. Owns the types alone: defaults live in the core. */
import type { ManualClock } from './clock.js';
import type { Logger } from './logging.js';

/** How a client is configured. What is left out comes from the environment, then from the defaults. */
export interface AgentIdPClientConfig {
  /** The server's address, `https` unless it is loopback. Environment: `AGENTIDP_BASE_URL`. */
  readonly baseUrl?: string | undefined;
  /** The agent's id. Environment: `AGENTIDP_CLIENT_ID`. */
  readonly clientId?: string | undefined;
  /** The client secret. Environment: `AGENTIDP_CLIENT_SECRET`. */
  readonly clientSecret?: string | undefined;
  /**
   * What the access token is asked for. Environment: `AGENTIDP_SCOPES`, separated by spaces.
   * Default: agents:read agents:write tokens:read audit:read.
   */
  readonly scopes?: readonly string[] | undefined;
  /** Milliseconds for one call, tries and waits included, at most 86400000. Default: 30000. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds until a connection must stand, at most 86400000. Default: 5000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Tries after the first, 0 to 10. Default: 2. */
  readonly retries?: number | undefined;
  /** Headers of every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Allow `http` to other machines. Default: false. */
  readonly allowInsecureHttp?: boolean | undefined;
  /** File with PEM certificates that are trusted besides the system's. Environment: `AGENTIDP_CA_BUNDLE`. */
  readonly caBundle?: string | undefined;
  /** File with the client's PEM certificate, and those that lead to its root; together with {@link clientKey}. */
  readonly clientCertificate?: string | undefined;
  /** File with the PEM key of {@link clientCertificate}. */
  readonly clientKey?: string | undefined;
  /**
   * A proxy's URL. Default: `HTTPS_PROXY`, `HTTP_PROXY`; `NO_PROXY` counts in both cases. In both cases, too, this
   * machine (loopback, `localhost`) is reached directly, unless the proxy is on it as well.
   */
  readonly proxy?: string | undefined;
  /**
   * Receives the log: `console`, winston and their like. Default: nothing is recorded. Records name
   * requests, never secrets; they arrive on this thread and keep no process alive.
   */
  readonly logger?: Logger | undefined;
  /**
   * The `traceparent` (W3C Trace Context) of a call, asked at its start. Default: the active span of
   * OpenTelemetry, when the application has set up `@opentelemetry/api`; with its `tracestate`.
   */
  readonly traceparent?: (() => string | null | undefined) | undefined;
  /** The clock of tests, from `@sentryagent/idp-sdk/testing`. Default: the system's. */
  readonly clock?: ManualClock | undefined;
}

/** What may be set on one call. */
export interface CallOptions {
  /** Milliseconds for the call, tries and waits included, at most 86400000. Default: the client's. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds until a connection must stand, at most 86400000. Default: the client's. */
  readonly connectTimeoutMs?: number | undefined;
  /** Tries after the first, 0 to 10. Default: the client's. */
  readonly retries?: number | undefined;
  /** More headers. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The `Idempotency-Key`, where the operation takes one. Default: one of the SDK's own making. */
  readonly idempotencyKey?: string | undefined;
  /** The `X-Request-Id`: 1 to 128 of `A-Za-z0-9._-`. */
  readonly requestId?: string | undefined;
  /** Stops the call on the wire; it then fails with an {@link AbortError}. */
  readonly signal?: AbortSignal | undefined;
}

/** An answer with what stood around it. */
export interface ApiResponse<T> {
  /** The value that the plain method returns. */
  readonly data: T;
  /** The HTTP status. */
  readonly status: number;
  /** Names in lower case; repeated headers are joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** The answer's `X-Request-Id`. */
  readonly requestId: string | undefined;
  /** Tries after the first. */
  readonly retryCount: number;
}
