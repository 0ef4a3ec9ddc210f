package dev.pawl.command;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Reads a list of any length line by line, and holds one line at a time. */
public final class TextLines {

    private static final int CHUNK_BYTES = 1 << 16;

    /**
     * @param number from 1
     * @param text without its end; null where it can't be had
     * @param wrong why it can't; null where it can
     */
    public record Line(long number, String text, String wrong) {}

    private final InputStream in;
    private final int maxBytes;
    private final byte[] chunk = new byte[CHUNK_BYTES];
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private int at;
    private int filled;
    private long number;
    private long bytes;

    /** @param maxBytes the longest line */
    public TextLines(InputStream in, int maxBytes) {
        this.in = in;
        this.maxBytes = maxBytes;
    }

    /** How many bytes were read so far. */
    public long bytes() {
        return bytes;
    }

    /** Null at the end. */
    public Line next() throws IOException {
        if (!read()) {
            return null;
        }
        number++;
        if (line.size() > maxBytes) {
            return new Line(number, null, "longer than %d bytes".formatted(maxBytes));
        }
        try {
            return new Line(number, text(), null);
        } catch (CharacterCodingException e) {
            return new Line(number, null, "not UTF-8");
        }
    }

    /** Fills {@link #line} with the next line; of one that is too long with a little more than is allowed. */
    private boolean read() throws IOException {
        line.reset();
        boolean any = false;
        while (true) {
            if (at == filled) {
                filled = in.read(chunk);
                at = 0;
                if (filled < 0) {
                    filled = 0;
                    return any;
                }
            }
            any = true;
            int from = at;
            while (at < filled && chunk[at] != '\n') {
                at++;
            }
            if (line.size() <= maxBytes) {
                line.write(chunk, from, at - from);
            }
            bytes += at - from;
            if (at < filled) {
                at++;
                bytes++;
                return true;
            }
        }
    }

    private String text() throws CharacterCodingException {
        String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(line.toByteArray())).toString();
        String unmarked = number == 1 && text.startsWith("\uFEFF") ? text.substring(1) : text;
        return unmarked.endsWith("\r") ? unmarked.substring(0, unmarked.length() - 1) : unmarked;
    }
}
