package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/** Counts the newlines of a file up to ever later offsets, so that a person finds the place in an editor. */
final class LineNumbers {

    private static final int CHUNK_BYTES = 1 << 20;

    private final FileChannel file;
    private final ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES).limit(0);
    private long offset;
    private long line = 1;

    LineNumbers(FileChannel file) {
        this.file = file;
    }

    /**
     * The line that the byte is in, from 1.
     *
     * @param at not below that of the call before
     */
    long at(long at) throws IOException {
        while (offset < at) {
            if (!chunk.hasRemaining()) {
                int read = file.read(chunk.clear(), offset);
                chunk.flip();
                if (read < 0) {
                    return line;
                }
            }
            while (offset < at && chunk.hasRemaining()) {
                line += chunk.get() == '\n' ? 1 : 0;
                offset++;
            }
        }
        return line;
    }
}
