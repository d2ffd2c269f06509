package ai.sentryagent.idp;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;

/** A program for JDK 21 and later: as many virtual threads as it is told wait in blocking calls at once. */
final class VirtualThreads {
    private VirtualThreads() {}

    /** Base URL and number of threads. Exits with 0 when each got its answer. */
    public static void main(String[] args) throws Exception {
        // By reflection: these tests are compiled for JDK 17.
        Object builder = Thread.class.getMethod("ofVirtual").invoke(null);
        ThreadFactory factory = (ThreadFactory)
                Class.forName("java.lang.Thread$Builder").getMethod("factory").invoke(builder);
        AtomicInteger answered = new AtomicInteger();
        int count = Integer.parseInt(args[1]);
        try (AgentIdPClient client = new AgentIdPClient(args[0], "me", "s")) {
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                Thread thread = factory.newThread(() -> {
                    if (client.agents().getAgent("gate").getAgentId().equals("gate")) {
                        answered.incrementAndGet();
                    }
                });
                threads.add(thread);
                thread.start();
            }
            for (Thread thread : threads) {
                thread.join(30_000);
            }
        }
        System.exit(answered.get() == count ? 0 : 1);
    }
}
