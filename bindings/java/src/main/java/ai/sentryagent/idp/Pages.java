package ai.sentryagent.idp;

import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * All items of a list, fetched page by page as they are read. Each iteration begins anew at the first page; a failing
 * page throws its {@link AgentIdPException} out of {@code hasNext}, and may be tried again.
 *
 * @param <T> the items
 */
public final class Pages<T> implements Iterable<T> {
    private final Function<Object, Page<T>> fetch;

    /** {@code fetch} gives the page of a position; the first page's position is null. */
    Pages(Function<Object, Page<T>> fetch) {
        this.fetch = fetch;
    }

    /**
     * The items, one after the other.
     *
     * @return an iterator that waits for a page where one begins
     */
    @Override
    public Iterator<T> iterator() {
        return new Walk<>(fetch);
    }

    /**
     * The items as a stream.
     *
     * @return a sequential stream that waits for a page where one begins
     */
    public Stream<T> stream() {
        return StreamSupport.stream(spliterator(), false);
    }

    /** One page, and the position of the next; null after the last. */
    record Page<T>(List<T> items, Object next) {
        Page {
            next = "".equals(next) ? null : next;
        }

        /** A server that does not look at how it is asked for a page answers the same one without end. */
        boolean standsStill(Object asked) {
            return asked instanceof Long page && next instanceof Long later
                    ? later <= page
                    : asked != null && asked.equals(next);
        }

        /** A page of a list that is counted by pages. */
        static <T> Page<T> counted(List<T> items, long page, long limit, long total) {
            return new Page<>(items, items.isEmpty() || page * limit >= total ? null : page + 1);
        }
    }

    private static final class Walk<T> implements Iterator<T> {
        private final Function<Object, Page<T>> fetch;
        private Iterator<T> items = List.<T>of().iterator();
        private Object next;
        private boolean last;

        Walk(Function<Object, Page<T>> fetch) {
            this.fetch = Objects.requireNonNull(fetch);
        }

        @Override
        public boolean hasNext() {
            while (!items.hasNext() && !last) {
                Page<T> page = fetch.apply(next);
                if (page.standsStill(next)) {
                    throw AgentIdPException.of(ErrorRecord.local(
                            "decoding",
                            "DECODING_ERROR",
                            "the list does not go on: the page after this one would be the same again"));
                }
                items = page.items().iterator();
                next = page.next();
                last = next == null;
            }
            return items.hasNext();
        }

        @Override
        public T next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            return items.next();
        }
    }
}
