package ai.sentryagent.idp.bench;

import ai.sentryagent.idp.TokenVerifier;
import ai.sentryagent.idp.VerifiedToken;

/** The project's own verifier. */
final class ProjectVerifier implements Verifier {
    private final TokenVerifier verifier;

    ProjectVerifier(String baseUrl) {
        verifier = TokenVerifier.builder()
                .issuer(baseUrl)
                .audience(Look.AUDIENCE)
                .jwksUri(baseUrl + "/keys")
                .build();
    }

    @Override
    public void verify(String token) {
        VerifiedToken told = verifier.verify(token);
        Look.at(told.getSubject(), told.getScopes());
    }
}
