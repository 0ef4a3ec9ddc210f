package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Arrays;

import dev.pawl.checkpoint.LineFormat.Head;
import dev.pawl.checkpoint.LineFormat.MalformedLineException;

/**
 * Reads a checkpoint file from its first byte to its last, once, when it is opened. Malformed lines are counted and
 * passed over: one costs a repeated document, never a lost one.
 */
final class CheckpointLoader {

    /**
     * @param end where the next line goes; bytes beyond it are a torn line
     * @param unterminated whether the last line is whole but for its newline, as some editors leave it
     * @param malformed how many lines were passed over, a torn last one not counted
     * @param firstMalformed what was wrong with the first of them and where; null without one
     */
    record Loaded(long end, boolean unterminated, int malformed, String firstMalformed) {}

    private static final int CHUNK_BYTES = 1 << 20;
    private static final long NONE = -1;

    private final FileChannel file;
    private final CheckpointIndex index;

    private int malformed;
    private String firstMalformed;
    /** Where a run of bytes began that is too long to be a line, and whose newline is still to come. */
    private long overlongStart = NONE;

    CheckpointLoader(FileChannel file, CheckpointIndex index) {
        this.file = file;
        this.index = index;
    }

    Loaded load() throws IOException {
        byte[] window = new byte[CHUNK_BYTES];
        long windowStart = 0;
        int filled = 0;
        while (true) {
            int read = file.read(ByteBuffer.wrap(window, filled, window.length - filled), windowStart + filled);
            if (read < 0) {
                return finish(window, windowStart, filled);
            }
            int scanFrom = filled;
            filled += read;
            int lineStart = 0;
            for (int i = scanFrom; i < filled; i++) {
                if (window[i] == '\n') {
                    line(window, lineStart, i, windowStart);
                    lineStart = i + 1;
                }
            }
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
    }

    private Loaded finish(byte[] window, long windowStart, int filled) {
        if (overlongStart != NONE) {
            return new Loaded(overlongStart, false, malformed, firstMalformed);
        }
        if (filled == 0) {
            return new Loaded(windowStart, false, malformed, firstMalformed);
        }
        try {
            Head head = LineFormat.head(window, 0, filled);
            index.put(head.id(), LinePosition.of(windowStart, filled, head.status()));
            return new Loaded(windowStart + filled, true, malformed, firstMalformed);
        } catch (MalformedLineException torn) {
            return new Loaded(windowStart, false, malformed, firstMalformed);
        }
    }

    private void line(byte[] window, int from, int to, long windowStart) {
        if (overlongStart != NONE) {
            malformed(overlongStart, "longer than a line may be");
            overlongStart = NONE;
            return;
        }
        int start = windowStart + from == 0 && startsWithByteOrderMark(window, to) ? 3 : from;
        int end = to > start && window[to - 1] == '\r' ? to - 1 : to;
        if (start == end) {
            return;
        }
        try {
            Head head = LineFormat.head(window, start, end);
            index.put(head.id(), LinePosition.of(windowStart + start, end - start, head.status()));
        } catch (MalformedLineException e) {
            malformed(windowStart + from, e.getMessage());
        }
    }

    private void malformed(long offset, String why) {
        if (malformed++ == 0) {
            firstMalformed = "byte %d: %s".formatted(offset, why);
        }
    }

    private static boolean startsWithByteOrderMark(byte[] window, int to) {
        return to >= 3 && window[0] == (byte) 0xEF && window[1] == (byte) 0xBB && window[2] == (byte) 0xBF;
    }
}
