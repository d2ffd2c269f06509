/**
 * What callers of JavaScript give where types are not checked, made into what the core can judge.
 *
 * Owns what JSON would change without a word: NaN and Infinity into null, which means "left out"; `Headers` and
 * maps into `{}`. Refuses to judge values: the core does, the same in every language.
 */
import { errorFrom, type Frame } from './errors.js';

/** @internal The same settings; what JSON cannot say is said so that the core refuses it by its name. */
export function settingsOf<T extends object>(settings: T): T {
  const entries = Object.entries(settings);
  if (entries.every(([, value]) => sayable(value) === value)) return settings;
  return Object.fromEntries(entries.map(([name, value]) => [name, sayable(value)])) as T;
}

function sayable(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  // `Headers`, a `Map` or a list of pairs, wherever names have values.
  return pairs(value) ? Object.fromEntries(value) : value;
}

function pairs(value: unknown): value is Iterable<readonly [string, unknown]> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return value instanceof Map || (typeof Headers === 'function' && value instanceof Headers);
}

/** @internal The options of a call; null is none, and what is no object is refused. */
export function optionsOf<T extends { readonly signal?: AbortSignal | undefined }>(
  options: T | null | undefined,
  hide: Frame,
): T | undefined {
  if (options === undefined || options === null) return undefined;
  if (typeof options !== 'object') throw wrong('options', 'must be an object, such as { timeoutMs: 5000 }', hide);
  // Null is what `fetch` takes for none.
  const signal: unknown = options.signal ?? undefined;
  if (signal !== undefined && !isSignal(signal)) throw wrong('signal', 'must be an AbortSignal', hide);
  return options;
}

function isSignal(value: unknown): boolean {
  const { addEventListener, removeEventListener, aborted } = Object(value) as Partial<AbortSignal>;
  return (
    typeof addEventListener === 'function' && typeof removeEventListener === 'function' && typeof aborted === 'boolean'
  );
}

/** @internal */
export function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

/** @internal The error of an argument that is refused before any request. */
export function wrong(field: string, reason: string, hide: Frame): Error {
  return errorFrom(
    {
      kind: 'validation',
      code: 'VALIDATION_ERROR',
      message: `${field}: ${reason}`,
      details: { field, reason, errors: [{ field, reason }] },
    },
    hide,
  );
}
