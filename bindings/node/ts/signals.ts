/**
 * Which calls a signal ends. Owns that a signal has one listener of ours, however many calls share it: Node warns of a
 * leak from the eleventh on. Refuses to know what a call is.
 */

interface Watched {
  readonly calls: Map<number, () => void>;
  readonly fire: () => void;
}

const signals = new WeakMap<AbortSignal, Watched>();

/** @internal Runs `abort` when the signal fires, until {@link unwatch}. */
export function watch(signal: AbortSignal, id: number, abort: () => void): void {
  const found = signals.get(signal) ?? listen(signal);
  found.calls.set(id, abort);
}

/** @internal With its last call the listener goes, too. */
export function unwatch(signal: AbortSignal, id: number): void {
  const found = signals.get(signal);
  if (found === undefined) return;
  found.calls.delete(id);
  if (found.calls.size > 0) return;
  signals.delete(signal);
  signal.removeEventListener('abort', found.fire);
}

function listen(signal: AbortSignal): Watched {
  const calls = new Map<number, () => void>();
  const fire = () => {
    signals.delete(signal);
    for (const abort of calls.values()) abort();
  };
  const watched = { calls, fire };
  signals.set(signal, watched);
  signal.addEventListener('abort', fire, { once: true });
  return watched;
}
