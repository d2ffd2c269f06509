package ai.sentryagent.idp.testing;

import ai.sentryagent.idp.AgentIdPClient;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives the tests of a class a {@link MockServer}. One server serves the class; faults and requests are forgotten before
 * each test, agents and credentials are not.
 *
 * <pre>{@code
 * @ExtendWith(MockServerExtension.class)
 * class ReportsTest {
 *     @Test
 *     void reads(MockServer server, AgentIdPClient client) { … }
 * }
 * }</pre>
 */
public final class MockServerExtension implements ParameterResolver, BeforeEachCallback, AfterAllCallback {
    private static final ExtensionContext.Namespace NAMESPACE =
            ExtensionContext.Namespace.create(MockServerExtension.class);

    /** For JUnit. */
    public MockServerExtension() {}

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        Class<?> type = parameter.getParameter().getType();
        return type == MockServer.class || type == AgentIdPClient.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        MockServer server = server(context);
        return parameter.getParameter().getType() == MockServer.class ? server : server.client();
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        MockServer server = stored(context);
        if (server != null) {
            server.reset();
        }
    }

    @Override
    public void afterAll(ExtensionContext context) {
        // Only the class that started it ends it, not a nested one that uses it.
        MockServer server = context.getStore(NAMESPACE).remove(MockServer.class, MockServer.class);
        if (server != null) {
            server.close();
        }
    }

    /** Started by the first test that asks, and kept with the outermost class. */
    private static MockServer server(ExtensionContext context) {
        MockServer running = stored(context);
        if (running != null) {
            return running;
        }
        ExtensionContext outermost = context;
        while (outermost.getParent().filter(parent -> parent.getTestClass().isPresent()).isPresent()) {
            outermost = outermost.getParent().get();
        }
        MockServer server = MockServer.start();
        outermost.getStore(NAMESPACE).put(MockServer.class, server);
        return server;
    }

    private static MockServer stored(ExtensionContext context) {
        return context.getStore(NAMESPACE).get(MockServer.class, MockServer.class);
    }
}
