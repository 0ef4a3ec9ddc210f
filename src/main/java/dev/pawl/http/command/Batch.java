package dev.pawl.http.command;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;

/** Lines on their way in one call: bounded, so that a list of any length passes in flat memory. */
final class Batch {

    /** Some hundred kilobytes of usual IDs. */
    static final int MAX_LINES = 10_000;
    /** A longer line has a call of its own. */
    static final int MAX_BYTES = 1 << 20;

    private final ByteArrayOutputStream body = new ByteArrayOutputStream();
    private final long[] numbers = new long[MAX_LINES];
    private int lines;

    boolean isEmpty() {
        return lines == 0;
    }

    int lines() {
        return lines;
    }

    boolean hasRoomFor(byte[] line) {
        return lines == 0 || lines < MAX_LINES && body.size() + line.length < MAX_BYTES;
    }

    /** @param number its line in the list */
    void add(long number, byte[] line) {
        numbers[lines++] = number;
        body.writeBytes(line);
        body.write('\n');
    }

    /**
     * A line's number in the list.
     *
     * @param line in this batch, from 1
     */
    long number(long line) {
        return numbers[Math.clamp(line - 1, 0, lines - 1)];
    }

    byte[] body() {
        return body.toByteArray();
    }

    void clear() {
        body.reset();
        Arrays.fill(numbers, 0, lines, 0);
        lines = 0;
    }
}
