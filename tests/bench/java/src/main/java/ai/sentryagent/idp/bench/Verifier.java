package ai.sentryagent.idp.bench;

/** A verifier of the contest. */
interface Verifier {
    /** Checks a token, and looks at what it says. */
    void verify(String token);
}
