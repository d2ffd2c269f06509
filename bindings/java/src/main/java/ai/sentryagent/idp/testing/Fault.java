package ai.sentryagent.idp.testing;

import ai.sentryagent.idp.internal.Arguments;
import ai.sentryagent.idp.internal.Json;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a {@link MockServer} does to the next requests. Immutable. What is no fault is refused with a
 * {@link ai.sentryagent.idp.ValidationException}: an argument that is null here, all else by {@link MockServer#failNext}.
 */
public final class Fault {
    private final Map<String, Object> order;

    private Fault(Map<String, Object> order) {
        this.order = order;
    }

    /**
     * An answer of that status, with the error that the service has for it.
     *
     * @param status 200 to 599
     * @return the fault, for one request
     */
    public static Fault status(int status) {
        return new Fault(Map.of()).with("status", (long) status);
    }

    /**
     * An error answer.
     *
     * @param code the service's code, such as {@code AGENT_NOT_FOUND}, or any other
     * @return the fault, for one request
     */
    public static Fault code(String code) {
        return new Fault(Map.of()).with("code", Arguments.given("code", code));
    }

    /**
     * The connection is closed without an answer.
     *
     * @return the fault, for one request
     */
    public static Fault cut() {
        return new Fault(Map.of()).with("cut", true);
    }

    /**
     * The answer comes late.
     *
     * @param time how late, in real time
     * @return the fault, for one request
     */
    public static Fault delay(Duration time) {
        return new Fault(Map.of()).with("delayMs", (long) Arguments.span("time", time));
    }

    /**
     * The same for more requests.
     *
     * @param count how many
     * @return a fault for that many
     */
    public Fault times(int count) {
        return with("count", (long) count);
    }

    /**
     * The same with a wait that the server asks for.
     *
     * @param time the header {@code Retry-After}, in whole seconds
     * @return a fault that says so
     */
    public Fault retryAfter(Duration time) {
        Arguments.span("time", time);
        return with("retryAfter", time.toSeconds());
    }

    /**
     * The same for some requests only.
     *
     * @param prefix how their paths begin
     * @return a fault for those
     */
    public Fault path(String prefix) {
        return with("path", Arguments.given("prefix", prefix));
    }

    String json() {
        return Json.OBJECT.toJson(order);
    }

    @Override
    public String toString() {
        return "Fault" + order;
    }

    private Fault with(String name, Object value) {
        Map<String, Object> all = new LinkedHashMap<>(order);
        all.put(name, value);
        return new Fault(all);
    }
}
