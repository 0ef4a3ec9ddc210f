package dev.pawl.checkpoint.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import dev.pawl.Pawl;
import dev.pawl.checkpoint.CheckpointHolder;
import dev.pawl.command.Invocation;
import dev.pawl.harness.CheckpointFile;

/** A checkpoint directory, and commands run on it inside this JVM. */
abstract class CommandTestBase {

    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path directory;

    private final List<Process> holders = new ArrayList<>();

    record Ran(int status, String out, String err) {

        JsonNode json() {
            return tree(out);
        }
    }

    @AfterEach
    void release() {
        holders.forEach(Process::destroyForcibly);
        holders.forEach(holder -> holder.onExit().join());
    }

    Ran run(String... arguments) {
        return runIn(directory, "", Map.of(), arguments);
    }

    static Ran runIn(Path directory, String in, Map<String, String> environment, String... arguments) {
        List<String> all = new ArrayList<>(List.of("checkpoint"));
        all.addAll(List.of(arguments));
        if (arguments.length > 0 && !arguments[0].equals("frobnicate")) {
            all.addAll(2, List.of("--directory", directory.toString()));
        }
        return invoke(in, environment, all.toArray(String[]::new));
    }

    static Ran invoke(String in, Map<String, String> environment, String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int status = Pawl.command(new Invocation(new ByteArrayInputStream(in.getBytes(StandardCharsets.UTF_8)), out, false,
                new PrintStream(err, true, StandardCharsets.UTF_8), false, environment), arguments);
        return new Ran(status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    Process hold(Path file) throws IOException {
        Process holder = CheckpointHolder.start(file);
        holders.add(holder);
        assertThat(CheckpointHolder.answer(holder)).isEqualTo("held");
        return holder;
    }

    Path file(int partition, String... lines) throws IOException {
        return Files.writeString(directory.resolve("documents-%d.jsonl".formatted(partition)), String.join("", lines));
    }

    /** A file to import from. */
    String list(String content) {
        try {
            return Files.writeString(directory.resolve("list"), content).toString();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    static String ids(int count) {
        return IntStream.range(0, count).mapToObj("doc-%06d\n"::formatted).collect(Collectors.joining());
    }

    List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    /** @param second of its time, and how many calls it cost */
    static String done(String id, int second) {
        return CheckpointFile.withCrc(json(("{'id':'%1$s','ts':'2026-11-23T09:00:%2$02d.000Z','status':'done','source':'documents-3@%2$d',"
                + "'fingerprint':'7f3a','steps':[{'step':'summary','fingerprint':'5b1e','model':'gpt-4o-mini','usage':{'calls':1}}],"
                + "'result':{'summary':'text of %1$s'},'usage':{'calls':%2$d,'inputTokens':%2$d00,'outputTokens':%2$d0},"
                + "'durationMs':2790}").formatted(id, second)));
    }

    static String step(String id, String step) {
        return CheckpointFile.withCrc(json(("{'id':'%s','ts':'2026-11-23T09:00:30.000Z','status':'step','source':'documents-3@8',"
                + "'step':'%s','fingerprint':'5b1e','model':'gpt-4o-mini','output':'text','usage':{'calls':1}}").formatted(id, step)));
    }

    static String failed(String id) {
        return CheckpointFile.withCrc(json(("{'id':'%s','ts':'2026-11-23T09:00:40.000Z','status':'failed','source':'documents-3@9',"
                + "'error':{'kind':'invalid-output','step':'entities','message':'not JSON','attempts':3}}").formatted(id)));
    }

    static String forgotten(String id) {
        return CheckpointFile.withCrc(json("{'id':'%s','ts':'2026-11-23T09:00:50.000Z','status':'forgotten','source':'documents-3@10'}"
                .formatted(id)));
    }

    static String json(String json) {
        return json.replace('\'', '"');
    }

    static JsonNode tree(String json) {
        try {
            return JSON.readTree(json(json));
        } catch (JsonProcessingException e) {
            throw new AssertionError(json, e);
        }
    }
}
