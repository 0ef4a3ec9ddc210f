package dev.pawl.checkpoint;

import java.nio.file.Path;
import java.util.List;

import dev.pawl.checkpoint.LineFormat.MalformedLineException;

/**
 * A document's way, as far as its lines are still there.
 *
 * @param history what counts
 * @param entries its lines, the oldest first: those that count, and of those that do not any more what compaction has left
 */
public record Trace(History history, List<Entry> entries) {

    /** @param offset of the line's first byte in the file */
    public record Entry(Path file, long offset, CheckpointLine line) {}

    @FunctionalInterface
    interface Visitor {
        void line(byte[] bytes, int start, int end) throws MalformedLineException;
    }

    /** @param cut whether the first line may have begun before: then it is passed over, as damaged ones are */
    static void scan(byte[] bytes, boolean cut, Visitor visitor) {
        int start = 0;
        boolean whole = !cut;
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] == '\n') {
                if (whole) {
                    visit(bytes, start, i, visitor);
                }
                whole = true;
                start = i + 1;
            }
        }
    }

    private static void visit(byte[] bytes, int start, int end, Visitor visitor) {
        try {
            visitor.line(bytes, start, end);
        } catch (MalformedLineException e) {
            // What loading passed over is passed over here.
        }
    }
}
