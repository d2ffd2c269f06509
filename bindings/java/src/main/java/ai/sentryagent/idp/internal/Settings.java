package ai.sentryagent.idp.internal;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** A client's or a verifier's settings, on their way into the native core. It judges them; here nothing is checked. */
public final class Settings {
    /** A proxy's URL may hold a password. */
    private static final Set<String> SECRET = Set.of("clientSecret", "proxy");

    private final Map<String, Object> values = new LinkedHashMap<>();
    private final Map<String, Object> headers = new LinkedHashMap<>();

    /** A null value leaves the setting to the environment. */
    public void put(String name, Object value) {
        if (value == null) {
            values.remove(name);
        } else {
            values.put(name, value);
        }
    }

    public void header(String name, String value) {
        headers.put(name, value);
    }

    /** The settings that were given; whatever may be a secret is masked. */
    @Override
    public String toString() {
        Map<String, Object> shown = new LinkedHashMap<>(values);
        shown.replaceAll((name, value) -> SECRET.contains(name) ? "***" : value);
        if (!headers.isEmpty()) {
            // Names only: a header of the caller's own may be a key.
            shown.put("headers", headers.keySet());
        }
        return shown.toString();
    }

    public byte[] encode() {
        Map<String, Object> all = new LinkedHashMap<>(values);
        if (!headers.isEmpty()) {
            all.put("headers", headers);
        }
        all.put("language", "java");
        all.put("runtime", "JVM " + System.getProperty("java.version"));
        return Encoding.bytes(Arguments::misconfigured, out -> Json.OBJECT.write(out, all));
    }
}
