/// <reference lib="esnext.disposable" preserve="true" />
/**
 * For tests of code that uses this SDK: a real AgentIdP server on this machine, empty at its start,
 * whose clock and faults the test controls.
 *
 * Owns the server's process and how its control endpoints are asked. Refuses to download it: it is
 * given, named by `AGENTIDP_BIN`, or on the `PATH`.
 *
 * @packageDocumentation
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { ManualClock, within } from './clock.js';
import { AgentIdPClient } from './generated/client.js';
import type { AgentIdPClientConfig } from './options.js';

export { ManualClock } from './clock.js';

/** What the next requests meet with; each field as said, the rest as ever. */
export interface Fault {
  /** How many requests. Default: 1. */
  readonly count?: number | undefined;
  /** The status that they are answered with. Default: 503, or none with `cut` or `delaySeconds` alone. */
  readonly status?: number | undefined;
  /** The error code of that answer. */
  readonly code?: string | undefined;
  /** Its `Retry-After`: seconds, or the header's text. */
  readonly retryAfter?: number | string | undefined;
  /** The connection is closed without an answer. */
  readonly cut?: boolean | undefined;
  /** Real seconds that pass before the answer. */
  readonly delaySeconds?: number | undefined;
  /** Only requests whose path begins so. */
  readonly path?: string | undefined;
}

/** A request that the server saw. */
export interface SeenRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** Names in lower case; secrets masked. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** How a {@link MockServer} is started. */
export interface MockServerOptions {
  /** The program `agentidp`. Default: `AGENTIDP_BIN`, else the one on the `PATH`. */
  readonly binary?: string | undefined;
}

interface Greeting {
  readonly baseUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly organizationId: string;
}

type Process = ChildProcessByStdio<Writable, Readable, null>;

const UNREF = ['stdin', 'stdout'] as const;

/** Moves the server's clock and that of the clients that it made, together. */
export class MockClock {
  readonly #server: MockServer;
  readonly #clients: ManualClock;

  /** @hidden */
  constructor(server: MockServer, clients: ManualClock) {
    this.#server = server;
    this.#clients = clients;
  }

  /**
   * Lets that many seconds pass for all.
   *
   * @throws {RangeError} when they are negative, or no finite number.
   */
  async advance(seconds: number): Promise<void> {
    within('seconds', seconds, 0, Number.MAX_VALUE);
    await this.#server.control('POST', 'clock', { advanceMs: seconds * 1000 });
    this.#clients.advance(seconds);
  }
}

/**
 * A server for tests. It ends with {@link close}, and with this process.
 *
 * @example
 * const mock = await MockServer.start();
 * const client = mock.client();
 * await mock.failNext({ status: 503 });
 * await mock.clock.advance(3600);
 * await mock.close();
 */
export class MockServer {
  /** The server's address. */
  readonly baseUrl: string;
  /** The id of its first agent, an admin. */
  readonly clientId: string;
  /** That agent's organization. */
  readonly organizationId: string;
  /** Time for server and clients. */
  readonly clock: MockClock;
  /** The clock of its clients alone: pauses between tries sleep by it. */
  readonly clientClock: ManualClock = new ManualClock();
  readonly #process: Process;
  readonly #clientSecret: string;

  private constructor(process: Process, greeting: Greeting) {
    this.#process = process;
    this.baseUrl = greeting.baseUrl;
    this.clientId = greeting.clientId;
    this.#clientSecret = greeting.clientSecret;
    this.organizationId = greeting.organizationId;
    this.clock = new MockClock(this, this.clientClock);
  }

  /** Starts one, on a free port. */
  static async start(options: MockServerOptions = {}): Promise<MockServer> {
    const binary = options.binary ?? process.env['AGENTIDP_BIN'] ?? 'agentidp';
    const child = spawn(binary, ['mock', '--json'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const greeting = greetingOf(await firstLine(child, binary), child, binary);
    // The test's process ends when the test does; the server sees its input end, and ends too.
    child.unref();
    for (const name of UNREF) (child[name] as unknown as { unref?(): void }).unref?.();
    return new MockServer(child, greeting);
  }

  /** The secret of {@link clientId}. */
  get clientSecret(): string {
    return this.#clientSecret;
  }

  /** A client of this server, on {@link clientClock}. */
  client(config: AgentIdPClientConfig = {}): AgentIdPClient {
    const { baseUrl, clientId, clientSecret, clientClock } = this;
    return new AgentIdPClient({ baseUrl, clientId, clientSecret, clock: clientClock, ...config });
  }

  /** What the next requests meet with. */
  async failNext({ delaySeconds, ...fault }: Fault = {}): Promise<void> {
    const delayMs = delaySeconds === undefined ? undefined : Math.round(delaySeconds * 1000);
    await this.control('POST', 'faults', { ...fault, delayMs });
  }

  /** What was asked so far, oldest first; not what this class asks itself. */
  async requests(): Promise<readonly SeenRequest[]> {
    const { requests } = (await this.control('GET', 'requests')) as { requests: SeenRequest[] };
    return requests;
  }

  /** Forgets faults that were not met with yet, and the requests. */
  async reset(): Promise<void> {
    await this.control('POST', 'reset');
  }

  /** Ends the server. */
  async close(): Promise<void> {
    // One that a signal ended has no exit code.
    const { exitCode, signalCode } = this.#process;
    const ended = exitCode === null && signalCode === null ? once(this.#process, 'exit') : undefined;
    this.#process.ref();
    this.#process.stdin.end();
    await ended;
  }

  /** `await using mock = await MockServer.start()` ends it at the end of the block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  async control(method: string, what: string, body?: object): Promise<unknown> {
    const asked = request(`${this.baseUrl}/mock/${what}`, {
      method,
      agent: false,
      headers: { 'content-type': 'application/json' },
    });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
    const [answer] = (await once(asked, 'response')) as [Readable & { readonly statusCode?: number }];
    let text = '';
    for await (const chunk of answer.setEncoding('utf8')) text += String(chunk);
    if (answer.statusCode !== 200 && answer.statusCode !== 204) {
      throw new Error(`the mock server refused ${what}: ${text}`);
    }
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  }
}

function greetingOf(line: string, child: Process, binary: string): Greeting {
  try {
    return JSON.parse(line) as Greeting;
  } catch {
    child.kill();
    throw new Error(`the mock server ${binary} is not agentidp: it answers something else`);
  }
}

async function firstLine(child: Process, binary: string): Promise<string> {
  const lines = createInterface({ input: child.stdout });
  const failed = once(child, 'error').then(([error]) => {
    throw new Error(
      `the mock server ${binary} cannot be started (${String(error)}): set AGENTIDP_BIN to the program agentidp, ` +
        'or put it on the PATH; `cargo build --package agentidp-server` makes it',
    );
  });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the mock server ended with ${String(code)} before it was ready`);
  });
  // Whichever comes later than the line concerns nobody.
  failed.catch(() => undefined);
  ended.catch(() => undefined);
  const [line] = (await Promise.race([once(lines, 'line'), failed, ended])) as [string];
  lines.close();
  return line;
}
