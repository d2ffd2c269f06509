package ai.sentryagent.idp.bench;

import java.time.Instant;
import java.util.List;

/** Reads what a caller reads, and checks it. */
final class Look {
    /** For whom tokens are. */
    static final String AUDIENCE = "https://api.example.com";

    /** Agents on a page. */
    static final int PAGE = 100;

    private static final Instant BEGIN = Instant.parse("2026-01-01T00:00:00Z");
    private static final Instant END = Instant.parse("2027-01-01T00:00:00Z");

    private Look() {}

    static void at(String email, boolean active, Instant created) {
        if (!email.endsWith(".com") || !active || created.isBefore(BEGIN) || !created.isBefore(END)) {
            throw new IllegalStateException("an agent is not what the server sent");
        }
    }

    static void at(String subject, List<String> scopes) {
        if (subject.length() != 36 || !scopes.contains("agents:read")) {
            throw new IllegalStateException("the token does not say what it was made with");
        }
    }

    static void at(int agents) {
        if (agents != PAGE) {
            throw new IllegalStateException("a page is not what the server sent");
        }
    }
}
