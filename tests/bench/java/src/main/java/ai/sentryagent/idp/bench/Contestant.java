package ai.sentryagent.idp.bench;

import java.util.concurrent.CompletableFuture;

/** A client of the contest. Each answer is decoded whole, and looked at. */
interface Contestant {
    /** Reads an agent and waits. */
    void get(String id);

    /** Reads a page of a hundred agents and waits. */
    void list();

    /** Reads an agent. */
    CompletableFuture<Void> getAsync(String id);

    /** Reads a page of a hundred agents. */
    CompletableFuture<Void> listAsync();
}
