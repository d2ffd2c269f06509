package ai.sentryagent.idp.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** The folders inside the jar. */
class PlatformTest {
    @Test
    void everyPlatformHasItsName() {
        assertEquals(new Platform("linux-x86_64", "libagentidp_java.so"), Platform.of("Linux", "amd64", () -> false));
        assertEquals(new Platform("linux-aarch64-musl", "libagentidp_java.so"), Platform.of("Linux", "aarch64", () -> true));
        assertEquals(new Platform("macos-aarch64", "libagentidp_java.dylib"), Platform.of("Mac OS X", "aarch64", () -> true));
        assertEquals(new Platform("windows-x86_64", "agentidp_java.dll"), Platform.of("Windows 11", "amd64", () -> false));
        assertEquals("freebsd-x86_64", Platform.of("FreeBSD", "amd64", () -> false).name());
    }
}
