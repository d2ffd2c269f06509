/**
 * Tokens of others, verified here: no call of the API as long as the issuer's key is known.
 *
 * Owns the verifier's configuration and what it tells of a token. Refuses to decide what is valid:
 * the core does, the same in every language.
 */
import { ClientBase } from './base.js';
import { startVerify } from './channel.js';
import { ManualClock } from './clock.js';
import { guarded, host, misconfigured } from './connection.js';
import { isTexts, optionsOf, settingsOf, wrong } from './given.js';
import { native, type NativeVerifier } from './native.js';
import type { AgentIdPClientConfig } from './options.js';
import { settle } from './service.js';
import { free, model, type Model } from './values.js';

/** How a {@link TokenVerifier} is configured. */
export interface TokenVerifierConfig extends Pick<
  AgentIdPClientConfig,
  'connectTimeoutMs' | 'allowInsecureHttp' | 'caBundle' | 'proxy' | 'clientCertificate' | 'clientKey' | 'clock'
> {
  /** Who must have issued the token: its `iss`, exactly. */
  readonly issuer: string;
  /** Who is addressed: one of these must be in the token's `aud`. */
  readonly audience: string | readonly string[];
  /** Seconds by which the issuer's clock may differ. Default: 60. */
  readonly leewaySeconds?: number | undefined;
  /** Scopes that every token needs. Default: none. */
  readonly requiredScopes?: readonly string[] | undefined;
  /** Milliseconds for fetching keys, in all, at most 86400000. Default: 10000. */
  readonly timeoutMs?: number | undefined;
  /** Where the issuer's keys are. Default: what its discovery document says. */
  readonly jwksUri?: string | undefined;
  /** Asks, through this client, whether a token that verified was revoked: a call for each. Default: not asked. */
  readonly client?: ClientBase | undefined;
}

/** What may be set on one verification. */
export interface VerifyOptions {
  /** Scopes that this token needs besides the verifier's. */
  readonly requiredScopes?: readonly string[] | undefined;
  /** Stops the waiting for keys and introspection. */
  readonly signal?: AbortSignal | undefined;
}

/** What a token says whose signature, issuer, audience, time and scopes hold. */
export interface VerifiedToken {
  /** The agent: `sub`. */
  readonly subject: string;
  /** The OAuth client that asked for it, or null. */
  readonly clientId: string | null;
  /** The agent's organization, or null. */
  readonly organizationId: string | null;
  /** What it may be used for. */
  readonly scopes: readonly string[];
  /** `jti`, or null. */
  readonly tokenId: string | null;
  /** `iss`. */
  readonly issuer: string;
  /** `aud`. */
  readonly audience: readonly string[];
  /** `iat`, or null. */
  readonly issuedAt: Date | null;
  /** `exp`. */
  readonly expiresAt: Date;
  /** The key that signed it. */
  readonly keyId: string;
  /** RS256, ES256 or EdDSA. */
  readonly algorithm: string;
  /** Everything that it says. */
  readonly claims: Readonly<Record<string, unknown>>;
}

const TOKEN: Model<VerifiedToken> = model<VerifiedToken>({
  name: 'VerifiedToken',
  required: ['subject', 'issuer', 'audience', 'expiresAt', 'scopes', 'keyId', 'claims'],
  secrets: [],
  fields(o) {
    for (const time of ['issuedAt', 'expiresAt']) {
      const seconds = o[time];
      if (typeof seconds === 'number') o[time] = new Date(seconds * 1000);
    }
    for (const values of ['scopes', 'audience', 'claims']) free(o[values]);
  },
});

/**
 * Verifies access tokens: signature (RS256, ES256, EdDSA), issuer, audience, time and scopes. Keys
 * are fetched once and kept while the issuer is away; a key id that is not known is asked for at
 * most once a minute.
 *
 * @example
 * const verifier = new TokenVerifier({ issuer: 'https://idp.example.com', audience: 'my-service' });
 * const { subject } = await verifier.verify(token, { requiredScopes: ['agents:read'] });
 */
export class TokenVerifier {
  readonly #native: NativeVerifier;

  /** @throws {ConfigurationError} naming what is missing or wrong. */
  constructor(config: TokenVerifierConfig) {
    if (typeof config !== 'object' || (config as unknown) === null) {
      throw misconfigured('the configuration must be an object, such as { issuer, audience }', TokenVerifier);
    }
    const { clock, client, leewaySeconds, ...rest } = config;
    if (client !== undefined && !(client instanceof ClientBase)) {
      throw new TypeError('client must be an AgentIdPClient');
    }
    const leewayMs = leewaySeconds === undefined ? undefined : leewaySeconds * 1000;
    const text = JSON.stringify(settingsOf({ ...rest, leewayMs, ...host() }));
    const times = clock && ManualClock.nativeOf(clock);
    const asked = client && ClientBase.connectionOf(client).client;
    this.#native = guarded(TokenVerifier, () => new native.Verifier(text, times, asked));
  }

  /**
   * What the token says.
   *
   * @throws {AuthenticationError} `INVALID_TOKEN`; `details.reason` is one of malformed, algorithm, type, unknown_key,
   *   signature, issuer, audience, expired, not_yet_valid, revoked.
   * @throws {PermissionDeniedError} `INSUFFICIENT_SCOPE`; `details.requiredScopes` are what it needs.
   * @throws {ApiConnectionError} when no key can be had, and as any call does.
   */
  async verify(token: string, options?: VerifyOptions): Promise<VerifiedToken> {
    const given = optionsOf(options, optionsOf);
    const scopes: unknown = given?.requiredScopes ?? [];
    if (!isTexts(scopes)) throw wrong('requiredScopes', 'must be a list of strings', wrong);
    // What is no text is no token, such as the header of a request that has none.
    const text = typeof token === 'string' ? token : '';
    const now = guarded(guarded, () => this.#native.verifyNow(text, scopes));
    if (now !== null) return TOKEN.decode(JSON.parse(now));
    const done = await startVerify(this.#native, text, scopes, given?.signal ?? undefined);
    return settle(done, TOKEN);
  }
}
