package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32C;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import dev.pawl.Usage;
import dev.pawl.bench.Bench;
import dev.pawl.checkpoint.CheckpointLine.Done;
import dev.pawl.checkpoint.CheckpointLine.Step;
import dev.pawl.checkpoint.CheckpointLine.StepOutput;

/**
 * Checkpoint files as the product writes them, made once and kept in {@code target/bench/data}. All lines of a kind are of
 * one length: the product encodes the first, the others differ in their digits and checksum.
 */
final class Data {

    /** About 900 bytes: a result of 400, and the two steps that led to it. */
    static final Kind DONE = new Kind("done", Data::done, null);
    /** The same with the first step's line 256 documents before it, as with 256 in flight. */
    static final Kind STEP_AND_DONE = new Kind("step-and-done", Data::done, Data::step);
    /** About 250 bytes: for sizes where content does not matter. */
    static final Kind SHORT = new Kind("short", Data::shortDone, null);

    private static final int RESULT_BYTES = 400;
    private static final int IN_FLIGHT = 256;
    private static final int BUFFER_BYTES = 4 << 20;
    /** Numbers begin here, so that all have ten digits. */
    private static final long FIRST = 1_000_000_000;
    private static final JsonMapper JSON = new JsonMapper();
    private static final Path DIRECTORY = Bench.DIRECTORY.resolve("data");
    private static final ObjectNode RESULT = result(RESULT_BYTES);
    private static final ObjectNode SHORT_RESULT = JSON.createObjectNode().put("summary", "-");
    private static final List<StepOutput> STEPS = List.of(
            output("summary", "5b1e93a7c04f6d28", RESULT.get("summary"), new Usage(1, 700, 60)),
            output("entities", "c2904be1d7a35f86", RESULT.get("entities"), new Usage(1, 112, 36)));

    /** @param step null where documents have no line but their last */
    record Kind(String name, Maker done, Maker step) {}

    interface Maker {
        CheckpointLine line(int document);
    }

    private Data() {
    }

    static String id(int document) {
        return "doc-" + (FIRST + document);
    }

    static Done done(int document) {
        return done(document, RESULT);
    }

    static Done done(int document, ObjectNode result) {
        return new Done(id(document), Lines.TS, source(document), "7f3a0c2be85d9146", new Answer(STEPS, result),
                new Usage(2, 812, 96), 2790);
    }

    static Done done(String id, String source) {
        return new Done(id, Lines.TS, source, "7f3a0c2be85d9146", new Answer(STEPS, RESULT), new Usage(2, 812, 96), 2790);
    }

    static Step step(int document) {
        return new Step(id(document), Lines.TS, source(document), STEPS.getFirst());
    }

    static ObjectNode result(int bytes) {
        ObjectNode result = JSON.createObjectNode().put("summary", "");
        List.of("Ada Byron", "Grace Hopper", "Turin", "Analytical Engine", "1843").forEach(result.withArray("entities")::add);
        String prose = "Ada Byron met Grace Hopper in Turin and described the Analytical Engine to her. ".repeat(bytes / 80);
        return result.put("summary", prose.substring(0, bytes - result.toString().length()));
    }

    private static StepOutput output(String step, String fingerprint, JsonNode output, Usage usage) {
        return new StepOutput(step, fingerprint, "gpt-4o-mini-2024-07-18", output, usage);
    }

    static Done shortDone(int document) {
        return new Done(id(document), Lines.TS, source(document), "7f3a0c2be85d9146", new Answer(List.of(), SHORT_RESULT),
                new Usage(1, 700, 1), 2790);
    }

    private static String source(int document) {
        return "documents-0@" + (FIRST + document);
    }

    /** A file of so many documents, without a sidecar unless {@link #withSidecar} has made one. */
    static Path file(Kind kind, int documents) throws IOException {
        Path path = DIRECTORY.resolve("%s-%d.jsonl".formatted(kind.name(), documents));
        if (Files.notExists(path)) {
            Files.createDirectories(DIRECTORY);
            Path unfinished = path.resolveSibling(path.getFileName() + ".unfinished");
            write(unfinished, kind, documents);
            Files.move(unfinished, path, StandardCopyOption.ATOMIC_MOVE);
        }
        return path;
    }

    private static void write(Path path, Kind kind, int documents) throws IOException {
        Template done = new Template(kind.done());
        Template step = kind.step() == null ? null : new Template(kind.step());
        ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
        try (FileChannel file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE)) {
            int ahead = step == null ? 0 : IN_FLIGHT;
            for (int i = -ahead; i < documents; i++) {
                if (step != null && i + ahead < documents) {
                    buffer.put(step.line(i + ahead));
                }
                if (i >= 0) {
                    buffer.put(done.line(i));
                }
                if (buffer.remaining() < 4096 || i == documents - 1) {
                    file.write(buffer.flip());
                    buffer.clear();
                }
            }
        }
    }

    /** The same file, closed by the product once, so that the next opening reads its sidecar. */
    static Path withSidecar(Path path) throws IOException {
        if (Files.notExists(Sidecar.path(path))) {
            try (GroupCommit groupCommit = new GroupCommit()) {
                Opening.with(groupCommit).open(path).close();
            }
        }
        return path;
    }

    /** The same file under a second name, which has no sidecar. */
    static Path withoutSidecar(Path path, String name) throws IOException {
        return Files.createLink(fresh(name), path);
    }

    /** A path at which there is nothing. */
    static Path fresh(String name) throws IOException {
        Files.createDirectories(DIRECTORY);
        Path path = DIRECTORY.resolve(name);
        Bench.deleteCheckpoint(path);
        return path;
    }

    /** Several gigabytes; the next run makes them again. */
    static void delete() throws IOException {
        if (Files.exists(DIRECTORY)) {
            try (var files = Files.list(DIRECTORY)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    /** A line of which only the document's digits change. Encoding ten million one by one would take longer than measuring. */
    private static final class Template {

        private static final byte[] DIGITS = Long.toString(FIRST).getBytes(StandardCharsets.US_ASCII);

        private final byte[] bytes;
        private final int[] digitsAt;
        private final int sealAt;

        Template(Maker maker) {
            bytes = LineFormat.encode(maker.line(0));
            sealAt = bytes.length - 1 - LineFormat.SEAL_LENGTH;
            String text = new String(bytes, StandardCharsets.ISO_8859_1);
            String digits = Long.toString(FIRST);
            digitsAt = new int[] { text.indexOf(digits), text.lastIndexOf(digits) };
        }

        /** Valid until the next call. */
        byte[] line(int document) {
            for (int at : digitsAt) {
                long rest = FIRST + document;
                for (int i = DIGITS.length - 1; i >= 0; i--, rest /= 10) {
                    bytes[at + i] = (byte) ('0' + rest % 10);
                }
            }
            CRC32C crc = new CRC32C();
            crc.update(bytes, 0, sealAt);
            int value = (int) crc.getValue();
            for (int i = 0; i < 8; i++) {
                bytes[sealAt + ",'crc':'".length() + i] = (byte) HexFormat.of().toLowHexDigit(value >>> 4 * (7 - i));
            }
            return bytes;
        }
    }
}
