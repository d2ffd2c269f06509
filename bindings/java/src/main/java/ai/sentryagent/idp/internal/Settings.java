package ai.sentryagent.idp.internal;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;

/** A client's settings, on their way into the native core. It judges them; here nothing is checked. */
public final class Settings {
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

    public byte[] encode() {
        Map<String, Object> all = new LinkedHashMap<>(values);
        if (!headers.isEmpty()) {
            all.put("headers", headers);
        }
        all.put("language", "java");
        all.put("runtime", "JVM " + System.getProperty("java.version"));
        ByteArrayBuilder bytes = new ByteArrayBuilder(256);
        try (JsonGenerator out = Json.FACTORY.createGenerator(bytes)) {
            Json.OBJECT.write(out, all);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }
}
