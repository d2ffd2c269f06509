package ai.sentryagent.idp.internal;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Finds, verifies and loads the native library.
 *
 * <p>The jar carries it under {@code native/<platform>/} with its SHA-256 beside it. It is extracted once, into a folder
 * that only this user can enter and that is named by the hash, through a temporary file and an atomic rename; the hash is
 * checked at each load. A file can be loaded by one class loader only, so the second loader of a process gets a copy.
 *
 * <p>{@code -Dai.sentryagent.idp.native.path=<file>} loads that file and extracts nothing;
 * {@code -Dai.sentryagent.idp.native.dir=<folder>} is where to extract, for hosts whose temporary folder is mounted noexec.
 */
final class NativeLibrary {
    private static final String PATH = "ai.sentryagent.idp.native.path";
    private static final String DIR = "ai.sentryagent.idp.native.dir";

    private NativeLibrary() {}

    static void load() {
        String path = System.getProperty(PATH);
        if (path != null) {
            link(Path.of(path).toAbsolutePath());
            return;
        }
        Platform platform = Platform.current();
        String resource = "/native/" + platform.name() + "/" + platform.library();
        try {
            String hash = expectedHash(resource, platform);
            Path folder = privateFolder(hash);
            Path file = extracted(resource, hash, folder, platform.library());
            // The first class loader of the process wins the shared file; see the class comment.
            if (System.getProperties().putIfAbsent("ai.sentryagent.idp.native.loaded." + hash, "true") == null) {
                link(file);
            } else {
                linkCopy(file, folder);
            }
        } catch (IOException e) {
            UnsatisfiedLinkError error = new UnsatisfiedLinkError("The native library of sentryagent-idp for "
                    + platform.name() + " could not be extracted: " + e.getMessage() + ". Set -D" + DIR
                    + " to a folder that is writable and not mounted noexec.");
            error.initCause(e);
            throw error;
        }
    }

    private static String expectedHash(String resource, Platform platform) throws IOException {
        try (InputStream in = NativeLibrary.class.getResourceAsStream(resource + ".sha256")) {
            if (in == null) {
                throw new UnsatisfiedLinkError("This jar of sentryagent-idp carries no native library for "
                        + platform.name() + " (looked for " + resource + "). docs/support.md lists the platforms; a library"
                        + " of your own build is loaded with -D" + PATH + "=<file>.");
            }
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII).strip();
        }
    }

    /** A folder that nobody else can write: ours and 0700, or a fresh one. */
    private static Path privateFolder(String hash) throws IOException {
        String base = System.getProperty(DIR, System.getProperty("java.io.tmpdir"));
        Path parent = Files.createDirectories(Path.of(base).toAbsolutePath());
        Path folder = parent.resolve("agentidp-" + System.getProperty("user.name") + "-" + hash.substring(0, 16));
        if (!parent.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            return Files.createDirectories(folder);
        }
        var onlyUs = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
        try {
            return Files.createDirectory(folder, onlyUs);
        } catch (java.nio.file.FileAlreadyExistsException e) {
            Path probe = Files.createTempFile(parent, "agentidp-", ".owner");
            try {
                boolean ours = !Files.isSymbolicLink(folder)
                        && Files.isDirectory(folder)
                        && Files.getOwner(folder).equals(Files.getOwner(probe))
                        && Files.getPosixFilePermissions(folder).equals(onlyUs.value());
                return ours ? folder : Files.createTempDirectory(parent, "agentidp-", onlyUs);
            } finally {
                Files.delete(probe);
            }
        }
    }

    private static Path extracted(String resource, String hash, Path folder, String name) throws IOException {
        Path file = folder.resolve(name);
        if (Files.isRegularFile(file) && hash(file).equals(hash)) {
            return file;
        }
        Path temporary = Files.createTempFile(folder, "extract-", ".tmp");
        try (InputStream in = NativeLibrary.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IOException(resource + " is missing in the jar although its hash is there");
            }
            Files.copy(in, temporary, StandardCopyOption.REPLACE_EXISTING);
            if (!hash(temporary).equals(hash)) {
                throw new IOException("the extracted library's SHA-256 is not " + hash);
            }
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(temporary);
        }
        return file;
    }

    private static void linkCopy(Path file, Path folder) throws IOException {
        Path copy = Files.createTempFile(folder, "loader-", "-" + file.getFileName());
        Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
        try {
            link(copy);
        } finally {
            // Once mapped, the name is not needed; Windows refuses, and gets another chance at exit.
            try {
                Files.delete(copy);
            } catch (IOException e) {
                copy.toFile().deleteOnExit();
            }
        }
    }

    private static void link(Path file) {
        System.load(file.toString());
    }

    private static String hash(Path file) throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            return HexFormat.of().formatHex(digest.digest(Files.readAllBytes(file)));
        } catch (NoSuchAlgorithmException e) {
            throw new IOException(e);
        }
    }
}
