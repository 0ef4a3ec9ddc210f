package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Arrays;

import dev.pawl.checkpoint.LineFormat.Head;
import dev.pawl.checkpoint.LineFormat.MalformedLineException;

/**
 * Reads the lines of a checkpoint file in their order. What is no line is told apart and passed over; whole lines within it
 * are found nevertheless, for example where the newline between two lines was damaged:
 *
 * <pre>
 * bytes between two newlines                 are
 * ────────────────────────────────────────   ─────────────────────────────────────────────────────────────
 * a sealed line whose checksum is right      a line
 * a JSON object with an id, without a seal   a line, written by a hand or another tool
 * nothing, or a carriage return              nothing
 * anything else                              damaged, but for each sealed line in it whose checksum is right
 * the same at the file's end                 torn, after the last of those
 * </pre>
 */
final class CheckpointScanner {

    interface Visitor {
        /** A line, at bytes {@code from} to {@code to} of {@code bytes}; {@code offset} is where it begins in the file. */
        void line(Head head, byte[] bytes, int from, int to, long offset) throws IOException;

        /** Bytes of the file that are no line. The reason holds nothing of them. */
        void damaged(long offset, long length, String why) throws IOException;
    }

    /**
     * How a scan ended.
     *
     * @param end after the last line, and its newline where it has one; what lies beyond is torn
     * @param unterminated whether the last line is whole but for its newline, as some editors leave it
     */
    record End(long end, boolean unterminated) {}

    private static final int CHUNK_BYTES = 1 << 20;
    private static final long NONE = -1;
    private final FileChannel file;
    private final Visitor visitor;

    private byte[] window = new byte[CHUNK_BYTES];
    private long windowStart;
    private int filled;
    /** Where a run of bytes began that is too long to be a line, and whose newline is still to come. */
    private long overlongStart = NONE;

    CheckpointScanner(FileChannel file, Visitor visitor) {
        this.file = file;
        this.visitor = visitor;
    }

    /**
     * Reads from one end of a line to another; what comes after {@code to} is not looked at.
     *
     * @param to the file's length, or where a line ends
     */
    End scan(long from, long to) throws IOException {
        windowStart = from;
        filled = 0;
        while (true) {
            int wanted = (int) Math.min(window.length - filled, to - windowStart - filled);
            int read = wanted == 0 ? -1 : file.read(ByteBuffer.wrap(window, filled, wanted), windowStart + filled);
            if (read < 0) {
                return finish();
            }
            int scanFrom = filled;
            filled += read;
            int lineStart = 0;
            for (int newline = nextNewline(scanFrom); newline < filled; newline = nextNewline(lineStart)) {
                run(lineStart, newline);
                lineStart = newline + 1;
            }
            keepFrom(lineStart);
        }
    }

    private int nextNewline(int from) {
        return LineBytes.nextNewline(window, from, filled);
    }

    private void keepFrom(int lineStart) {
        System.arraycopy(window, lineStart, window, 0, filled - lineStart);
        windowStart += lineStart;
        filled -= lineStart;
        if (filled == window.length && window.length < LineFormat.MAX_LINE_BYTES) {
            window = Arrays.copyOf(window, window.length * 2);
        } else if (filled == window.length) {
            overlongStart = overlongStart == NONE ? windowStart : overlongStart;
            windowStart += filled;
            filled = 0;
        }
    }

    private void run(int from, int to) throws IOException {
        if (overlongStart != NONE) {
            visitor.damaged(overlongStart, windowStart + to - overlongStart, "longer than a line may be");
            overlongStart = NONE;
            return;
        }
        int start = afterByteOrderMark(from, to);
        int end = to > start && window[to - 1] == '\r' ? to - 1 : to;
        if (start == end) {
            return;
        }
        try {
            visitor.line(LineFormat.head(window, start, end), window, start, end, windowStart + start);
        } catch (MalformedLineException e) {
            int rest = salvage(start, end);
            if (rest < end) {
                visitor.damaged(windowStart + rest, end - rest, e.getMessage());
            }
        }
    }

    private int afterByteOrderMark(int from, int to) {
        boolean marked = windowStart + from == 0 && to - from >= 3
                && window[from] == (byte) 0xEF && window[from + 1] == (byte) 0xBB && window[from + 2] == (byte) 0xBF;
        return marked ? from + 3 : from;
    }

    private End finish() throws IOException {
        if (overlongStart != NONE) {
            return new End(overlongStart, false);
        }
        int start = afterByteOrderMark(0, filled);
        if (start == filled) {
            return new End(windowStart + filled, filled > 0);
        }
        try {
            visitor.line(LineFormat.head(window, start, filled), window, start, filled, windowStart + start);
            return new End(windowStart + filled, true);
        } catch (MalformedLineException torn) {
            int rest = salvage(start, filled);
            return new End(windowStart + (rest == start ? 0 : rest), rest > start);
        }
    }

    /** Finds the whole sealed lines among damaged bytes; returns where the bytes after the last of them begin. */
    private int salvage(int from, int to) throws IOException {
        Salvage salvage = new Salvage(window, from, to);
        int rest = from;
        for (int i = from; i < to; i++) {
            int start = salvage.beginningOfLineSealedAt(i);
            int end = i + LineFormat.SEAL_LENGTH;
            if (start < rest || isWithinAnother(end, to)) {
                continue;
            }
            try {
                Head head = LineFormat.head(window, start, end);
                if (start > rest) {
                    visitor.damaged(windowStart + rest, start - rest, "no line, between lines");
                }
                visitor.line(head, window, start, end, windowStart + start);
                rest = end;
            } catch (MalformedLineException noLine) {
                // Sealed, and yet not a line.
            }
        }
        return rest;
    }

    /** Whether the JSON goes on: a part of what a model answered must not pass for something that happened. */
    private boolean isWithinAnother(int end, int to) {
        return end < to && ",]}".indexOf(window[end]) >= 0;
    }
}
