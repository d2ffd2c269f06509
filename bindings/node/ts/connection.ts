/**
 * What one configured client consists of: its native part, where its traces come from and where its
 * log goes. Services and token managers of a client share one.
 *
 * Owns how a configuration is split between the core and this language. Refuses to hold the secret
 * itself: only the core knows it after the constructor.
 */
import { ManualClock } from './clock.js';
import { errorFrom, type ErrorInit, type Frame } from './errors.js';
import { settingsOf } from './given.js';
import { isLogger, listen } from './logging.js';
import { native, type NativeClient } from './native.js';
import type { AgentIdPClientConfig } from './options.js';

/** The package's own: it has no public members. */
export interface Connection {
  readonly client: NativeClient;
  /** The caller's hook; undefined: OpenTelemetry is asked. */
  readonly traceparent: (() => string | null | undefined) | undefined;
}

/** @internal */
export function connect(config: AgentIdPClientConfig, hide: Frame): Connection {
  if (typeof config !== 'object' || (config as unknown) === null) {
    throw misconfigured('the configuration must be an object, such as { baseUrl, clientId, clientSecret }', hide);
  }
  const { clock, logger, traceparent, ...rest } = config;
  if (traceparent != null && typeof traceparent !== 'function') {
    throw misconfigured('traceparent must be a function', hide);
  }
  if (logger != null && !isLogger(logger)) {
    throw misconfigured('logger must be an object whose debug, info, warn and error, if there, are functions', hide);
  }
  const text = JSON.stringify({ ...settingsOf(rest), ...host() });
  const client = guarded(hide, () => new native.Client(text, clock && ManualClock.nativeOf(clock)));
  const connection = { client, traceparent: traceparent ?? undefined };
  if (logger != null) listen(connection, client, logger);
  return connection;
}

/** @internal The error of a setting that this language alone can judge. */
export function misconfigured(message: string, hide: Frame): Error {
  return errorFrom({ kind: 'configuration', code: 'CONFIGURATION_ERROR', message }, hide);
}

/** @internal Which language and runtime speaks, for the User-Agent. */
export function host(): { readonly language: string; readonly runtime: string } {
  return { language: 'node', runtime: runtime() };
}

/** @internal Runs native code whose errors are error records; the stack begins above `hide`. */
export function guarded<T>(hide: Frame, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw errorFrom(recordOf(error), hide);
  }
}

/** `node/20.11.1`, `bun/1.2.0`, `deno/2.1.0`. */
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
