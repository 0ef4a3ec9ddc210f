package dev.pawl.checkpoint;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.List;

import dev.pawl.checkpoint.Checkpoint.PendingAppend;

/**
 * The end of a checkpoint file, where lines are added. After an exception nothing must be added any more.
 *
 * <p>On the group commit's thread only.
 */
final class LineAppender implements Closeable {

    private final FileChannel file;
    private long end;
    private boolean newlineOwed;

    /**
     * @param end where the next line goes
     * @param newlineOwed whether the last line is whole but for its newline
     */
    LineAppender(FileChannel file, long end, boolean newlineOwed) {
        this.file = file;
        this.end = end;
        this.newlineOwed = newlineOwed;
    }

    /** @return how many bytes were torn, and are gone now */
    long cutOffTornLine() throws IOException {
        long torn = file.size() - end;
        if (torn > 0) {
            file.truncate(end);
            file.force(true);
        }
        return torn;
    }

    /**
     * Writes the lines with one call, if they fit into the buffer, and forces them with one fsync.
     *
     * @param force whether to force
     * @return where the first of them stands
     */
    long append(List<PendingAppend> lines, ByteBuffer buffer, boolean force) throws IOException {
        long start = end + (newlineOwed ? 1 : 0);
        long size = lines.stream().mapToLong(line -> line.bytes().length).sum();
        if (start + size > LinePosition.MAX_OFFSET) {
            throw new IOException("it has reached its largest size, 128 GiB");
        }
        buffer.clear();
        if (newlineOwed) {
            buffer.put((byte) '\n');
        }
        for (PendingAppend line : lines) {
            if (line.bytes().length > buffer.remaining()) {
                write(buffer.flip());
                buffer.clear();
            }
            if (line.bytes().length > buffer.remaining()) {
                write(ByteBuffer.wrap(line.bytes()));
            } else {
                buffer.put(line.bytes());
            }
        }
        write(buffer.flip());
        if (force) {
            file.force(false);
        }
        newlineOwed = false;
        end = start + size;
        return start;
    }

    private void write(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            file.write(bytes);
        }
    }

    /** How many bytes the file has. */
    long end() {
        return end;
    }

    boolean isNewlineOwed() {
        return newlineOwed;
    }

    FileChannel file() {
        return file;
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
