package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.zip.CRC32C;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

import dev.pawl.Failure;
import dev.pawl.Usage;
import dev.pawl.checkpoint.CheckpointLine.Done;
import dev.pawl.checkpoint.CheckpointLine.Failed;
import dev.pawl.checkpoint.CheckpointLine.Forgotten;
import dev.pawl.checkpoint.CheckpointLine.Step;
import dev.pawl.checkpoint.CheckpointLine.StepOutput;

/**
 * Says which lines of a damaged checkpoint file must count and what they amount to. Slow and simple, and with none of
 * the product's code but the records that carry the answer, so that the two readers can only agree by both being right.
 *
 * <p>A file is split at every newline. In what lies between two of them
 * <ol>
 * <li>every sealed line counts, wherever it begins and whatever stands around it: <code>{"…,"crc":"9ae3f01b"}</code>
 * with the CRC-32C of the bytes before {@code ,"crc"}. An object within a line is none, however much it looks like one:
 * what a model answered must not pass for something that happened;
 * <li>if there is none, the whole, white space around it aside, may be one line without a {@code crc}. It counts unless
 * its last member looks like a {@code crc} whose name was hit.
 * </ol>
 */
final class OracleReader {

    private static final String SEAL_START = ",\"crc\":\"";
    private static final String SEAL_END = "\"}";
    private static final int CRC_DIGITS = 8;
    private static final String BYTE_ORDER_MARK = "\uFEFF";

    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).build())
            .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private OracleReader() {
    }

    /** A line that counts: the bytes of the file from its <code>{</code> to behind its <code>}</code>, and what it says. */
    record Line(int from, int to, CheckpointLine content) {}

    /** The lines that count, in the order of the file. */
    static List<Line> lines(byte[] file) {
        List<Line> lines = new ArrayList<>();
        int from = 0;
        for (int i = 0; i <= file.length; i++) {
            if (i == file.length || file[i] == '\n') {
                lines.addAll(linesOfRun(file, from, i));
                from = i + 1;
            }
        }
        return lines;
    }

    private static List<Line> linesOfRun(byte[] file, int from, int to) {
        List<Line> sealed = sealedLines(file, from, to);
        return sealed.isEmpty() ? lineWithoutSeal(file, from, to) : sealed;
    }

    /** The outermost first: what lies within a line is a part of it. */
    private static List<Line> sealedLines(byte[] file, int from, int to) {
        List<Line> lines = new ArrayList<>();
        List<Integer> seals = new ArrayList<>();
        for (int i = from; i < to; i++) {
            if (isSeal(file, i, to)) {
                seals.add(i);
            }
        }
        int next = from;
        for (int begin = from; !seals.isEmpty() && begin < seals.getLast(); begin++) {
            if (begin < next || file[begin] != '{' || file[begin + 1] != '"') {
                continue;
            }
            for (int seal : seals) {
                Line line = seal <= begin ? null : sealedLine(file, begin, seal);
                if (line != null) {
                    lines.add(line);
                    next = line.to();
                    break;
                }
            }
        }
        return lines;
    }

    private static boolean isSeal(byte[] file, int at, int to) {
        int digits = at + SEAL_START.length();
        int end = digits + CRC_DIGITS;
        return end + SEAL_END.length() <= to && holds(file, at, SEAL_START) && holds(file, end, SEAL_END)
                && isCrc(new String(file, digits, CRC_DIGITS, StandardCharsets.ISO_8859_1));
    }

    private static boolean holds(byte[] file, int at, String ascii) {
        for (int i = 0; i < ascii.length(); i++) {
            if (file[at + i] != ascii.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    private static boolean isCrc(String text) {
        return text.matches("[0-9a-f]{8}");
    }

    /** Null where the checksum is not that of the bytes from {@code begin} to {@code seal}. */
    private static Line sealedLine(byte[] file, int begin, int seal) {
        CRC32C crc = new CRC32C();
        crc.update(file, begin, seal - begin);
        String expected = SEAL_START + String.format("%08x", crc.getValue()) + SEAL_END;
        if (!holds(file, seal, expected)) {
            return null;
        }
        int end = seal + expected.length();
        if (end < file.length && ",]}".indexOf(file[end]) >= 0) {
            // The JSON around it goes on: a member of a damaged line.
            return null;
        }
        JsonNode json = parse(new String(file, begin, end - begin, StandardCharsets.UTF_8));
        CheckpointLine content = json == null ? null : content(json);
        return content == null ? null : new Line(begin, end, content);
    }

    private static List<Line> lineWithoutSeal(byte[] file, int from, int to) {
        String run;
        try {
            run = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(file, from, to - from)).toString();
        } catch (CharacterCodingException e) {
            return List.of();
        }
        String text = from == 0 && run.startsWith(BYTE_ORDER_MARK) ? run.substring(1) : run;
        JsonNode json = text.strip().startsWith("{") ? parse(text) : null;
        if (json == null || json.has("crc") || looksLikeDamagedSeal(json)) {
            return List.of();
        }
        CheckpointLine content = content(json);
        int begin = to - bytes(text.stripLeading());
        return content == null ? List.of() : List.of(new Line(begin, begin + bytes(text.strip()), content));
    }

    private static int bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }

    /** An {@code id} is none, however much like a checksum it looks: <code>{"id":"20261123"}</code> is a line by hand. */
    private static boolean looksLikeDamagedSeal(JsonNode json) {
        String name = null;
        for (var names = json.fieldNames(); names.hasNext();) {
            name = names.next();
        }
        return name != null && !name.equals("id") && !name.isEmpty() && bytes(name) <= 4
                && json.get(name).isTextual() && isCrc(json.get(name).textValue());
    }

    private static JsonNode parse(String text) {
        try {
            JsonNode json = JSON.readTree(text);
            return json.isObject() ? json : null;
        } catch (IOException e) {
            return null;
        }
    }

    /** Null where the line names no document or says nothing that is known. */
    private static CheckpointLine content(JsonNode json) {
        String id = text(json, "id");
        String source = text(json, "source");
        if (id == null || id.isEmpty()) {
            return null;
        }
        return switch (json.path("status").asText("done")) {
            case "step" -> new Step(id, ts(json), source, step(json, json.get("output")));
            case "done" -> new Done(id, ts(json), source, text(json, "fingerprint"), new Answer(steps(json), json.get("result")), usage(json),
                    json.path("durationMs").asLong());
            case "failed" -> new Failed(id, ts(json), source, failure(json.path("error")));
            case "forgotten" -> new Forgotten(id, ts(json), source);
            default -> null;
        };
    }

    private static Instant ts(JsonNode json) {
        JsonNode ts = json.path("ts");
        return ts.isTextual() ? Instant.parse(ts.textValue()) : Instant.ofEpochSecond(ts.asLong());
    }

    private static List<StepOutput> steps(JsonNode json) {
        List<StepOutput> steps = new ArrayList<>();
        json.path("steps").forEach(step -> steps.add(step(step, json.path("result").get(text(step, "step")))));
        return steps;
    }

    private static StepOutput step(JsonNode json, JsonNode output) {
        return new StepOutput(text(json, "step"), text(json, "fingerprint"), text(json, "model"), output, usage(json));
    }

    private static Usage usage(JsonNode json) {
        JsonNode usage = json.path("usage");
        return new Usage(usage.path("calls").asInt(), usage.path("inputTokens").asLong(), usage.path("outputTokens").asLong());
    }

    private static Failure failure(JsonNode error) {
        return new Failure(Failure.Kind.valueOf(error.path("kind").asText().toUpperCase(Locale.ROOT).replace('-', '_')),
                text(error, "step"), text(error, "message"), error.path("attempts").asInt());
    }

    private static String text(JsonNode json, String name) {
        return json.path(name).textValue();
    }

    /** What lines amount to, one after another. */
    static final class Fold {

        private final Map<String, CheckpointLine> last = new LinkedHashMap<>();
        /** Of the step lines after a document's last done or forgotten one. A failed one leaves them for the next run. */
        private final Map<String, Map<String, StepOutput>> steps = new LinkedHashMap<>();

        static Fold of(List<Line> lines) {
            Fold fold = new Fold();
            lines.forEach(line -> fold.add(line.content()));
            return fold;
        }

        void add(CheckpointLine line) {
            if (line instanceof Step step) {
                steps.computeIfAbsent(step.id(), _ -> new HashMap<>()).put(step.output().step(), step.output());
                return;
            }
            last.put(line.id(), line);
            if (!(line instanceof Failed)) {
                steps.remove(line.id());
            }
        }

        History find(String id) {
            return new History(last.get(id), steps.getOrDefault(id, Map.of()));
        }

        /** Documents with steps and no end since, done, failed, forgotten: nothing is known of a document that is in no line. */
        List<Integer> counts() {
            int unfinished = (int) steps.keySet().stream().filter(id -> !(last.get(id) instanceof Failed)).count();
            return List.of(unfinished, count(Done.class), count(Failed.class), count(Forgotten.class));
        }

        private int count(Class<? extends CheckpointLine> type) {
            return (int) last.values().stream().filter(type::isInstance).count();
        }
    }

    /** A file of nothing but lines that count, each ended by its newline, is what the product must leave on a healthy disk. */
    static boolean isSound(byte[] file) {
        int end = 0;
        for (Line line : lines(file)) {
            if (line.from() != end || line.to() >= file.length || file[line.to()] != '\n') {
                return false;
            }
            end = line.to() + 1;
        }
        return end == file.length;
    }

    static byte[] bytes(byte[] file, Line line) {
        return Arrays.copyOfRange(file, line.from(), line.to());
    }
}
