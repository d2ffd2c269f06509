import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;

/** {@code java Sha256.java <file>} writes the file's SHA-256 beside it; the loader checks it before it loads the library. */
final class Sha256 {
    public static void main(String[] args) throws Exception {
        Path file = Path.of(args[0]);
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
        Files.writeString(Path.of(file + ".sha256"), HexFormat.of().formatHex(digest) + "\n");
    }
}
