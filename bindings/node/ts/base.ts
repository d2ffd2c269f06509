/**
 * The client's life without its sections: configuration, token cache, end.
 *
 * Owns how a configuration becomes a native client. Refuses to hold the secret itself: only the
 * core knows it after the constructor.
 */
import { startToken } from './channel.js';
import { errorFrom, type ErrorInit, type Frame } from './errors.js';
import { native, type NativeClient } from './native.js';
import type { AgentIdPClientConfig, CallOptions } from './options.js';
import { settle } from './service.js';

/** Where a setting came from, by its name. Secrets are masked. */
export type ConfigurationReport = Readonly<Record<string, unknown>>;

/** @internal */
export function connect(config: AgentIdPClientConfig, hide: Frame): NativeClient {
  const whole = { ...config, language: 'node', runtime: runtime() };
  try {
    return new native.Client(JSON.stringify(whole));
  } catch (error) {
    throw errorFrom(recordOf(error), hide);
  }
}

/** What {@link AgentIdPClient} and {@link TokenManager} have in common. */
export abstract class ClientBase {
  readonly #native: NativeClient;

  /** @hidden */
  protected constructor(client: NativeClient) {
    this.#native = client;
  }

  /** Forgets the cached access token; the next call asks for a new one. */
  clearTokenCache(): void {
    this.#native.clearTokenCache();
  }

  /** Says where each setting came from (argument, environment variable, default), secrets masked. */
  explainConfiguration(): ConfigurationReport {
    return JSON.parse(this.#native.explainConfiguration()) as ConfigurationReport;
  }

  /** Ends the client: its connections close, later calls fail with `CLIENT_CLOSED`. Not needed for the process to end. */
  close(): void {
    this.#native.close();
  }

  /** `using client = new AgentIdPClient()` closes it at the end of the block. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Access tokens alone, for calls that are made by other means.
 *
 * @example
 * const tokens = new TokenManager(baseUrl, clientId, clientSecret, 'agents:read');
 * const headers = { authorization: `Bearer ${await tokens.getToken()}` };
 */
export class TokenManager extends ClientBase {
  readonly #client: NativeClient;

  /**
   * @param baseUrl The server's address.
   * @param clientId The agent's id.
   * @param clientSecret The client secret.
   * @param scope Scopes, separated by spaces. Default: the client's default scopes.
   */
  constructor(baseUrl?: string, clientId?: string, clientSecret?: string, scope?: string) {
    const scopes = scope?.split(' ').filter((one) => one !== '');
    const client = connect({ baseUrl, clientId, clientSecret, scopes }, TokenManager);
    super(client);
    this.#client = client;
  }

  /**
   * An access token that is valid: the cached one, or a new one. Any number of callers at once share one request.
   *
   * @param options `signal` stops the waiting; the request goes on for who else waits.
   */
  async getToken(options?: Pick<CallOptions, 'signal'>): Promise<string> {
    const cached = this.#client.cachedToken();
    if (cached !== null) return cached;
    const done = await startToken(this.#client, options?.signal);
    settle(done, undefined);
    const [, , body] = done;
    return (body as { readonly access_token: string }).access_token;
  }
}

/** `node/20.11.1`, `bun/1.2.0`, `deno/2.1.0`: for the User-Agent. */
function runtime(): string {
  const { bun, deno, node } = process.versions;
  if (bun !== undefined) return `bun/${bun}`;
  return deno === undefined ? `node/${node}` : `deno/${deno}`;
}

function recordOf(error: unknown): ErrorInit {
  const message = error instanceof Error ? error.message : String(error);
  try {
    return JSON.parse(message) as ErrorInit;
  } catch {
    return { kind: 'configuration', code: 'CONFIGURATION_ERROR', message };
  }
}
