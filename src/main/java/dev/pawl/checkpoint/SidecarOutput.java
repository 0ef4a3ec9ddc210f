package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.zip.CRC32C;

/**
 * Writes a sidecar, and its length and checksum at the end. In slices, with a rest after each that is as long as it took: a thousand
 * callers who append meanwhile waited five times as long as usual for processors and disk.
 */
final class SidecarOutput implements AutoCloseable {

    static final int BUFFER_BYTES = 1 << 20;
    private static final int SLICE_BYTES = 256 << 10;
    private static final int TRAILER_BYTES = 2 * Long.BYTES;

    private final FileChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
    private final CRC32C crc = new CRC32C();
    private final BooleanSupplier hurried;
    private long written;
    private long sliceBegunNs = System.nanoTime();

    /** @param hurried whether somebody waits for it: asked for each slice */
    SidecarOutput(FileChannel channel, BooleanSupplier hurried) {
        this.channel = channel;
        this.hurried = hurried;
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
        if (buffer.position() + bytes > SLICE_BYTES) {
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
        buffer.clear();
        // Not that it must be durable, but an append's fsync shall not wait for more than this of it.
        channel.force(false);
        if (!hurried.getAsBoolean()) {
            LockSupport.parkNanos(System.nanoTime() - sliceBegunNs);
        }
        sliceBegunNs = System.nanoTime();
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
