/** Lists as iterators that fetch as they go. Owns when a list ends; refuses to know what is listed. */
import { undecodable } from './values.js';

interface NumberedPage<T> {
  readonly data: readonly T[];
  readonly total: number;
  readonly page: number;
  readonly limit: number;
}

interface CursorPage<T> {
  readonly data: readonly T[];
  readonly nextCursor?: string | null | undefined;
}

/** @internal Goes on until `page * limit` reaches `total`. */
export async function* byPage<Q extends object, T>(
  fetch: (query: Q) => Promise<NumberedPage<T>>,
  query: Q,
): AsyncGenerator<T, void, undefined> {
  let from: Q = query;
  let asked: number | undefined;
  for (;;) {
    const { data, total, page, limit } = await fetch(from);
    const next = data.length === 0 || page * limit >= total ? undefined : page + 1;
    if (next !== undefined && asked !== undefined && next <= asked) throw standsStill();
    yield* data;
    if (next === undefined) return;
    asked = next;
    from = { ...query, page: next };
  }
}

/** @internal Goes on until an answer has no `nextCursor`. */
export async function* byCursor<Q extends object, T>(
  fetch: (query: Q) => Promise<CursorPage<T>>,
  query: Q,
): AsyncGenerator<T, void, undefined> {
  let from: Q = query;
  let asked: string | undefined;
  for (;;) {
    const { data, nextCursor } = await fetch(from);
    const next = nextCursor == null || nextCursor === '' ? undefined : nextCursor;
    if (next !== undefined && next === asked) throw standsStill();
    yield* data;
    if (next === undefined) return;
    asked = next;
    // A cursor and a page exclude each other.
    from = { ...query, page: undefined, cursor: next };
  }
}

/** A server that does not look at how it is asked for a page answers the same one without end. */
function standsStill(): Error {
  return undecodable('the list does not go on: the page after this one would be the same again');
}
