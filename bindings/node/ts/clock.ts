/**
 * The clock of tests. Owns time that passes only when a test says so. Refuses to touch the host's
 * own timers.
 */
import { native, type NativeClock } from './native.js';

/** Real milliseconds that {@link ManualClock.sleeping} waits before it gives up. */
const PATIENCE_MS = 30_000;

/**
 * A clock for tests of your code: give it to clients and verifiers as `clock`. It starts at the
 * present and stands still. Timeouts and the pauses between tries sleep by it too, so a call
 * that waits for its next try waits for {@link advance}.
 *
 * @example
 * const clock = new ManualClock();
 * const client = new AgentIdPClient({ clock });
 * clock.advance(3600); // an hour later: the token is renewed with the next call
 */
export class ManualClock {
  readonly #native: NativeClock = new native.Clock();

  /**
   * Lets that many seconds pass; who sleeps until then wakes up.
   *
   * @throws {RangeError} when they are negative, or no finite number.
   */
  advance(seconds: number): void {
    this.#native.advance(within('seconds', seconds, 0, Number.MAX_VALUE) * 1000);
  }

  /**
   * The wall clock alone jumps by that many seconds, back when negative: somebody set it, or the machine slept.
   *
   * @throws {RangeError} when they are no finite number.
   */
  jumpWall(seconds: number): void {
    this.#native.jumpWall(within('seconds', seconds, -Number.MAX_VALUE, Number.MAX_VALUE) * 1000);
  }

  /**
   * What every random draw (jitter of pauses and renewals) gives from now on, 0 to 1. At first 0.
   *
   * @throws {RangeError} when it is another.
   */
  setRandom(value: number): void {
    this.#native.setRandom(within('value', value, 0, 1));
  }

  /** What the wall clock shows. */
  now(): Date {
    return new Date(this.#native.wallMs());
  }

  /**
   * Resolves once the SDK sleeps by this clock for at most that many seconds: for how many. So a
   * test knows when to {@link advance}.
   *
   * @throws {Error} when nobody did for half a real minute.
   */
  async sleeping(atMostSeconds: number): Promise<number> {
    const slept = await this.#native.sleeping(atMostSeconds * 1000, PATIENCE_MS);
    if (slept === null) throw new Error(`nobody slept for at most ${atMostSeconds} s`);
    return slept / 1000;
  }

  /** @internal */
  static nativeOf(clock: ManualClock): NativeClock {
    if (!(#native in Object(clock))) throw new TypeError('clock must be a ManualClock');
    return clock.#native;
  }
}

/** @internal A test that counts wrongly is told so: time that did not pass would let it succeed. */
export function within(name: string, value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && value >= least && value <= most) return value;
  const range = most < Number.MAX_VALUE ? ` from ${least} to ${most}` : least === 0 ? ', zero or more' : '';
  throw new RangeError(`${name} must be a finite number${range}`);
}
