package dev.pawl.http;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A body line by line, one of them in memory at a time. A line ends with {@code \n}, {@code \r\n}, or the body. One that is too long is
 * passed over and told, so that those after it are not lost. For one thread.
 */
final class Lines {

    private static final int BUFFER_BYTES = 16 << 10;
    private static final String BYTE_ORDER_MARK = "\uFEFF";

    /**
     * @param number from 1; blank lines count
     * @param text null where it can't be one
     * @param wrong why {@code text} is null; null where it is not
     */
    record Line(long number, String text, String wrong) {

        boolean isBlank() {
            return text != null && text.isBlank();
        }
    }

    private final InputStream in;
    private final int maxBytes;
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private int position;
    private int filled;

    private byte[] line = new byte[1_024];
    private int length;
    private long number;

    Lines(InputStream in, int maxBytes) {
        this.in = in;
        this.maxBytes = maxBytes;
    }

    /** Null after the last. */
    Line next() throws IOException {
        length = 0;
        boolean tooLong = false;
        boolean ended = false;
        while (!ended) {
            if (position == filled && !fill()) {
                if (length == 0 && !tooLong) {
                    return null;
                }
                break;
            }
            int from = position;
            while (position < filled && buffer[position] != '\n') {
                position++;
            }
            tooLong |= length + (position - from) > maxBytes;
            if (!tooLong) {
                append(from);
            }
            ended = position < filled;
            position += ended ? 1 : 0;
        }
        number++;
        return tooLong ? new Line(number, null, "the line is longer than pawl.http.max-line-size, %d bytes".formatted(maxBytes)) : decoded();
    }

    private boolean fill() throws IOException {
        position = 0;
        filled = Math.max(0, in.read(buffer));
        return filled > 0;
    }

    private void append(int from) {
        int more = position - from;
        if (length + more > line.length) {
            line = Arrays.copyOf(line, Math.min(maxBytes, Math.max(2 * line.length, length + more)));
        }
        System.arraycopy(buffer, from, line, length, more);
        length += more;
    }

    private Line decoded() {
        int end = length > 0 && line[length - 1] == '\r' ? length - 1 : length;
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(line, 0, end)).toString();
            // Windows' editors begin a file with it.
            return new Line(number, number == 1 && text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text, null);
        } catch (CharacterCodingException e) {
            return new Line(number, null, "the line is not UTF-8");
        }
    }
}
