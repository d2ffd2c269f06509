package ai.sentryagent.idp.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * The platform that this process runs on, in the words of the folders inside the jar.
 *
 * @param name {@code linux-x86_64}, {@code linux-aarch64-musl}, {@code macos-aarch64}, …
 * @param library the library's file name
 */
record Platform(String name, String library) {

    static Platform current() {
        return of(
                System.getProperty("os.name", ""),
                System.getProperty("os.arch", ""),
                Platform::runsOnMusl);
    }

    /** Whether this process uses musl is asked only on Linux. */
    static Platform of(String osName, String osArch, java.util.function.BooleanSupplier musl) {
        String os = osName.toLowerCase(Locale.ROOT);
        String arch = arch(osArch.toLowerCase(Locale.ROOT));
        if (os.startsWith("linux")) {
            return new Platform("linux-" + arch + (musl.getAsBoolean() ? "-musl" : ""), "libagentidp_java.so");
        }
        if (os.startsWith("mac")) {
            return new Platform("macos-" + arch, "libagentidp_java.dylib");
        }
        if (os.startsWith("windows")) {
            return new Platform("windows-" + arch, "agentidp_java.dll");
        }
        return new Platform(os.replace(' ', '-') + "-" + arch, "libagentidp_java.so");
    }

    private static String arch(String arch) {
        return switch (arch) {
            case "amd64", "x86_64", "x64" -> "x86_64";
            case "aarch64", "arm64" -> "aarch64";
            default -> arch;
        };
    }

    /** A process on musl has its loader mapped; asking for files would find a musl that is merely installed. */
    private static boolean runsOnMusl() {
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            return maps.anyMatch(line -> line.contains("/ld-musl-") || line.contains("/libc.musl-"));
        } catch (IOException | RuntimeException e) {
            return false;
        }
    }
}
