/** Lists as iterators that fetch as they go. Owns when a list ends; refuses to know what is listed. */

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
  for (;;) {
    const { data, total, page, limit } = await fetch(from);
    yield* data;
    if (data.length === 0 || page * limit >= total) return;
    from = { ...query, page: page + 1 };
  }
}

/** @internal Goes on until an answer has no `nextCursor`. */
export async function* byCursor<Q extends object, T>(
  fetch: (query: Q) => Promise<CursorPage<T>>,
  query: Q,
): AsyncGenerator<T, void, undefined> {
  let from: Q = query;
  for (;;) {
    const { data, nextCursor } = await fetch(from);
    yield* data;
    if (nextCursor == null) return;
    // A cursor and a page exclude each other.
    from = { ...query, page: undefined, cursor: nextCursor };
  }
}
