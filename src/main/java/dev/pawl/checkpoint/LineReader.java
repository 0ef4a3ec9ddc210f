package dev.pawl.checkpoint;

import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Reads single lines back. A file of its own and not a channel: an interrupt closes a channel under all who read from
 * it, and a file that compaction has replaced can't be opened again. Thread-safe.
 *
 * <p>Documents that come again come in about the order in which they ended: a line that lies just behind the one before is read
 * together with those behind it. What was read stays as it is, since lines are only ever added.
 */
final class LineReader implements Closeable {

    private static final int AHEAD_BYTES = 64 << 10;

    private final RandomAccessFile file;
    private boolean closed;

    /** Made for the first line that follows another. */
    private byte[] ahead = {};
    private long aheadStart;
    private int aheadLength;
    private long lastEnd;

    static final class ClosedException extends IOException {
        ClosedException() {
            super("closed");
        }
    }

    LineReader(Path path) throws IOException {
        this(Disk.REAL.openForRead(path));
    }

    /** @param file closed with this reader */
    LineReader(RandomAccessFile file) {
        this.file = file;
    }

    /** The same file to read from its beginning, whatever its name leads to by now. Closed with this reader. */
    FileChannel channel() {
        return file.getChannel();
    }

    /**
     * The bytes at a position, without the newline; fewer where the file ends before.
     *
     * @throws ClosedException where this reader is closed
     */
    byte[] read(long position) throws IOException {
        int length = LinePosition.length(position);
        byte[] bytes = new byte[length == 0 ? LineFormat.MAX_LINE_BYTES : length];
        int filled = readFully(bytes, LinePosition.offset(position));
        if (length != 0 && filled == length) {
            return bytes;
        }
        int newline = 0;
        while (newline < filled && bytes[newline] != '\n') {
            newline++;
        }
        return Arrays.copyOf(bytes, newline);
    }

    /** So many bytes from an offset on; fewer where the file ends before. */
    byte[] read(long offset, int length) throws IOException {
        byte[] bytes = new byte[length];
        int filled = readFully(bytes, offset);
        return filled == length ? bytes : Arrays.copyOf(bytes, filled);
    }

    private synchronized int readFully(byte[] bytes, long offset) throws IOException {
        if (closed) {
            throw new ClosedException();
        }
        boolean follows = offset >= lastEnd && offset - lastEnd < AHEAD_BYTES;
        lastEnd = offset + bytes.length;
        if (isAhead(offset, bytes.length)) {
            System.arraycopy(ahead, (int) (offset - aheadStart), bytes, 0, bytes.length);
            return bytes.length;
        }
        if (!follows || bytes.length > AHEAD_BYTES) {
            return readFromFile(bytes, offset);
        }
        ahead = ahead.length == 0 ? new byte[AHEAD_BYTES] : ahead;
        aheadLength = 0;
        aheadStart = offset;
        aheadLength = readFromFile(ahead, offset);
        int filled = Math.min(bytes.length, aheadLength);
        System.arraycopy(ahead, 0, bytes, 0, filled);
        return filled;
    }

    private boolean isAhead(long offset, int length) {
        return offset >= aheadStart && offset + length <= aheadStart + aheadLength;
    }

    private int readFromFile(byte[] bytes, long offset) throws IOException {
        file.seek(offset);
        int filled = 0;
        while (filled < bytes.length) {
            int read = file.read(bytes, filled, bytes.length - filled);
            if (read < 0) {
                break;
            }
            filled += read;
        }
        return filled;
    }

    /** To be called where bytes were taken away that may have been read, or are not what they should be. False where there were none. */
    synchronized boolean forget() {
        boolean any = aheadLength > 0;
        aheadLength = 0;
        return any;
    }

    @Override
    public synchronized void close() throws IOException {
        closed = true;
        file.close();
    }
}
