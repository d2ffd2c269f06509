/**
 * Client for SentryAgent AgentIdP, the identity provider for AI agents.
 *
 * @packageDocumentation
 */
export { TokenManager, type ConfigurationReport, type TokenManagerConfig } from './base.js';
export {
  AbortError,
  AgentIdPError,
  ApiConnectionError,
  ApiTimeoutError,
  AuthenticationError,
  ConfigurationError,
  ConflictError,
  DecodingError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
  ServerError,
  ValidationError,
  type ErrorInit,
  type ErrorKind,
  type ErrorRecord,
  type FieldError,
} from './errors.js';
export type { LogFields, Logger, LogMethod } from './logging.js';
export type { AgentIdPClientConfig, ApiResponse, CallOptions } from './options.js';
export type { WithResponse } from './service.js';
export type { Json, Model } from './values.js';
export { TokenVerifier, type TokenVerifierConfig, type VerifiedToken, type VerifyOptions } from './verifier.js';
export { verifyAuditEvents, verifyWebhook, type HeadersLike, type VerifyWebhookOptions } from './webhook.js';
export * from './generated/index.js';
