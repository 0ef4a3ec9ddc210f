package dev.pawl.harness;

import static java.util.Objects.requireNonNull;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.awaitility.core.ConditionTimeoutException;

/**
 * The packaged application as a child process, to be killed like any other: what a test sees of it is its HTTP, its log,
 * its exit and its files.
 *
 * <p>It inherits no variable that could configure it, and does not outlive this JVM. Methods may be called from any thread.
 */
public final class PawlProcess implements AutoCloseable {

    private static final Duration KILL_LIMIT = Duration.ofSeconds(30);
    private static final Duration TERMINATE_LIMIT = Duration.ofSeconds(90);
    private static final int TAIL_LINES = 60;
    private static final List<String> NOT_INHERITED = List.of("OPENAI_", "KAFKA_", "PAWL_", "QUARKUS_", "OTEL_", "JAVA_TOOL_OPTIONS",
            "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS");

    /** What Pawl answered. */
    public record Response(int status, String body) {
    }

    private final Process process;
    private final int port;
    private final Path logFile;
    private final Thread hook;
    private final HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(5))
            .build();

    private PawlProcess(Process process, int port, Path logFile) {
        this.process = process;
        this.port = port;
        this.logFile = logFile;
        hook = new Thread(process::destroyForcibly, "kill-pawl-" + process.pid());
        Runtime.getRuntime().addShutdownHook(hook);
    }

    /** Named by the system property {@code pawl.jar}, else where the build puts it. A native executable counts as one. */
    public static Path packagedJar() {
        return Path.of(System.getProperty("pawl.jar", "target/quarkus-app/quarkus-run.jar")).toAbsolutePath();
    }

    /** The command of a package: of a jar with the JDK that runs this, unless the system property {@code pawl.java} names another; an executable takes properties only. */
    public static List<String> command(Path jar, List<String> jvmOptions, List<String> properties) {
        List<String> command = new ArrayList<>();
        if (jar.toString().endsWith(".jar")) {
            String java = System.getProperty("pawl.java", "");
            command.add(java.isEmpty() ? Path.of(System.getProperty("java.home"), "bin", "java").toString() : java);
            command.addAll(jvmOptions);
            command.addAll(properties);
            command.add("-jar");
            command.add(jar.toAbsolutePath().toString());
        } else {
            command.add(jar.toAbsolutePath().toString());
            command.addAll(properties);
        }
        return command;
    }

    /** Where the build puts what {@link AotTraining} makes: beside the jar. */
    public static Path aotCache() {
        return packagedJar().resolveSibling("pawl.aot");
    }

    public static Builder builder() {
        return new Builder();
    }

    /** Describes a process; may start several. */
    public static final class Builder {

        private final Map<String, String> config = new LinkedHashMap<>();
        private final Map<String, String> environment = new LinkedHashMap<>();
        private final List<String> jvmOptions = new ArrayList<>();
        private Path directory;
        private int port;
        private Path jar = packagedJar();
        private boolean aotCache = true;

        private Builder() {
        }

        /** A configuration key, given as a system property. */
        public Builder config(String key, String value) {
            config.put(key, value);
            return this;
        }

        public Builder config(Map<String, String> values) {
            config.putAll(values);
            return this;
        }

        public Builder env(String name, String value) {
            environment.put(name, value);
            return this;
        }

        /** Options of the JVM's own, such as {@code -XX:TieredStopAtLevel=1}. */
        public Builder jvmOptions(List<String> options) {
            jvmOptions.addAll(options);
            return this;
        }

        /** The working directory, where relative paths start and the log is written. Required; created if need be. */
        public Builder directory(Path directory) {
            this.directory = directory;
            return this;
        }

        /** As where nobody has made an AOT cache; by default it is used where there is one. */
        public Builder withoutAotCache() {
            aotCache = false;
            return this;
        }

        /** Where it listens, in place of any free port. */
        public Builder port(int port) {
            this.port = port;
            return this;
        }

        /** Another application than the one named by the system property {@code pawl.jar}. */
        public Builder jar(Path jar) {
            this.jar = jar;
            return this;
        }

        /** Starts the process, and returns before it is ready. */
        public PawlProcess start() {
            requireNonNull(directory, "directory");
            if (!Files.isRegularFile(jar)) {
                throw new IllegalStateException("no " + jar.toAbsolutePath() + ": package the application first");
            }
            int port = this.port == 0 ? FreePort.find() : this.port;
            List<String> options = new ArrayList<>(List.of("-Xmx512m"));
            if (aotCache && Files.isRegularFile(aotCache()) && jar.equals(packagedJar())) {
                options.add("-XX:AOTCache=" + aotCache());
            }
            options.addAll(jvmOptions);
            List<String> properties = new ArrayList<>(List.of("-Dquarkus.http.host=127.0.0.1", "-Dquarkus.http.port=" + port));
            config.forEach((key, value) -> properties.add("-D" + key + "=" + value));
            List<String> command = command(jar, options, properties);
            try {
                Files.createDirectories(directory);
                Path logFile = newLogFile();
                var builder = new ProcessBuilder(command)
                        .directory(directory.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(logFile.toFile());
                builder.environment().keySet().removeIf(name -> NOT_INHERITED.stream().anyMatch(name::startsWith));
                builder.environment().putAll(environment);
                return new PawlProcess(builder.start(), port, logFile);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** {@code pawl-1.log} for the first process of a directory, {@code pawl-2.log} for the next. */
        private Path newLogFile() throws IOException {
            try (Stream<Path> files = Files.list(directory)) {
                long before = files.filter(file -> file.getFileName().toString().matches("pawl-\\d+\\.log")).count();
                return Files.createFile(directory.resolve("pawl-" + (before + 1) + ".log"));
            }
        }
    }

    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    public URI uri(String path) {
        return URI.create("http://127.0.0.1:" + port + path);
    }

    /** Waits for {@code /q/health/ready} to answer 200; fails at once if the process ends. */
    public PawlProcess awaitReady(Duration timeout) {
        try {
            await().atMost(timeout).pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(100))
                    .until(() -> !process.isAlive() || isReady());
        } catch (ConditionTimeoutException e) {
            throw failure("not ready after " + timeout);
        }
        if (!process.isAlive()) {
            throw failure("ended with exit code " + process.exitValue() + " before it was ready");
        }
        return this;
    }

    /** Waits until so many partitions are taken over: those that are not yet are listed without a checkpoint. */
    public PawlProcess awaitOwning(int partitions, Duration timeout) {
        await().atMost(timeout).until(() -> get("/progress").body().split("\"checkpointBytes\"", -1).length - 1 == partitions);
        return this;
    }

    private boolean isReady() {
        try {
            return get("/q/health/ready").status() == 200;
        } catch (UncheckedIOException notListening) {
            return false;
        }
    }

    public Response get(String path) {
        return send(request(path).GET());
    }

    public Response post(String path, String contentType, String body) {
        return post(path, contentType, body, null);
    }

    /** Without a token where it is null. */
    public Response post(String path, String contentType, String body, String token) {
        return post(path, contentType, body.getBytes(StandardCharsets.UTF_8), token);
    }

    public Response post(String path, String contentType, byte[] body, String token) {
        HttpRequest.Builder request = request(path).header("Content-Type", contentType).POST(BodyPublishers.ofByteArray(body));
        if (token != null) {
            request.header("Authorization", "Bearer " + token);
        }
        return send(request);
    }

    /**
     * What an exchange of plain bytes came to, for headers that a client does not let one set.
     *
     * @param headers by lower-case name, the last of each
     */
    public record Exchange(int status, Map<String, String> headers, String body) {
    }

    /** @param headers in place of the usual ones, a Host among them */
    public Exchange exchange(String method, String path, Map<String, String> headers, String body) {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        var request = new StringBuilder("%s %s HTTP/1.1\r\nConnection: close\r\n".formatted(method, path));
        headers.forEach((name, value) -> request.append(name).append(": ").append(value).append("\r\n"));
        if (!headers.containsKey("Host")) {
            request.append("Host: 127.0.0.1:").append(port).append("\r\n");
        }
        if (!headers.containsKey("Content-Length")) {
            request.append("Content-Length: ").append(bytes.length).append("\r\n");
        }
        request.append("\r\n");
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(30_000);
            socket.getOutputStream().write(request.toString().getBytes(StandardCharsets.UTF_8));
            socket.getOutputStream().write(bytes);
            String[] answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8).split("\r\n\r\n", 2);
            List<String> head = answer[0].lines().toList();
            Map<String, String> received = new TreeMap<>();
            head.stream().skip(1).map(line -> line.split(":", 2)).forEach(line -> received.put(line[0].toLowerCase(), line[1].strip()));
            return new Exchange(Integer.parseInt(head.getFirst().split(" ")[1]), received, answer[1]);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(uri(path)).timeout(Duration.ofSeconds(30));
    }

    private Response send(HttpRequest.Builder request) {
        try {
            var response = client.send(request.build(), BodyHandlers.ofString());
            return new Response(response.statusCode(), response.body());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** SIGKILL: nothing of the process runs any more when this returns. */
    public void kill() {
        process.destroyForcibly();
        awaitExit(KILL_LIMIT);
    }

    /** SIGSTOP: nothing of the process moves until {@link #resume()}; its connections stay open. */
    public void suspend() {
        signal("STOP");
    }

    /** SIGCONT. */
    public void resume() {
        signal("CONT");
    }

    private void signal(String name) {
        try {
            if (new ProcessBuilder("kill", "-" + name, Long.toString(pid())).inheritIO().start().waitFor() != 0) {
                throw new IllegalStateException("kill -%s %d failed".formatted(name, pid()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** SIGTERM; returns at once. */
    public void signalTermination() {
        process.destroy();
    }

    /** SIGTERM; returns the exit code. */
    public int terminate() {
        signalTermination();
        return awaitExit(TERMINATE_LIMIT);
    }

    /** Waits for the process to end; returns its exit code. */
    public int awaitExit(Duration timeout) {
        try {
            if (!process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
                throw failure("still running after " + timeout);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
        return process.exitValue();
    }

    /** Of a process that has ended: 137 after SIGKILL. */
    public int exitCode() {
        return process.exitValue();
    }

    /** All it has written to standard output and standard error so far. */
    public String log() {
        try {
            return new String(Files.readAllBytes(logFile), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Kills the process if it runs; the directory and the log stay. */
    @Override
    public void close() {
        kill();
        client.close();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException shuttingDown) {
            // The hook finds the process dead.
        }
    }

    private AssertionError failure(String what) {
        List<String> lines = log().lines().toList();
        return new AssertionError("Pawl (pid %d) %s; the end of %s:%n%s".formatted(pid(), what, logFile,
                String.join(System.lineSeparator(), lines.subList(Math.max(0, lines.size() - TAIL_LINES), lines.size()))));
    }
}
