package dev.pawl.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

import dev.pawl.Failure;
import dev.pawl.Usage;

/**
 * The bytes of a checkpoint line:
 *
 * <pre>
 * {"id":"doc-0847","ts":"…","status":"done",…,"crc":"51ce0b77"}\n
 * └──────── covered by the checksum ────────┘       └ CRC-32C ┘
 *                                           └──── SEAL_LENGTH ────┘ (the newline not counted)
 * </pre>
 *
 * A line without {@code crc} is accepted, so that people can write or import lines by hand; the shortest is
 * {@code {"id":"doc-0847"}} and means done. Thread-safe.
 */
final class LineFormat {

    /** The longest line, in bytes. A longer run of bytes without a newline is damage. */
    static final int MAX_LINE_BYTES = 64 << 20;

    static final int SEAL_LENGTH = ",'crc':'00000000'}".length();

    private static final byte[] RESULT = ascii("],\"result\":");
    private static final byte[] SEAL_START = ascii(",\"crc\":\"");
    /** One byte of the name {@code crc} is wrong, missing or too many: all other damage of a seal leaves no JSON or a wrong number. */
    private static final Pattern DAMAGED_SEAL =
            Pattern.compile(",\"(?:.rc|c.c|cr.|cr|rc|cc|.crc|c.rc|cr.c|crc.)\":\"[0-9a-f]{8}\"}$", Pattern.DOTALL);
    private static final int CRC_DIGITS = 8;

    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(MAX_LINE_BYTES).build())
            .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /**
     * What a line is about: enough to index it.
     *
     * @param step the step's name in a step line, else null
     */
    record Head(String id, Status status, String step) {

        static Head of(CheckpointLine line) {
            return switch (line) {
                case CheckpointLine.Step step -> new Head(step.id(), Status.STEP, step.output().step());
                case CheckpointLine.Done done -> new Head(done.id(), Status.DONE, null);
                case CheckpointLine.Failed failed -> new Head(failed.id(), Status.FAILED, null);
                case CheckpointLine.Forgotten forgotten -> new Head(forgotten.id(), Status.FORGOTTEN, null);
            };
        }
    }

    enum Status {
        STEP,
        DONE,
        FAILED,
        FORGOTTEN
    }

    /** A line that can't be believed. The message says why and holds nothing of the line's content. */
    static final class MalformedLineException extends Exception {
        MalformedLineException(String message) {
            super(message, null, false, false);
        }
    }

    private LineFormat() {
    }

    static byte[] encode(CheckpointLine line) {
        LineWriter out = LineWriter.take().raw("{\"id\":").string(line.id()).raw(",\"ts\":").timestamp(line.ts());
        switch (line) {
            case CheckpointLine.Step step -> {
                out.raw(",\"status\":\"step\",\"source\":").string(step.source()).raw(",");
                writeStep(out, step.output());
                out.raw(",\"output\":").tree(step.output().output());
                out.raw(",\"usage\":").usage(step.output().usage());
            }
            case CheckpointLine.Done done -> {
                out.raw(",\"status\":\"done\"");
                if (done.source() != null) {
                    out.raw(",\"source\":").string(done.source()).raw(",\"fingerprint\":").string(done.fingerprint());
                    writeSteps(out, done.steps());
                }
                if (done.result() != null) {
                    out.raw(",\"result\":").tree(done.result());
                }
                out.raw(",\"usage\":").usage(done.usage()).raw(",\"durationMs\":").number(done.durationMs());
            }
            case CheckpointLine.Failed failed -> {
                out.raw(",\"status\":\"failed\",\"source\":").string(failed.source());
                Failure error = failed.error();
                out.raw(",\"error\":{\"kind\":").string(error.kind().text());
                if (error.step() != null) {
                    out.raw(",\"step\":").string(error.step());
                }
                out.raw(",\"message\":").string(error.message()).raw(",\"attempts\":").number(error.attempts()).raw("}");
            }
            case CheckpointLine.Forgotten forgotten -> out.raw(",\"status\":\"forgotten\",\"source\":").string(forgotten.source());
        }
        return out.seal();
    }

    private static void writeSteps(LineWriter out, List<CheckpointLine.StepOutput> steps) {
        out.raw(",\"steps\":[");
        String separator = "{";
        for (CheckpointLine.StepOutput step : steps) {
            writeStep(out.raw(separator), step);
            out.raw(",\"usage\":").usage(step.usage()).raw("}");
            separator = ",{";
        }
        out.raw("]");
    }

    private static void writeStep(LineWriter out, CheckpointLine.StepOutput step) {
        out.raw("\"step\":").string(step.step());
        out.raw(",\"fingerprint\":").string(step.fingerprint());
        out.raw(",\"model\":").string(step.model());
    }

    /**
     * Reads what the index needs. The checksum vouches for the rest of a sealed line; a hand-written one is read to
     * its end.
     */
    static Head head(byte[] bytes, int from, int to) throws MalformedLineException {
        if (!checkSeal(bytes, from, to)) {
            JsonNode json = parse(bytes, from, to, false);
            ts(json.path("ts"));
            return head(id(json), status(json), text(json, "step"));
        }
        Head head = WrittenLine.head(bytes, from, to);
        return head != null ? head : headInAnyOrder(bytes, from, to);
    }

    private static Head head(String id, Status status, String step) throws MalformedLineException {
        if (status == Status.STEP && step == null) {
            throw new MalformedLineException("a step without a name");
        }
        return new Head(id, status, status == Status.STEP ? step : null);
    }

    private static Head headInAnyOrder(byte[] bytes, int from, int to) throws MalformedLineException {
        try (JsonParser json = JSON.createParser(bytes, from, to - from)) {
            String id = null;
            String status = "done";
            String step = null;
            json.nextToken();
            for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
                switch (name) {
                    case "id" -> id = json.nextTextValue();
                    case "status" -> status = json.nextTextValue();
                    case "step" -> step = json.nextTextValue();
                    default -> {
                        json.nextToken();
                        json.skipChildren();
                    }
                }
            }
            return head(id(id), status(status), step);
        } catch (IOException e) {
            throw new MalformedLineException("sealed, and yet not JSON");
        }
    }

    static CheckpointLine decode(byte[] bytes, int from, int to) throws MalformedLineException {
        boolean sealed = checkSeal(bytes, from, to);
        CheckpointLine.Done written = sealed ? WrittenLine.done(bytes, from, to) : null;
        return written != null ? written : parsed(parse(bytes, from, to, sealed));
    }

    private static CheckpointLine parsed(JsonNode json) throws MalformedLineException {
        String id = id(json);
        Instant ts = ts(json.path("ts"));
        String source = text(json, "source");
        return switch (status(json)) {
            case STEP -> new CheckpointLine.Step(id, ts, source, stepOutput(json, json.get("output")));
            case DONE -> new CheckpointLine.Done(id, ts, source, text(json, "fingerprint"), answer(json), usage(json),
                    json.path("durationMs").asLong());
            case FAILED -> new CheckpointLine.Failed(id, ts, source, failure(json));
            case FORGOTTEN -> new CheckpointLine.Forgotten(id, ts, source);
        };
    }

    /** True where a line carries a checksum and it is right, false where it carries none. */
    private static boolean checkSeal(byte[] bytes, int from, int to) throws MalformedLineException {
        int start = to - SEAL_LENGTH;
        if (start <= from || !isSeal(bytes, start, to)) {
            int lastMember = Math.max(from, to - SEAL_LENGTH - 1);
            if (DAMAGED_SEAL.matcher(new String(bytes, lastMember, to - lastMember, StandardCharsets.ISO_8859_1)).find()) {
                throw new MalformedLineException("the name of its crc is damaged");
            }
            return false;
        }
        CRC32C crc = new CRC32C();
        crc.update(bytes, from, start - from);
        if (crcOfSeal(bytes, start) != (int) crc.getValue()) {
            throw new MalformedLineException("its crc does not match its bytes");
        }
        return true;
    }

    /** Whether the bytes from {@code at} on look like a line's end. */
    static boolean isSeal(byte[] bytes, int at, int to) {
        int quote = at + SEAL_START.length + CRC_DIGITS;
        if (quote + 2 > to || bytes[quote] != '"' || bytes[quote + 1] != '}' || !startsWith(bytes, at, SEAL_START)) {
            return false;
        }
        for (int i = at + SEAL_START.length; i < quote; i++) {
            if (!isLowerHexDigit(bytes[i])) {
                return false;
            }
        }
        return true;
    }

    private static boolean isLowerHexDigit(byte digit) {
        return digit >= '0' && digit <= '9' || digit >= 'a' && digit <= 'f';
    }

    /** What the seal that begins at {@code at} says. */
    static int crcOfSeal(byte[] bytes, int at) {
        int crc = 0;
        for (int i = at + SEAL_START.length; i < at + SEAL_START.length + CRC_DIGITS; i++) {
            crc = crc << 4 | HexFormat.fromHexDigit(bytes[i]);
        }
        return crc;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    static boolean startsWith(byte[] bytes, int at, byte[] expected) {
        return at + expected.length <= bytes.length && Arrays.equals(bytes, at, at + expected.length, expected, 0, expected.length);
    }

    private static JsonNode parse(byte[] bytes, int from, int to, boolean sealed) throws MalformedLineException {
        JsonNode json;
        try {
            json = JSON.readTree(bytes, from, to - from);
        } catch (IOException e) {
            throw new MalformedLineException("not JSON");
        }
        if (json == null || !json.isObject()) {
            throw new MalformedLineException("not a JSON object");
        }
        if (!sealed && json.has("crc")) {
            throw new MalformedLineException("its crc is not eight hex digits at its end, so that it can't be checked");
        }
        return json;
    }

    private static String id(JsonNode json) throws MalformedLineException {
        return id(text(json, "id"));
    }

    private static String id(String id) throws MalformedLineException {
        if (id == null || id.isEmpty()) {
            throw new MalformedLineException("no id");
        }
        return id;
    }

    private static Status status(JsonNode json) throws MalformedLineException {
        return json.has("status") ? status(text(json, "status")) : Status.DONE;
    }

    private static Status status(String status) throws MalformedLineException {
        return switch (status) {
            case "step" -> Status.STEP;
            case "done" -> Status.DONE;
            case "failed" -> Status.FAILED;
            case "forgotten" -> Status.FORGOTTEN;
            case null, default -> throw new MalformedLineException("its status is none of step, done, failed, forgotten");
        };
    }

    /** ISO-8601, or seconds (milliseconds beyond the year 5000) since the epoch as other tools write them. */
    static Instant ts(JsonNode ts) throws MalformedLineException {
        try {
            if (ts.isNumber()) {
                long number = ts.asLong();
                return number < 100_000_000_000L ? Instant.ofEpochSecond(number) : Instant.ofEpochMilli(number);
            }
            return ts.isTextual() ? Instant.parse(ts.asText()) : Instant.EPOCH;
        } catch (DateTimeException e) {
            throw new MalformedLineException("its ts is neither ISO-8601 nor a number");
        }
    }

    /** @param from where the comma before the first member stands of those that hold an answer */
    static Answer answer(byte[] bytes, int from, int to) {
        byte[] object = Arrays.copyOfRange(bytes, from, to + 1);
        object[0] = '{';
        object[object.length - 1] = '}';
        try {
            return answer(JSON.readTree(object));
        } catch (IOException e) {
            throw new UncheckedIOException("sealed, and yet not JSON", e);
        }
    }

    /** Where the JSON of the result begins, just behind the steps, which hold no array; negative where it is not there. */
    static int resultStart(byte[] bytes, int from, int to) {
        for (int at = from; at + RESULT.length <= to; at++) {
            if (bytes[at] == RESULT[0] && startsWith(bytes, at, RESULT)) {
                return at + RESULT.length;
            }
        }
        return -1;
    }

    /** The steps before a result that begins there, without what they answered. */
    static List<CheckpointLine.StepOutput> steps(byte[] bytes, int from, int resultStart) {
        return answer(bytes, from, resultStart - RESULT.length + "]".length()).steps();
    }

    static byte[] json(JsonNode tree) {
        return LineWriter.take().tree(tree).end();
    }

    private static Answer answer(JsonNode json) {
        List<CheckpointLine.StepOutput> steps = new ArrayList<>();
        for (JsonNode step : json.path("steps")) {
            steps.add(stepOutput(step, json.path("result").get(step.path("step").asText())));
        }
        return new Answer(steps, json.get("result"));
    }

    private static CheckpointLine.StepOutput stepOutput(JsonNode json, JsonNode output) {
        return new CheckpointLine.StepOutput(text(json, "step"), text(json, "fingerprint"), text(json, "model"), output, usage(json));
    }

    private static Usage usage(JsonNode json) {
        JsonNode usage = json.path("usage");
        return new Usage(usage.path("calls").asInt(), usage.path("inputTokens").asLong(), usage.path("outputTokens").asLong());
    }

    /** Whatever another version or a hand wrote: a failure that can't be read must not keep its line from being one. */
    private static Failure failure(JsonNode json) {
        JsonNode error = json.path("error");
        return new Failure(Failure.Kind.of(text(error, "kind")), text(error, "step"), error.path("message").asText("a line by hand"),
                error.path("attempts").asInt());
    }

    private static String text(JsonNode json, String name) {
        JsonNode value = json.get(name);
        return value == null || !value.isTextual() ? null : value.asText();
    }
}
