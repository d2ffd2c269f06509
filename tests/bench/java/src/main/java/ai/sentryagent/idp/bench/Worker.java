package ai.sentryagent.idp.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.nimbusds.jose.JOSEObjectType;
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

    /** Null in a contest of verifiers, as the other one is in a contest of clients. */
    private final Contestant client;

    private final Verification verification;

    private Worker(Contestant client, Verification verification) {
        this.client = client;
        this.verification = verification;
    }

    /** The client's name and the base URL. */
    public static void main(String[] args) throws IOException {
        String name = args[0];
        Worker worker = of(name, args[1]);
        String shown = name.equals("java.net.http") ? "java.net.http + Jackson"
                : name.equals("nimbus") ? "nimbus-jose-jwt " + version(JOSEObjectType.class) : "sentryagent-idp";
        System.out.println("{\"client\":\"" + shown + "\",\"runtime\":\"" + System.getProperty("java.vm.name") + ' ' + System.getProperty("java.version") + "\"}");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        JsonMapper mapper = JsonMapper.builder().build();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            System.out.println(worker.take(mapper.readTree(line)));
        }
        System.exit(0);
    }

    private static Worker of(String name, String baseUrl) throws IOException {
        switch (name) {
            case "verify-project":
                return new Worker(null, new Verification(new ProjectVerifier(baseUrl), baseUrl));
            case "nimbus":
                return new Worker(null, new Verification(new Nimbus(baseUrl), baseUrl));
            default:
                Worker worker = new Worker(name.equals("project-java") ? new Project(baseUrl) : new Jdk(baseUrl), null);
                worker.together("get", IN_FLIGHT, WARM_GETS / IN_FLIGHT);
                worker.alone("get", WARM_WAITS);
                worker.together("list", IN_FLIGHT, WARM_LISTS / IN_FLIGHT);
                return worker;
        }
    }

    /** The version in the name of the jar that a class is from. */
    private static String version(Class<?> type) {
        String jar = type.getProtectionDomain().getCodeSource().getLocation().getPath();
        return jar.replaceAll(".*-([0-9.]+)\\.jar", "$1");
    }

    private String take(JsonNode turn) {
        String operation = turn.get("operation").asText();
        int inFlight = turn.get("in_flight").asInt();
        int each = turn.get("calls").asInt() / inFlight;
        long began = System.nanoTime();
        double used = cpu();
        if (verification != null) {
            verification.verify(operation, each);
        } else if (inFlight == 1) {
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
