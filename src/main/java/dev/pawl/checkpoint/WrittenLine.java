package dev.pawl.checkpoint;

import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;

import dev.pawl.Usage;

/**
 * Takes apart a sealed line that is laid out as {@link LineFormat#encode} does it, at a fraction of a parser's price: loading
 * and look-ups see little else. What is laid out otherwise, or has escapes in the parts asked for, is left to the parser; the
 * checksum, which is to be checked before, vouches for the rest.
 */
final class WrittenLine {

    private static final byte[] ID = ascii("{\"id\":\"");
    private static final byte[] TS = ascii(",\"ts\":\"");
    private static final byte[] DONE_SOURCE = ascii(",\"status\":\"done\",\"source\":\"");
    private static final byte[] STEP_SOURCE = ascii(",\"status\":\"step\",\"source\":\"");
    private static final byte[] STEP = ascii(",\"step\":\"");
    private static final byte[] FINGERPRINT = ascii(",\"fingerprint\":\"");
    private static final byte[] STEPS = ascii(",\"steps\":[");
    private static final byte[] CALLS = ascii(",\"usage\":{\"calls\":");
    private static final byte[] INPUT_TOKENS = ascii(",\"inputTokens\":");
    private static final byte[] OUTPUT_TOKENS = ascii(",\"outputTokens\":");
    private static final byte[] DURATION = ascii("},\"durationMs\":");
    /** The longest that what follows a result can be. */
    private static final int MAX_END_LENGTH = 160;

    private final byte[] bytes;
    private final int to;
    private int at;

    private WrittenLine(byte[] bytes, int from, int to) {
        this.bytes = bytes;
        this.at = from;
        this.to = to;
    }

    /** Null where the line is not laid out so, or is neither done nor a step. */
    static LineFormat.Head head(byte[] bytes, int from, int to) {
        WrittenLine line = new WrittenLine(bytes, from, to);
        String id = line.string(ID);
        if (id == null || id.isEmpty() || line.string(TS) == null) {
            return null;
        }
        if (line.isNext(DONE_SOURCE)) {
            return new LineFormat.Head(id, LineFormat.Status.DONE, null);
        }
        String step = line.string(STEP_SOURCE) == null ? null : line.string(STEP);
        return step == null ? null : new LineFormat.Head(id, LineFormat.Status.STEP, step);
    }

    /** Null where the line is not laid out so, or not done. */
    static CheckpointLine.Done done(byte[] bytes, int from, int to) {
        WrittenLine line = new WrittenLine(bytes, from, to - LineFormat.SEAL_LENGTH);
        String id = line.string(ID);
        Instant ts = id == null ? null : line.timestamp();
        String source = ts == null ? null : line.string(DONE_SOURCE);
        String fingerprint = source == null ? null : line.string(FINGERPRINT);
        if (fingerprint == null || !line.isNext(STEPS)) {
            return null;
        }
        int answer = line.at;
        line.at = line.lastIndexOf(CALLS, Math.max(answer, line.to - MAX_END_LENGTH));
        int answerEnd = line.at;
        long calls = line.number(CALLS);
        long inputTokens = line.number(INPUT_TOKENS);
        long outputTokens = line.number(OUTPUT_TOKENS);
        long durationMs = line.number(DURATION);
        if (id.isEmpty() || answerEnd < 0 || calls < 0 || inputTokens < 0 || outputTokens < 0 || durationMs < 0 || line.at != line.to) {
            return null;
        }
        return new CheckpointLine.Done(id, ts, source, fingerprint,
                new Answer(bytes, answer, answerEnd),
                new Usage((int) calls, inputTokens, outputTokens), durationMs);
    }

    private boolean isNext(byte[] expected) {
        return at >= 0 && at + expected.length <= to && Arrays.equals(bytes, at, at + expected.length, expected, 0, expected.length);
    }

    /** Null where the next is not this beginning and a string without escapes. */
    private String string(byte[] beginning) {
        if (!isNext(beginning)) {
            return null;
        }
        int start = at + beginning.length;
        int end = LineBytes.nextSpecial(bytes, start, to);
        if (end == to || bytes[end] != '"') {
            return null;
        }
        at = end + 1;
        return new String(bytes, start, end - start, StandardCharsets.UTF_8);
    }

    /** Negative where the next is not this beginning and a number of at most 18 digits. */
    private long number(byte[] beginning) {
        if (!isNext(beginning)) {
            return -1;
        }
        int start = at + beginning.length;
        long number = 0;
        int i = start;
        for (; i < to && bytes[i] >= '0' && bytes[i] <= '9'; i++) {
            number = 10 * number + bytes[i] - '0';
        }
        at = i;
        return i == start || i - start > 18 ? -1 : number;
    }

    private int lastIndexOf(byte[] wanted, int from) {
        for (at = to - wanted.length; at >= from; at--) {
            if (bytes[at] == wanted[0] && isNext(wanted)) {
                return at;
            }
        }
        return -1;
    }

    /** Null where the next is not {@code ,"ts":"2026-11-23T09:35:12.345Z"}; {@link Instant#parse} takes longer than all else here. */
    private Instant timestamp() {
        int start = at + TS.length;
        int end = start + "2026-11-23T09:35:12.345Z".length();
        if (!isNext(TS) || end >= to || bytes[end - 1] != 'Z' || bytes[end] != '"') {
            return null;
        }
        try {
            Instant instant = LocalDateTime.of(digits(start, 4), digits(start + 5, 2), digits(start + 8, 2), digits(start + 11, 2),
                    digits(start + 14, 2), digits(start + 17, 2), digits(start + 20, 3) * 1_000_000).toInstant(ZoneOffset.UTC);
            at = end + 1;
            return instant;
        } catch (DateTimeException e) {
            return null;
        }
    }

    private int digits(int from, int count) {
        int number = 0;
        for (int i = from; i < from + count; i++) {
            if (bytes[i] < '0' || bytes[i] > '9') {
                throw new DateTimeException("no digit");
            }
            number = 10 * number + bytes[i] - '0';
        }
        return number;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
