/**
 * Values of the models: plain frozen objects, with `Date` for timestamps and secrets that no log shows.
 *
 * Owns the ways between the wire's JSON and such a value. Refuses to check limits: the server does.
 * A secret is a property that is not enumerable: it is there for who asks for it by name, and not
 * for `console.log`, `JSON.stringify`, a spread or a structured clone.
 */
import type { InspectOptions } from 'node:util';
import { DecodingError, ValidationError } from './errors.js';
import { Rows, type Parsed } from './rows.js';

/** A value as plain JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Converts one model from and to plain JSON. */
export interface Model<T> {
  /** The model's name in the contract. */
  readonly name: string;
  /**
   * Makes a value from JSON, given as text or as a plain object.
   *
   * @throws {DecodingError} when it is no object or a required field is missing.
   */
  readonly fromJSON: (json: unknown) => T;
  /** The value as the wire has it: timestamps as text, secrets and unknown fields included. */
  readonly toJSON: (value: T) => { readonly [key: string]: Json };
  /** @internal Turns a freshly parsed object into the value, in place. */
  readonly decode: (parsed: unknown) => T;
  /** @internal Reads the value out of rows; null where there is none. */
  readonly read: (rows: Rows) => T | null;
  /** @internal Turns an answer's body into the value: rows, or the object as it came. */
  readonly receive: (body: unknown) => T;
}

interface Shape {
  readonly name: string;
  readonly required: readonly string[];
  readonly secrets: readonly string[];
  /** Converts what is neither text, number nor boolean. */
  readonly fields: (parsed: Parsed) => void;
  /** Reads the fields out of rows; left out for what does not come in rows. */
  readonly rows?: (rows: Rows) => Parsed;
}

const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** @internal */
export function model<T>({ name, required, secrets, fields, rows: ofRows = () => ({}) }: Shape): Model<T> {
  const seal = (object: Parsed): T => {
    if (secrets.length > 0) hide(object, secrets);
    return Object.freeze(object) as T;
  };
  const decode = (parsed: unknown): T => {
    fields(parsed as Parsed);
    return seal(parsed as Parsed);
  };
  const read = (rows: Rows): T | null => {
    const object = rows.object(ofRows);
    return object === null ? null : seal(object);
  };
  return Object.freeze({
    name,
    decode,
    read,
    receive: (body: unknown) => (Array.isArray(body) ? (read(new Rows(body)) as T) : decode(body)),
    fromJSON(json: unknown): T {
      // A copy: what the caller gave is not frozen under its hands.
      const parsed = parse(name, typeof json === 'string' ? json : JSON.stringify(json ?? null));
      if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
        throw undecodable(`${name} is no object`);
      }
      const missing = required.filter((field) => (parsed as Parsed)[field] === undefined);
      if (missing.length > 0) throw undecodable(`${name} lacks ${missing.join(', ')}`);
      return decode(parsed);
    },
    toJSON: (value: T) => plain(value) as { readonly [key: string]: Json },
  });
}

/** @internal Text to `Date`; null stays. */
export function instant(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) throw undecodable(`"${value}" is no timestamp`);
  return date;
}

/** @internal Converts each item and freezes the list. */
export function list(value: unknown, item?: (value: unknown) => unknown): unknown {
  if (!Array.isArray(value)) return value;
  if (item !== undefined) {
    for (let i = 0; i < value.length; i++) value[i] = item(value[i]);
  }
  return Object.freeze(value);
}

/** @internal Converts each value of an object with free keys and freezes it. */
export function dictionary(value: unknown, item: (value: unknown) => unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const object = value as Parsed;
  for (const key of Object.keys(object)) object[key] = item(object[key]);
  return Object.freeze(object);
}

/** @internal Freezes free JSON through and through. */
export function free(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) free(inner);
  return Object.freeze(value);
}

/** @internal Refuses an invalid `Date`: as JSON it would be null, which may mean something else. */
export function dated<T>(value: T, at = ''): T {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) {
      const reason = 'is an invalid Date';
      throw new ValidationError({
        kind: 'validation',
        code: 'VALIDATION_ERROR',
        message: `${at} ${reason}`,
        details: { field: at, reason, errors: [{ field: at, reason }] },
      });
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) dated(inner as unknown, at === '' ? key : `${at}.${key}`);
  }
  return value;
}

function hide(object: Parsed, secrets: readonly string[]): void {
  for (const name of secrets) {
    if (object[name] != null) Object.defineProperty(object, name, { enumerable: false });
  }
  Object.defineProperty(object, INSPECT, { value: masked, enumerable: false });
}

function masked(
  this: Parsed,
  _depth: number,
  options: InspectOptions,
  inspect: (value: unknown, options: InspectOptions) => string,
): string {
  const shown: Parsed = {};
  for (const name of Object.getOwnPropertyNames(this)) {
    shown[name] = Object.prototype.propertyIsEnumerable.call(this, name) ? this[name] : '[secret]';
  }
  return inspect(shown, options);
}

/** @internal Own properties by name, so that secrets, which are not enumerable, are among them. */
export function plain(value: unknown): Json {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.getOwnPropertyNames(value).map((name) => [name, plain((value as Parsed)[name])]));
  }
  return value as Json;
}

function parse(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw undecodable(`${name} is no JSON`);
  }
}

/** @internal An answer that breaks the contract. */
export function undecodable(message: string): DecodingError {
  return new DecodingError({ kind: 'decoding', code: 'DECODING_ERROR', message });
}
