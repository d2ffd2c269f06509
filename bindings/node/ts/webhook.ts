/**
 * Checks of what was received from elsewhere: webhooks, and the chain of audit events.
 *
 * Owns how headers and events come in in this language. Refuses to compare a signature or a hash:
 * the core does.
 */
import { guarded } from './connection.js';
import { AuditChainVerification, type AuditEvent } from './generated/models.js';
import { isTexts, wrong } from './given.js';
import { native } from './native.js';
import { plain } from './values.js';

/** Headers as Node, fetch and the frameworks give them. */
export type HeadersLike =
  Iterable<readonly [string, string]> | Readonly<Record<string, string | readonly string[] | undefined>>;

/** What may be set on one check of a webhook. */
export interface VerifyWebhookOptions {
  /** Seconds by which the webhook's time may differ from ours, both ways. Default: 300. */
  readonly toleranceSeconds?: number | undefined;
  /** Our time, for tests. Default: now. */
  readonly now?: Date | undefined;
}

const TOLERANCE_SECONDS = 300;

/**
 * Checks a webhook (Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`) and
 * returns its payload parsed.
 *
 * @param payload The body as it was received: text or bytes, not parsed and written anew.
 * @param headers The request's headers.
 * @param secret `whsec_…`, or several while one replaces the other.
 * @throws {AuthenticationError} `INVALID_WEBHOOK`; `details.reason` is header, timestamp or signature.
 * @throws {ConfigurationError} when a secret is none.
 * @throws {ValidationError} when payload, headers, secret or options are of another type, such as a body that is parsed already.
 * @throws {SyntaxError} when a payload whose signature holds is no JSON.
 * @example
 * const event = verifyWebhook(await request.text(), request.headers, process.env.WEBHOOK_SECRET);
 */
export function verifyWebhook(
  payload: string | Uint8Array,
  headers: HeadersLike,
  secret: string | readonly string[],
  options: VerifyWebhookOptions = {},
): unknown {
  const bytes: unknown = typeof payload === 'string' ? Buffer.from(payload) : payload;
  if (!(bytes instanceof Uint8Array)) {
    throw wrong('payload', 'must be the body as it came, a string or bytes: not parsed', verifyWebhook);
  }
  if (typeof headers !== 'object' || (headers as unknown) === null) {
    throw wrong('headers', 'must be the headers of the request', verifyWebhook);
  }
  const secrets: unknown = typeof secret === 'string' ? [secret] : secret;
  if (!isTexts(secrets)) throw wrong('secret', 'must be a string, or a list of strings', verifyWebhook);
  const { toleranceMs, nowMs } = timesOf(options);
  const said = JSON.stringify(pairs(headers));
  guarded(verifyWebhook, () => {
    native.Verifier.webhook(bytes, said, secrets, toleranceMs, nowMs);
  });
  return JSON.parse(Buffer.from(bytes).toString()) as unknown;
}

function timesOf(options: VerifyWebhookOptions): { toleranceMs: number; nowMs: number | undefined } {
  if (typeof options !== 'object' || (options as unknown) === null) {
    throw wrong('options', 'must be an object, such as { toleranceSeconds: 60 }', verifyWebhook);
  }
  const { toleranceSeconds = TOLERANCE_SECONDS, now } = options;
  if (!Number.isFinite(toleranceSeconds) || toleranceSeconds < 0) {
    throw wrong('toleranceSeconds', 'must be a number of seconds, zero or more', verifyWebhook);
  }
  if (now !== undefined && !(now instanceof Date && now.getTime() >= 0)) {
    throw wrong('now', 'must be a Date after 1970', verifyWebhook);
  }
  return { toleranceMs: toleranceSeconds * 1000, nowMs: now?.getTime() };
}

function pairs(headers: HeadersLike): [string, string][] {
  const found: [string, string][] = [];
  const all = isIterable(headers) ? headers : Object.entries(headers);
  for (const [name, value] of all) {
    const values: unknown = typeof value === 'string' ? [value] : (value ?? []);
    // The values of headers may be somebody's secrets: only the name is told.
    if (!isTexts(values)) throw wrong(`headers.${name}`, 'must be a string, or a list of strings', verifyWebhook);
    for (const one of values) found.push([name, one]);
  }
  return found;
}

function isIterable(headers: HeadersLike): headers is Iterable<readonly [string, string]> {
  return Symbol.iterator in headers;
}

/**
 * Checks audit events without the server: that each is what its hash says and that they are one
 * gapless chain.
 *
 * @param events Events of one organization that follow each other, in any order; values of the SDK or plain JSON.
 * @returns Whether the chain holds, and where it breaks.
 * @throws {ValidationError} when they are of several organizations, or no events.
 * @example
 * const { verified, brokenAtEventId } = verifyAuditEvents(events);
 */
export function verifyAuditEvents(events: Iterable<AuditEvent>): AuditChainVerification {
  // Of a page, a promise or an async iterator `Array.from` makes an empty list, whose chain holds.
  if (typeof events !== 'object' || (events as unknown) === null || !(Symbol.iterator in events)) {
    throw wrong('events', 'must be a list of audit events', verifyAuditEvents);
  }
  const text = JSON.stringify(Array.from(events, plain));
  return AuditChainVerification.decode(JSON.parse(guarded(verifyAuditEvents, () => native.Verifier.auditEvents(text))));
}
