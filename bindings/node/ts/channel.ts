/**
 * The calls of this environment that are out: starts them, hands each answer to its caller, stops
 * them when a signal fires.
 *
 * Owns `id -> caller`, and that crossings are few: what one turn of the loop starts is handed over
 * in one piece, and the native part wakes it once for a batch of answers. Refuses to know
 * operations and errors: a completion is passed on as it came. The process is kept alive only
 * while a call is out.
 */
import { native, type NativeChannel, type NativeClient, type NativeVerifier } from './native.js';
import { unwatch, watch } from './signals.js';

/** What stood around an answer; only handed over when it was asked for. */
export interface Meta {
  readonly headers: readonly (readonly [string, string])[];
  readonly requestId: string | null;
  readonly retryCount: number;
}

/** `[id, status, body, meta]`; status {@link FAILED} has an error record, {@link ABORTED} the reason, as body. */
export type Completion = readonly [id: number, status: number, body: unknown, meta?: Meta];

/** Stands where a status does. */
export const FAILED = 0;
/** Stands where a status does. */
export const ABORTED = -1;

type Resolve = (completion: Completion) => void;

const waiting = new Map<number, Resolve>();
let channel: NativeChannel | undefined;
let last = 0;

/** Calls of this turn that are not handed over yet: lines of `outboxClient`. */
let outbox = '';
let outboxClient: NativeClient | undefined;

/** Calls an operation; `meta` asks for what stands around the answer. */
export function start(
  client: NativeClient,
  operation: number,
  args: string,
  meta: boolean,
  signal: AbortSignal | undefined,
): Promise<Completion> {
  const id = nextId(meta);
  if (signal?.aborted) return aborted(id, signal);
  if (outboxClient !== client) {
    if (outboxClient === undefined) queueMicrotask(flush);
    else flush();
    outboxClient = client;
  }
  // JSON has no line feed of its own.
  outbox += `${id} ${operation} ${args}\n`;
  return wait(id, signal);
}

/** Asks for an access token. */
export function startToken(client: NativeClient, signal: AbortSignal | undefined): Promise<Completion> {
  const id = nextId(false);
  if (signal?.aborted) return aborted(id, signal);
  const done = wait(id, signal);
  opened().startToken(client, id);
  return done;
}

/** Verifies a token with the help of the network. */
export function startVerify(
  verifier: NativeVerifier,
  token: string,
  scopes: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Completion> {
  const id = nextId(false);
  if (signal?.aborted) return aborted(id, signal);
  const done = wait(id, signal);
  opened().startVerify(verifier, id, token, scopes);
  return done;
}

function opened(): NativeChannel {
  return (channel ??= new native.Channel(drain));
}

/** Hands over what this turn started. */
function flush(): void {
  const [client, calls] = [outboxClient, outbox];
  outboxClient = undefined;
  outbox = '';
  if (client !== undefined) opened().start(client, calls);
}

/** Odd ids ask for the meta data: so the native part need not remember which call did. */
function nextId(meta: boolean): number {
  last += 2;
  return meta ? last + 1 : last;
}

function aborted(id: number, signal: AbortSignal): Promise<Completion> {
  return Promise.resolve([id, ABORTED, signal.reason]);
}

function wait(id: number, signal: AbortSignal | undefined): Promise<Completion> {
  return new Promise((resolve) => {
    waiting.set(id, signal === undefined ? resolve : abortable(id, signal, resolve));
  });
}

function abortable(id: number, signal: AbortSignal, resolve: Resolve): Resolve {
  const abort = () => {
    waiting.delete(id);
    // What was never handed over cannot be stopped.
    flush();
    channel?.cancel(id);
    resolve([id, ABORTED, signal.reason]);
  };
  watch(signal, id, abort);
  return (completion) => {
    unwatch(signal, id);
    resolve(completion);
  };
}

/** Hands over what is done; a batch is capped, so that a flood of answers leaves the loop room. */
function drain(): void {
  if (channel === undefined) return;
  const batch = JSON.parse(channel.drain()) as [more: number, ...Completion[]];
  for (let i = 1; i < batch.length; i++) {
    const completion = batch[i] as Completion;
    const id = completion[0];
    const resolve = waiting.get(id);
    waiting.delete(id);
    // Aborted in the meantime: nobody waits for it any more.
    resolve?.(completion);
  }
  if (batch[0] !== 0) setImmediate(drain);
}
