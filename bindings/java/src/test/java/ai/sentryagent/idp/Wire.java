package ai.sentryagent.idp;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A server on loopback that answers as it was told. It speaks HTTP by hand, so that it can see a caller hang up: a path
 * without an answer is never answered, and {@link #awaitHangUp} waits until the caller has closed the connection.
 */
final class Wire implements AutoCloseable {
    static final String AGENT = "/api/v1/agents/";
    static final String TOKEN = "/api/v1/token";

    private final ServerSocket socket;
    private final Map<String, String> answers = new ConcurrentHashMap<>();
    private final Map<String, CountDownLatch> arrived = new ConcurrentHashMap<>();
    private final Map<String, CountDownLatch> hungUp = new ConcurrentHashMap<>();
    private final List<Socket> open = new CopyOnWriteArrayList<>();
    private final Map<String, AtomicInteger> counts = new ConcurrentHashMap<>();
    private final Map<String, String> heads = new ConcurrentHashMap<>();
    private final Map<String, CountDownLatch> gates = new ConcurrentHashMap<>();
    private final Map<String, Long> hungUpAt = new ConcurrentHashMap<>();

    Wire() throws IOException {
        socket = new ServerSocket(0, 512, InetAddress.getLoopbackAddress());
        answer(TOKEN, 200, "{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"expires_in\":3600,\"scope\":\"agents:read\"}");
        thread(this::accept);
    }

    String url() {
        return "http://127.0.0.1:" + socket.getLocalPort();
    }

    AgentIdPClientBuilder client() {
        return AgentIdPClient.builder().baseUrl(url()).clientId("me").clientSecret("sk_live_secret").retries(0);
    }

    void answer(String path, int status, String body, String... headers) {
        StringBuilder text = new StringBuilder("HTTP/1.1 " + status + " Any\r\nContent-Type: application/json\r\n");
        for (String header : headers) {
            text.append(header).append("\r\n");
        }
        int length = body.getBytes(StandardCharsets.UTF_8).length;
        answers.put(path, text.append("Content-Length: ").append(length).append("\r\n\r\n").append(body).toString());
    }

    /** Nobody gets the answer of that path before so many have asked for it. */
    void gate(String path, int count) {
        gates.put(path, new CountDownLatch(count));
    }

    /** When the caller was seen to be gone, as {@link System#nanoTime}. */
    long hungUpAt(String path) {
        return hungUpAt.get(path);
    }

    boolean hasHungUp(String path, long patienceMs) throws InterruptedException {
        return hungUp.computeIfAbsent(path, p -> new CountDownLatch(1)).await(patienceMs, TimeUnit.MILLISECONDS);
    }

    int count(String path) {
        return counts.getOrDefault(path, new AtomicInteger()).get();
    }

    /** Request line and headers of the last request to a path. */
    String head(String path) {
        return heads.get(path);
    }

    void awaitArrival(String path) throws InterruptedException {
        await(arrived, path, "no request for ");
    }

    void awaitHangUp(String path) throws InterruptedException {
        await(hungUp, path, "the caller still waits for ");
    }

    private static void await(Map<String, CountDownLatch> latches, String path, String failure) throws InterruptedException {
        if (!latches.computeIfAbsent(path, p -> new CountDownLatch(1)).await(30, TimeUnit.SECONDS)) {
            throw new AssertionError(failure + path);
        }
    }

    private void accept() {
        while (!socket.isClosed()) {
            try {
                Socket connection = socket.accept();
                open.add(connection);
                if (socket.isClosed()) {
                    // Accepted while everything was being closed.
                    connection.close();
                }
                thread(() -> serve(connection));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void serve(Socket connection) {
        String path = null;
        try (connection) {
            InputStream in = new BufferedInputStream(connection.getInputStream());
            for (String head = head(in); head != null; head = head(in)) {
                path = head.split(" ")[1];
                heads.put(path, head);
                counts.computeIfAbsent(path, p -> new AtomicInteger()).incrementAndGet();
                arrived.computeIfAbsent(path, p -> new CountDownLatch(1)).countDown();
                CountDownLatch gate = gates.get(path);
                if (gate != null) {
                    gate.countDown();
                    gate.await();
                }
                String answer = answers.get(path);
                if (answer != null) {
                    connection.getOutputStream().write(answer.getBytes(StandardCharsets.UTF_8));
                    connection.getOutputStream().flush();
                }
            }
        } catch (IOException e) {
            // A reset is a hang-up too.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (path != null) {
            hungUpAt.put(path, System.nanoTime());
            hungUp.computeIfAbsent(path, p -> new CountDownLatch(1)).countDown();
        }
    }

    /** Reads a request with its body; null at the end of the connection. */
    private static String head(InputStream in) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        while (!bytes.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
            int next = in.read();
            if (next < 0) {
                return null;
            }
            bytes.write(next);
        }
        String head = bytes.toString(StandardCharsets.ISO_8859_1);
        for (String line : head.split("\r\n")) {
            if (line.toLowerCase(java.util.Locale.ROOT).startsWith("content-length:")) {
                in.readNBytes(Integer.parseInt(line.substring(15).trim()));
            }
        }
        return head;
    }

    private static void thread(Runnable body) {
        Thread thread = new Thread(body, "wire");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        socket.close();
        for (Socket connection : open) {
            connection.close();
        }
    }

    /** An agent as the service answers it. */
    static String agent(String id) {
        return """
                {"agentId":"%s","organizationId":"o","role":"member","email":"a@example.com","agentType":"screener",\
                "version":"1.4.0","capabilities":["resume:read"],"owner":"team","deploymentEnv":"production",\
                "status":"active","isPublic":false,"did":null,"didCreatedAt":null,\
                "createdAt":"2026-03-28T09:00:00.000Z","updatedAt":"2026-03-28T09:00:00.123Z"}""".formatted(id);
    }
}
