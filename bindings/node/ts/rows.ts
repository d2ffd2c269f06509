/**
 * Reads rows: the flat array as which the core hands over an answer, values in the contract's order
 * without their names, and a text that repeats only once. `core/src/bridge/rows.rs` says what stands in it.
 *
 * Owns the place that is read next. Refuses to check anything: the core did.
 */

const DAY_MS = 86_400_000;

/** @internal A plain object on its way to become a value. */
export type Parsed = Record<string, unknown>;

/** @internal */
export class Rows {
  private at = 0;

  constructor(private readonly values: readonly unknown[]) {}

  /** A number, a boolean, free JSON, or null. */
  value(): unknown {
    return this.values[this.at++];
  }

  /** A text: itself, or where it stood before. */
  text(): unknown {
    const value = this.values[this.at++];
    return typeof value === 'number' ? this.values[value] : value;
  }

  instant(): Date | null {
    const day = this.values[this.at++] as number | null;
    return day === null ? null : new Date(day * DAY_MS + (this.values[this.at++] as number));
  }

  /** Frozen texts. */
  texts(): readonly unknown[] | null {
    const length = this.values[this.at++] as number | null;
    if (length === null) return null;
    // A slice is as long as it must be; a list that grows takes room for seventeen.
    const list = this.values.slice(this.at, (this.at += length));
    for (let i = 0; i < length; i++) {
      const value = list[i];
      if (typeof value === 'number') list[i] = this.values[value];
    }
    return Object.freeze(list);
  }

  /** A frozen list of what `item` reads. */
  list(item: (rows: Rows) => unknown): readonly unknown[] | null {
    const length = this.values[this.at++] as number | null;
    if (length === null) return null;
    const list = new Array<unknown>(length);
    for (let i = 0; i < length; i++) list[i] = item(this);
    return Object.freeze(list);
  }

  /** An object with the fields that `fields` reads; null: there is none. */
  object(fields: (rows: Rows) => Parsed): Parsed | null {
    const header = this.values[this.at++];
    if (header === null) return null;
    const object = fields(this);
    return header === 0 ? object : irregular(object, this.value() as Irregular);
  }
}

/** The places of fields that are absent, and fields that the contract does not name. */
type Irregular = readonly [absent: readonly number[], unknown: Parsed];

function irregular(object: Parsed, [absent, unknown]: Irregular): Parsed {
  const there = Object.entries(object).filter((_, place) => !absent.includes(place));
  return { ...Object.fromEntries(there), ...unknown };
}
