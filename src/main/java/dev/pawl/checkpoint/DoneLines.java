package dev.pawl.checkpoint;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;

import dev.pawl.checkpoint.LineFormat.MalformedLineException;
import dev.pawl.checkpoint.LineFormat.Status;

/**
 * Reads the done lines of many documents, those that lie close together with one call: documents that come again come in about the order in which
 * they ended.
 */
final class DoneLines {

    /** Of what is read at once: a processor keeps so much at hand. */
    private static final int MAX_BYTES = 256 << 10;
    /** How many times the bytes of the lines that are wanted are read at most, with what lies between. */
    private static final int MAX_SPREAD = 4;

    /** Below the 37 bits of an offset: 63 together, so that no line is negative. */
    private static final int NUMBER_BITS = 26;

    private final List<String> ids;
    private final long[] positions;
    private final AtomicReferenceArray<LineReader> readers;
    private final CheckpointLine.Done[] found;

    private DoneLines(List<String> ids, long[] positions, AtomicReferenceArray<LineReader> readers) {
        this.ids = ids;
        this.positions = positions;
        this.readers = readers;
        this.found = new CheckpointLine.Done[positions.length];
    }

    /**
     * The lines in the order of the documents. Null where a position is not that of a done line, and where a look-up has the last word: the line
     * is longer than 256 KB, can't be read, or is not the document's.
     *
     * @param positions where the last line of each stands
     * @param readers by generation
     */
    static CheckpointLine.Done[] read(List<String> ids, long[] positions, AtomicReferenceArray<LineReader> readers) throws LineReader.ClosedException {
        DoneLines lines = new DoneLines(ids, positions, readers);
        try {
            lines.read(lines.inOrderOfTheFile());
        } catch (LineReader.ClosedException e) {
            throw e;
        } catch (IOException e) {
            // A look-up of one that is missing now meets it again, and deals with it.
        }
        return lines.found;
    }

    /** Offsets of the lines, each with its document's number. */
    private long[] inOrderOfTheFile() {
        long[] lines = new long[positions.length];
        int count = 0;
        for (int i = 0; i < positions.length; i++) {
            if (positions[i] != LinePosition.NONE && LinePosition.status(positions[i]) == Status.DONE) {
                lines[count++] = LinePosition.offset(positions[i]) << NUMBER_BITS | i;
            }
        }
        Arrays.sort(lines, 0, count);
        return Arrays.copyOf(lines, count);
    }

    private static int number(long line) {
        return (int) line & (1 << NUMBER_BITS) - 1;
    }

    private void read(long[] lines) throws IOException {
        int first = 0;
        long wanted = 0;
        for (int i = 0; i < lines.length; i++) {
            long start = positions[number(lines[first])];
            long position = positions[number(lines[i])];
            long bytes = LinePosition.offset(position) + LinePosition.size(position) - LinePosition.offset(start);
            wanted += LinePosition.size(position);
            if (i > first && (bytes > Math.min(MAX_BYTES, MAX_SPREAD * wanted) || LinePosition.generation(position) != LinePosition.generation(start))) {
                read(lines, first, i);
                first = i;
                wanted = LinePosition.size(position);
            }
        }
        if (first < lines.length) {
            read(lines, first, lines.length);
        }
    }

    /** From {@code first} to before {@code end} with one call. */
    private void read(long[] lines, int first, int end) throws IOException {
        long start = positions[number(lines[first])];
        long last = positions[number(lines[end - 1])];
        LineReader reader = readers.get(LinePosition.generation(start));
        if (reader == null) {
            throw new LineReader.ClosedException();
        }
        long offset = LinePosition.offset(start);
        int length = (int) (LinePosition.offset(last) + LinePosition.size(last) - offset);
        if (length > MAX_BYTES) {
            // A single one.
            return;
        }
        byte[] bytes = reader.read(offset, length);
        for (int i = first; i < end; i++) {
            int number = number(lines[i]);
            int from = (int) (LinePosition.offset(positions[number]) - offset);
            int to = from + LinePosition.length(positions[number]);
            if (to <= bytes.length) {
                found[number] = done(ids.get(number), bytes, from, to);
            }
        }
    }

    private static CheckpointLine.Done done(String id, byte[] bytes, int from, int to) {
        try {
            return LineFormat.decode(bytes, from, to) instanceof CheckpointLine.Done done && done.id().equals(id) ? done : null;
        } catch (MalformedLineException e) {
            return null;
        }
    }
}
