import ai.sentryagent.idp.TokenVerifier;
import ai.sentryagent.idp.servlet.TokenVerifierFilter;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Set;
import org.apache.catalina.startup.Tomcat;

/** A service that lets agents in by their access tokens. Needs ISSUER and AUDIENCE in the environment, and PORT. */
public final class VerifyServlet {
    public static void main(String[] args) throws Exception {
        TokenVerifier verifier = TokenVerifier.builder()
                .issuer(System.getenv("ISSUER"))
                .audience(System.getenv("AUDIENCE"))
                .build();
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(Files.createTempDirectory("verify-servlet-").toString());
        tomcat.setPort(Integer.parseInt(System.getenv().getOrDefault("PORT", "8080")));
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        tomcat.addContext("", null).addServletContainerInitializer((classes, context) -> {
            context.addFilter("token", new TokenVerifierFilter(verifier, "agents:read"))
                    .addMappingForUrlPatterns(null, false, "/reports");
            context.addServlet("reports", new Reports()).addMapping("/reports");
            context.addServlet("open", new Open()).addMapping("/open");
        }, Set.of());
        tomcat.start();
        System.out.println("listening on http://127.0.0.1:" + tomcat.getConnector().getLocalPort());
        tomcat.getServer().await();
    }

    private static final class Reports extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            response.setContentType("application/json");
            String subject = TokenVerifierFilter.token(request).getSubject();
            response.getWriter().print("{\"subject\":\"" + subject.replace("\"", "") + "\"}");
        }
    }

    private static final class Open extends HttpServlet {
        private static final long serialVersionUID = 1L;

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            response.setContentType("application/json");
            response.getWriter().print("{\"open\":true}");
        }
    }
}
