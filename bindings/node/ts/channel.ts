/**
 * The calls of this environment that are out: starts them, hands each answer to its caller, stops
 * them when a signal fires.
 *
 * Owns `id -> caller`. Refuses to know operations and errors: a completion is passed on as it came.
 * The native part wakes it once for a batch and keeps the process alive only while a call is out.
 */
import { native, type NativeChannel, type NativeClient } from './native.js';

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

const waiting = new Map<number, (completion: Completion) => void>();
let channel: NativeChannel | undefined;
let last = 0;

/** Calls an operation; `meta` asks for what stands around the answer. */
export function start(
  client: NativeClient,
  operation: number,
  args: string,
  meta: boolean,
  signal: AbortSignal | undefined,
): Promise<Completion> {
  return wait(nextId(meta), signal, (to, id) => {
    to.start(client, id, operation, args);
  });
}

/** Asks for an access token. */
export function startToken(client: NativeClient, signal: AbortSignal | undefined): Promise<Completion> {
  return wait(nextId(false), signal, (to, id) => {
    to.startToken(client, id);
  });
}

/** Odd ids ask for the meta data: so the native part need not remember which call did. */
function nextId(meta: boolean): number {
  last += 2;
  return meta ? last + 1 : last;
}

function wait(
  id: number,
  signal: AbortSignal | undefined,
  begin: (channel: NativeChannel, id: number) => void,
): Promise<Completion> {
  if (signal?.aborted) return Promise.resolve([id, ABORTED, signal.reason]);
  return new Promise((resolve) => {
    const to = (channel ??= new native.Channel(drain));
    if (signal === undefined) {
      waiting.set(id, resolve);
    } else {
      const abort = () => {
        waiting.delete(id);
        to.cancel(id);
        resolve([id, ABORTED, signal.reason]);
      };
      signal.addEventListener('abort', abort, { once: true });
      waiting.set(id, (completion) => {
        signal.removeEventListener('abort', abort);
        resolve(completion);
      });
    }
    begin(to, id);
  });
}

/** Hands over what is done; a batch is capped, so that a flood of answers leaves the loop room. */
function drain(): void {
  if (channel === undefined) return;
  const [more, ...completions] = JSON.parse(channel.drain()) as [number, ...Completion[]];
  for (const completion of completions) {
    const [id] = completion;
    const resolve = waiting.get(id);
    waiting.delete(id);
    // Aborted in the meantime: nobody waits for it any more.
    resolve?.(completion);
  }
  if (more !== 0) setImmediate(drain);
}
