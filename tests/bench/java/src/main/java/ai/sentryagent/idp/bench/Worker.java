package ai.sentryagent.idp.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.management.OperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;

/**
 * A Java client under the referee's orders: one line in, one turn, one line out.
 *
 * <p>A turn is as many chains of calls as are in flight, each of the same number of calls; one at a time is a thread that
 * waits. A call that fails ends the worker: a failure has no rate.
 */
public final class Worker {
    private static final String AGENT = "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8000";
    private static final int IN_FLIGHT = 64;
    /** Calls of each kind before the first turn, so that the compiler has seen them. */
    private static final int WARM_GETS = 20_000;
    private static final int WARM_WAITS = 4_000;
    private static final int WARM_LISTS = 2_000;

    private final Contestant client;

    private Worker(Contestant client) {
        this.client = client;
    }

    /** The client's name and the base URL. */
    public static void main(String[] args) throws IOException {
        Worker worker = new Worker(args[0].equals("project-java") ? new Project(args[1]) : new Jdk(args[1]));
        worker.together("get", IN_FLIGHT, WARM_GETS / IN_FLIGHT);
        worker.alone("get", WARM_WAITS);
        worker.together("list", IN_FLIGHT, WARM_LISTS / IN_FLIGHT);
        System.out.println("{\"client\":\"" + (args[0].equals("project-java") ? "sentryagent-idp" : "java.net.http + Jackson")
                + "\",\"runtime\":\"" + System.getProperty("java.vm.name") + ' ' + System.getProperty("java.version") + "\"}");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        JsonMapper mapper = JsonMapper.builder().build();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            System.out.println(worker.take(mapper.readTree(line)));
        }
        System.exit(0);
    }

    private String take(JsonNode turn) {
        String operation = turn.get("operation").asText();
        int inFlight = turn.get("in_flight").asInt();
        int each = turn.get("calls").asInt() / inFlight;
        long began = System.nanoTime();
        double used = cpu();
        if (inFlight == 1) {
            alone(operation, each);
        } else {
            together(operation, inFlight, each);
        }
        return String.format(
                Locale.ROOT, "{\"seconds\":%.9f,\"cpu\":%.6f}", (System.nanoTime() - began) / 1e9, cpu() - used);
    }

    private void alone(String operation, int calls) {
        for (int i = 0; i < calls; i++) {
            if (operation.equals("get")) {
                client.get(AGENT);
            } else {
                client.list();
            }
        }
    }

    private void together(String operation, int inFlight, int each) {
        CompletableFuture<?>[] chains = new CompletableFuture<?>[inFlight];
        for (int i = 0; i < inFlight; i++) {
            CompletableFuture<Void> end = new CompletableFuture<>();
            chains[i] = end;
            next(operation, each, end);
        }
        CompletableFuture.allOf(chains).join();
    }

    private void next(String operation, int left, CompletableFuture<Void> end) {
        if (left == 0) {
            end.complete(null);
            return;
        }
        CompletableFuture<Void> call = operation.equals("get") ? client.getAsync(AGENT) : client.listAsync();
        call.whenComplete((done, error) -> {
            if (error == null) {
                next(operation, left - 1, end);
            } else {
                end.completeExceptionally(error);
            }
        });
    }

    private static double cpu() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime() / 1e9;
    }
}
