package dev.pawl.checkpoint;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

import dev.pawl.checkpoint.Sidecar.UselessException;

/** Reads a sidecar, and believes its length and checksum at the end. Until then nothing read is to be trusted with much memory. */
final class SidecarInput implements AutoCloseable {

    final ByteBuffer buffer = ByteBuffer.allocateDirect(SidecarOutput.BUFFER_BYTES).limit(0);
    final long length;

    private final FileChannel channel;
    private final CRC32C crc = new CRC32C();
    private long read;

    SidecarInput(FileChannel channel) throws IOException {
        this.channel = channel;
        this.length = channel.size();
    }

    long getLong() throws IOException {
        require(Long.BYTES);
        return buffer.getLong();
    }

    /** Never more than what is left of the file could hold: its checksum is only known at its end. */
    int getCount() throws IOException {
        long count = getLong();
        if (count < 0 || count > (length - read + buffer.remaining()) / Long.BYTES) {
            throw new EOFException();
        }
        return (int) count;
    }

    String getString() throws IOException {
        require(Integer.BYTES);
        int bytes = buffer.getInt();
        if (bytes < 0 || bytes > SidecarOutput.BUFFER_BYTES) {
            throw new EOFException();
        }
        require(bytes);
        byte[] text = new byte[bytes];
        buffer.get(text);
        return new String(text, StandardCharsets.UTF_8);
    }

    /** Makes sure that so many bytes are in the buffer. */
    void require(int bytes) throws IOException {
        if (buffer.remaining() >= bytes) {
            return;
        }
        buffer.compact();
        while (buffer.position() < bytes) {
            int from = buffer.position();
            int got = channel.read(buffer);
            if (got < 0) {
                throw new EOFException();
            }
            // The last eight bytes are the checksum itself.
            int checked = (int) Math.min(got, Math.max(0, length - Long.BYTES - read));
            crc.update(buffer.duplicate().position(from).limit(from + checked));
            read += got;
        }
        buffer.flip();
    }

    void finish() throws IOException, UselessException {
        if (getLong() != length) {
            throw new UselessException("its length is wrong");
        }
        if (getLong() != crc.getValue()) {
            throw new UselessException("its checksum is wrong");
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
