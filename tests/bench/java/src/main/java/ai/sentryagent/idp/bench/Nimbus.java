package ai.sentryagent.idp.bench;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import java.net.MalformedURLException;
import java.net.URI;
import java.text.ParseException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** The peer: nimbus-jose-jwt as its documentation uses it, with a source that keeps its keys for the whole run. */
final class Nimbus implements Verifier {
    private final DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();

    Nimbus(String baseUrl) {
        try {
            long day = TimeUnit.DAYS.toMillis(1);
            processor.setJWSKeySelector(new JWSVerificationKeySelector<>(
                    Set.of(JWSAlgorithm.RS256, JWSAlgorithm.ES256),
                    JWKSourceBuilder.create(URI.create(baseUrl + "/keys").toURL())
                            .cache(day, TimeUnit.SECONDS.toMillis(15))
                            .build()));
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException(e);
        }
        processor.setJWSTypeVerifier(new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType("at+jwt")));
        processor.setJWTClaimsSetVerifier(new DefaultJWTClaimsVerifier<>(
                Look.AUDIENCE, new JWTClaimsSet.Builder().issuer(baseUrl).build(), Set.of("exp", "sub")));
    }

    @Override
    public void verify(String token) {
        try {
            JWTClaimsSet told = processor.process(token, null);
            Look.at(told.getSubject(), List.of(told.getStringClaim("scope").split(" ")));
        } catch (ParseException | BadJOSEException | JOSEException e) {
            throw new IllegalStateException(e);
        }
    }
}
