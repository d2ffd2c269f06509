/// <reference lib="esnext.disposable" preserve="true" />
/**
 * The client's life without its sections: configuration, token cache, end.
 *
 * Owns what clients and token managers have in common. Refuses to know a section or an operation.
 */
import { startToken } from './channel.js';
import { connect, type Connection } from './connection.js';
import { optionsOf } from './given.js';
import type { AgentIdPClientConfig, CallOptions } from './options.js';
import { settle } from './service.js';

/** Where a setting came from, by its name. Secrets are masked. */
export type ConfigurationReport = Readonly<Record<string, unknown>>;

/** What {@link AgentIdPClient} and {@link TokenManager} have in common. */
export abstract class ClientBase {
  readonly #connection: Connection;

  /** @hidden */
  protected constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Forgets the access token, for all that share it; the next call asks for a new one. */
  clearTokenCache(): void {
    this.#connection.client.clearTokenCache();
  }

  /** Says where each setting came from (argument, environment variable, default), secrets masked. */
  explainConfiguration(): ConfigurationReport {
    return JSON.parse(this.#connection.client.explainConfiguration()) as ConfigurationReport;
  }

  /** Ends the client: its connections close, later calls fail with `CLIENT_CLOSED`. Not needed for the process to end. */
  close(): void {
    this.#connection.client.close();
  }

  /** `using client = new AgentIdPClient()` closes it at the end of the block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  static connectionOf(client: ClientBase): Connection {
    return client.#connection;
  }
}

/** What else a {@link TokenManager} may be configured with. */
export type TokenManagerConfig = Omit<AgentIdPClientConfig, 'baseUrl' | 'clientId' | 'clientSecret' | 'scopes'>;

/**
 * Access tokens alone, for calls that are made by other means. Managers and clients of the same server,
 * client and scopes share one token.
 *
 * @example
 * const tokens = new TokenManager(baseUrl, clientId, clientSecret, 'agents:read');
 * const headers = { authorization: `Bearer ${await tokens.getToken()}` };
 */
export class TokenManager extends ClientBase {
  readonly #connection: Connection;

  /**
   * The tokens of a client, from its cache.
   *
   * @param client The client, whose configuration counts.
   */
  constructor(client: ClientBase);
  /**
   * @param baseUrl The server's address.
   * @param clientId The agent's id.
   * @param clientSecret The client secret.
   * @param scope Scopes, separated by spaces, or a list of them. Default: the client's default scopes.
   * @param config Whatever else a client may be configured with.
   */
  constructor(
    baseUrl?: string,
    clientId?: string,
    clientSecret?: string,
    scope?: string | readonly string[],
    config?: TokenManagerConfig,
  );
  constructor(
    baseUrl?: string | ClientBase,
    clientId?: string,
    clientSecret?: string,
    scope?: string | readonly string[],
    config?: TokenManagerConfig,
  ) {
    // What is no text is the core's to judge.
    const scopes = typeof scope === 'string' ? scope.split(' ').filter((one) => one !== '') : scope;
    const connection =
      baseUrl instanceof ClientBase
        ? ClientBase.connectionOf(baseUrl)
        : connect({ ...config, baseUrl, clientId, clientSecret, scopes }, TokenManager);
    super(connection);
    this.#connection = connection;
  }

  /**
   * An access token that is valid: the cached one, or a new one. Any number of callers at once share one request.
   * A cached one is read on this thread; only the promise makes it wait for the turn of the loop.
   *
   * @param options `signal` stops the waiting; the request goes on for who else waits.
   */
  async getToken(options?: Pick<CallOptions, 'signal'>): Promise<string> {
    const given = optionsOf(options, optionsOf);
    const cached = this.#connection.client.cachedToken();
    if (cached !== null) return cached;
    const done = await startToken(this.#connection.client, given?.signal ?? undefined);
    settle(done, undefined);
    const [, , body] = done;
    return (body as { readonly access_token: string }).access_token;
  }
}
