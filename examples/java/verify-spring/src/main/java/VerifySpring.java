import static org.springframework.security.config.Customizer.withDefaults;

import ai.sentryagent.idp.TokenVerifier;
import ai.sentryagent.idp.spring.BearerErrorHandler;
import ai.sentryagent.idp.spring.TokenVerifierJwtDecoder;
import java.nio.file.Files;
import java.security.Principal;
import java.util.Set;
import org.apache.catalina.startup.Tomcat;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configuration.EnableWebSecurity;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.context.support.AnnotationConfigWebApplicationContext;
import org.springframework.web.filter.DelegatingFilterProxy;
import org.springframework.web.servlet.DispatcherServlet;
import org.springframework.web.servlet.config.annotation.EnableWebMvc;

/**
 * A service that lets agents in by their access tokens. Needs ISSUER and AUDIENCE in the environment, and PORT. With Spring
 * Boot the two classes below are all that is needed.
 */
public final class VerifySpring {
    @Configuration
    @EnableWebMvc
    @EnableWebSecurity
    static class Security {
        @Bean
        TokenVerifier tokenVerifier() {
            return TokenVerifier.builder()
                    .issuer(System.getenv("ISSUER"))
                    .audience(System.getenv("AUDIENCE"))
                    .build();
        }

        @Bean
        JwtDecoder jwtDecoder(TokenVerifier verifier) {
            return new TokenVerifierJwtDecoder(verifier);
        }

        @Bean
        SecurityFilterChain chain(HttpSecurity http) throws Exception {
            BearerErrorHandler errors = new BearerErrorHandler();
            return http.authorizeHttpRequests(requests -> requests
                            .requestMatchers("/open").permitAll()
                            .requestMatchers("/reports").hasAuthority("SCOPE_agents:read")
                            .anyRequest().denyAll())
                    .sessionManagement(sessions -> sessions.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
                    .oauth2ResourceServer(server -> server
                            .jwt(withDefaults())
                            .authenticationEntryPoint(errors)
                            .accessDeniedHandler(errors))
                    .build();
        }
    }

    @RestController
    static class Routes {
        @GetMapping(path = "/reports", produces = "application/json")
        String reports(Principal caller) {
            return "{\"subject\":\"" + caller.getName().replace("\"", "") + "\"}";
        }

        @GetMapping(path = "/open", produces = "application/json")
        String open() {
            return "{\"open\":true}";
        }
    }

    public static void main(String[] args) throws Exception {
        AnnotationConfigWebApplicationContext spring = new AnnotationConfigWebApplicationContext();
        spring.register(Security.class, Routes.class);
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(Files.createTempDirectory("verify-spring-").toString());
        tomcat.setPort(Integer.parseInt(System.getenv().getOrDefault("PORT", "8080")));
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        tomcat.addContext("", null).addServletContainerInitializer((classes, context) -> {
            spring.setServletContext(context);
            spring.refresh();
            context.addFilter("security", new DelegatingFilterProxy("springSecurityFilterChain", spring))
                    .addMappingForUrlPatterns(null, false, "/*");
            context.addServlet("routes", new DispatcherServlet(spring)).addMapping("/");
        }, Set.of());
        tomcat.start();
        System.out.println("listening on http://127.0.0.1:" + tomcat.getConnector().getLocalPort());
        tomcat.getServer().await();
    }
}
