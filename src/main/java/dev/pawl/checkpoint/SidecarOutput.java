package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/** Writes a sidecar, and its length and checksum at the end. */
final class SidecarOutput implements AutoCloseable {

    static final int BUFFER_BYTES = 1 << 20;
    private static final int TRAILER_BYTES = 2 * Long.BYTES;

    private final FileChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
    private final CRC32C crc = new CRC32C();
    private long written;
    private long forced;

    SidecarOutput(FileChannel channel) {
        this.channel = channel;
    }

    void putLong(long value) throws IOException {
        require(Long.BYTES);
        buffer.putLong(value);
    }

    /** The file has one generation when it is read again. */
    void putPosition(long position) throws IOException {
        putLong(LinePosition.withGeneration(position, 0));
    }

    void putString(String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        require(Integer.BYTES + bytes.length);
        buffer.putInt(bytes.length).put(bytes);
    }

    private void require(int bytes) throws IOException {
        if (buffer.remaining() < bytes) {
            flush();
        }
    }

    private void flush() throws IOException {
        crc.update(buffer.flip());
        buffer.rewind();
        written += buffer.limit();
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
        // Not that it must be durable, but appends shall not wait for all of it at once.
        if (written / Compaction.FORCE_EVERY_BYTES > forced / Compaction.FORCE_EVERY_BYTES) {
            channel.force(false);
            forced = written;
        }
        buffer.clear();
    }

    long finish() throws IOException {
        flush();
        long length = written + TRAILER_BYTES;
        putLong(length);
        crc.update(buffer.duplicate().flip());
        long checksum = crc.getValue();
        putLong(checksum);
        flush();
        return length;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
