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
  /** A token that may still be sent, answered without leaving the thread; null when there is none. */
  cachedToken(): string | null;
  clearTokenCache(): void;
  /** JSON. */
  explainConfiguration(): string;
  close(): void;
}

/** The calls of one environment (the main thread, or one worker). */
export interface NativeChannel {
  /** Never throws for a fault of the call: that arrives as a completion. */
  start(client: NativeClient, id: number, operation: number, args: string): void;
  startToken(client: NativeClient, id: number): void;
  /** True: stopped, no completion follows. */
  cancel(id: number): boolean;
  /** `[more, completion…]` as JSON. */
  drain(): string;
}

/** What the native part exports. */
export interface Native {
  /** Throws an error whose message is an error record. */
  readonly Client: new (config: string) => NativeClient;
  readonly Channel: new (wake: () => void) => NativeChannel;
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
