package ai.sentryagent.idp;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Virtual machines of their own, that run a main class of these tests against the SDK's classes. */
final class HostProcess {
    private HostProcess() {}

    /** On the class path. */
    static Process start(Path home, List<String> options, Class<?> main, String... args) throws IOException {
        List<String> command = java(home, options);
        command.addAll(List.of("-cp", classPath() + File.pathSeparator + testClasses(), main.getName()));
        command.addAll(List.of(args));
        return new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    /** The SDK as a module, the test on the class path. Whatever is optional is not there. */
    static Process startOnModulePath(Class<?> main, String... args) throws IOException {
        List<String> command = java(Path.of(System.getProperty("java.home")), List.of());
        command.addAll(List.of("-p", classPath(), "--add-modules", "ai.sentryagent.idp", "-cp", testClasses(), main.getName()));
        command.addAll(List.of(args));
        return new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    static int end(Process process) throws InterruptedException {
        boolean ended = process.waitFor(60, TimeUnit.SECONDS);
        process.destroyForcibly();
        if (!ended) {
            throw new AssertionError("the process is still there");
        }
        return process.exitValue();
    }

    /** A JDK of that version or later, installed beside the one that runs this. */
    static Optional<Path> jdk(int version) throws IOException {
        if (Runtime.version().feature() >= version) {
            return Optional.of(Path.of(System.getProperty("java.home")));
        }
        Path beside = Path.of(System.getProperty("java.home")).getParent();
        try (Stream<Path> homes = Files.list(beside)) {
            return homes.filter(home -> version(home) >= version).findFirst();
        }
    }

    private static int version(Path home) {
        try (Stream<String> lines = Files.lines(home.resolve("release"))) {
            return lines.filter(line -> line.startsWith("JAVA_VERSION=\""))
                    .map(line -> line.substring(14).split("[.\"]")[0])
                    .mapToInt(Integer::parseInt)
                    .findFirst()
                    .orElse(0);
        } catch (IOException | UncheckedIOException | NumberFormatException e) {
            return 0;
        }
    }

    private static List<String> java(Path home, List<String> options) {
        List<String> command = new ArrayList<>();
        command.add(home.resolve("bin").resolve("java").toString());
        command.addAll(options);
        if (options.stream().noneMatch(option -> option.contains("native.dir"))) {
            command.add("-Dai.sentryagent.idp.native.dir=" + System.getProperty("ai.sentryagent.idp.native.dir"));
        }
        return command;
    }

    static String classPath() {
        try {
            return System.getProperty("agentidp.main.classes") + File.pathSeparator
                    + Files.readString(Path.of(System.getProperty("agentidp.class.path"))).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String testClasses() {
        return System.getProperty("agentidp.test.classes");
    }
}
