package dev.pawl.dev;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import dev.pawl.harness.CheckpointFile;
import dev.pawl.harness.FreePort;

/** The README's first command in a copy of the project: no Docker, no key, killed and started again. */
class DevModeIT {

    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final List<String> PROJECT = List.of("pom.xml", "mvnw", ".mvn", "src/main", "samples");
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path project;

    private final HttpClient http = HttpClient.newHttpClient();
    private final int httpPort = FreePort.find();
    private final int kafkaPort = FreePort.find();
    private final List<Process> started = new ArrayList<>();

    @AfterEach
    void stop() {
        started.forEach(DevModeIT::kill);
    }

    @Test
    void killedWhileItWorksOnTheSamples_startedAgainFinishesThemAndRepeatsNoFinishedCall() throws Exception {
        for (String part : PROJECT) {
            copy(Path.of(part), project.resolve(part));
        }
        Process first = start();
        JsonNode samples = JSON.readTree(get("/dev/samples"));
        assertThat(samples).hasSizeGreaterThanOrEqualTo(24);
        assertThat(get("/")).contains("<title>Pawl");
        assertThat(statusForThePageOf("http://elsewhere.example")).isEqualTo(403);
        assertThat(statusForThePageOf("null")).isEqualTo(403);
        assertThat(statusForThePageOf("http://localhost:" + httpPort)).isEqualTo(202);
        assertThat(post("/documents", samples.toString())).isEqualTo("{\"accepted\":%d,\"rejected\":[]}".formatted(samples.size()));
        await().atMost(PATIENCE).pollInterval(Duration.ofMillis(20)).until(() -> lines("step") >= 8);
        kill(first);
        long kept = lines("step") + lines("done");
        assertThat(lines("done")).isLessThan(samples.size());

        start();
        await().atMost(PATIENCE).until(() -> lines("done") == samples.size());

        assertThat(JSON.readTree(get("/progress")).at("/calls/made").asLong()).isEqualTo(2L * samples.size() - kept);
        assertThat(JSON.readTree(get("/progress")).at("/model/standIn").asBoolean()).isTrue();
        assertThat(JSON.readTree(get("/documents/" + samples.get(0).asText())).at("/steps/0/model").asText())
                .isEqualTo("pawl-offline-stand-in");
    }

    private Process start() throws IOException {
        Path log = project.resolve("dev-%d.log".formatted(started.size() + 1));
        ProcessBuilder command = new ProcessBuilder("./mvnw", "quarkus:dev", "-Ddebug=false",
                "-Dmaven.repo.local=" + System.getProperty("maven.repo.local"),
                "-Dquarkus.http.port=" + httpPort, "-Dpawl.dev.kafka.port=" + kafkaPort,
                "-Dpawl.max-in-flight=4", "-Dpawl.dev.offline-model.delay=1s")
                .directory(project.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        command.environment().keySet().removeIf(name -> name.matches("(OPENAI|KAFKA|PAWL|QUARKUS|MAVEN)_.*|JAVA_HOME"));
        Process process = command.start();
        started.add(process);
        await().atMost(PATIENCE).ignoreExceptions().until(() -> {
            assertThat(process.isAlive()).as(() -> read(log)).isTrue();
            return get("/q/health/ready").contains("\"status\": \"UP\"");
        });
        return process;
    }

    /** The wrapper, Maven and the application's own JVM. */
    private static void kill(Process process) {
        List<ProcessHandle> all = Stream.concat(process.descendants(), Stream.of(process.toHandle())).toList();
        all.forEach(ProcessHandle::destroyForcibly);
        all.forEach(handle -> handle.onExit().join());
    }

    private long lines(String status) {
        Path directory = project.resolve("data/checkpoint");
        if (!Files.isDirectory(directory)) {
            return 0;
        }
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.toString().endsWith(".jsonl"))
                    .flatMap(file -> CheckpointFile.read(file).stream())
                    .filter(line -> line.valid() && status.equals(line.status()))
                    .count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String get(String path) throws IOException, InterruptedException {
        return http.send(request(path).GET().build(), BodyHandlers.ofString()).body();
    }

    private String post(String path, String json) throws IOException, InterruptedException {
        return http.send(request(path).header("Content-Type", "application/json").POST(BodyPublishers.ofString(json)).build(),
                BodyHandlers.ofString()).body();
    }

    /** What a form of that page gets that a visitor's browser sends for it: no script is needed, and nothing is asked before. */
    private int statusForThePageOf(String origin) throws IOException, InterruptedException {
        return http.send(request("/documents").header("Content-Type", "text/plain").header("Origin", origin).POST(BodyPublishers.ofString("\n")).build(),
                BodyHandlers.discarding()).statusCode();
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://localhost:" + httpPort + path)).timeout(Duration.ofSeconds(30));
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Path target = to.resolve(from.relativize(file).toString());
                Files.createDirectories(target.getParent());
                Files.copy(file, from.equals(file) ? to : target, StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
    }

    private static String read(Path log) {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
