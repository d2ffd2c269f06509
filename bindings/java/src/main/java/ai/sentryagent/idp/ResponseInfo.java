package ai.sentryagent.idp;

import java.io.Serializable;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What is known of an answer beside its value: see {@link CallOptions.Builder#onResponse} and, for an answer that is an
 * error, {@link AgentIdPException#getResponse}.
 *
 * @param status HTTP status
 * @param headers by name, without regard to case
 * @param requestId the request's id at the service; null when it sent none
 * @param retryCount how many times the SDK repeated the call
 */
public record ResponseInfo(int status, Map<String, List<String>> headers, String requestId, int retryCount) implements Serializable {

    /**
     * Copies the headers.
     *
     * @param status HTTP status
     * @param headers by name
     * @param requestId the request's id, or null
     * @param retryCount how many times the SDK repeated the call
     */
    public ResponseInfo {
        headers = copy(headers);
    }

    static Map<String, List<String>> copy(Map<String, List<String>> headers) {
        Map<String, List<String>> copy = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        headers.forEach((name, values) -> copy.put(name, List.copyOf(values)));
        return Collections.unmodifiableMap(copy);
    }
}
