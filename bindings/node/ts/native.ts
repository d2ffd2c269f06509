/**
 * Finds and loads the native part, and says what it offers.
 *
 * Owns the names of the platform files. Refuses to download or build anything: what is not
 * installed is an error that names the platform and what was tried.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** A configured client of the core. */
export interface NativeClient {
  /** The number that log records name it by. */
  id(): number;
  /** A token that may still be sent, answered without leaving the thread; null when there is none. */
  cachedToken(): string | null;
  clearTokenCache(): void;
  /** JSON. */
  explainConfiguration(): string;
  close(): void;
}

/** The calls of one environment (the main thread, or one worker). */
export interface NativeChannel {
  /** Starts calls, one a line: `id operation args`. Never throws for a fault of a call: that arrives as a completion. */
  start(client: NativeClient, calls: string): void;
  startToken(client: NativeClient, id: number): void;
  startVerify(verifier: NativeVerifier, id: number, token: string, scopes: readonly string[]): void;
  /** True: stopped, no completion follows. */
  cancel(id: number): boolean;
  /** `[more, completion…]` as JSON. */
  drain(): string;
}

/** A verifier with its cache of keys. */
export interface NativeVerifier {
  /** JSON; null when the network must be asked. Throws an error record. */
  verifyNow(token: string, scopes: readonly string[]): string | null;
}

/** Log records for this environment. */
export interface NativeLog {
  /** Levels from 1 (error) to 5 (trace). */
  listen(client: number, level: number): void;
  forget(client: number): void;
  /** `[[client or null, level, message, fields]…]` as JSON. */
  drain(max: number): string;
}

/** The clock of tests. */
export interface NativeClock {
  advance(ms: number): void;
  jumpWall(ms: number): void;
  setRandom(value: number): void;
  wallMs(): number;
  sleeping(atMostMs: number, patienceMs: number): Promise<number | null>;
}

interface NativeVerifierClass {
  new (config: string, clock: NativeClock | undefined, client: NativeClient | undefined): NativeVerifier;
  /** `headers` is JSON: a list of pairs. Throws an error record. */
  webhook(
    payload: Uint8Array,
    headers: string,
    secrets: readonly string[],
    toleranceMs: number,
    nowMs: number | undefined,
  ): void;
  /** JSON to JSON. Throws an error record. */
  auditEvents(events: string): string;
}

interface Native {
  readonly Client: new (config: string, clock: NativeClock | undefined) => NativeClient;
  readonly Channel: new (wake: () => void) => NativeChannel;
  readonly Clock: new () => NativeClock;
  readonly Log: new (wake: () => void) => NativeLog;
  readonly Verifier: NativeVerifierClass;
}

/** Both C libraries of Linux are tried: which one a process runs on shows in which file loads. */
const LIBCS: Readonly<Record<string, readonly string[]>> = {
  linux: ['-gnu', '-musl'],
  win32: ['-msvc'],
};

/** The platform names that would serve this process, best first: `linux-x64-gnu`. */
function platforms(): string[] {
  return (LIBCS[process.platform] ?? ['']).map((libc) => `${process.platform}-${process.arch}${libc}`);
}

function load(): Native {
  const tried: string[] = [];
  for (const platform of platforms()) {
    const file = join(__dirname, '..', 'native', `agentidp.${platform}.node`);
    const candidates = existsSync(file) ? [file] : [`@sentryagent/idp-sdk-${platform}`];
    for (const candidate of candidates) {
      try {
        return require(candidate) as Native;
      } catch (error) {
        const [reason] = String(error instanceof Error ? error.message : error).split('\n');
        tried.push(`${candidate}: ${reason ?? ''}`);
      }
    }
  }
  throw new Error(
    `@sentryagent/idp-sdk has no native part for ${platforms().join(' or ')} (Node-API, ${process.version}). ` +
      `Install the package without --omit=optional, on the platform that runs it. Tried: ${tried.join('; ')}`,
  );
}

/** The native part of this platform. */
export const native: Native = load();
