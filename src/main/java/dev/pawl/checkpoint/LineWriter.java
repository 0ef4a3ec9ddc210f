package dev.pawl.checkpoint;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.zip.CRC32C;

import com.fasterxml.jackson.databind.JsonNode;

import dev.pawl.Usage;

/**
 * Puts a line's bytes together. By hand: a generator took most of the processor time of an append. UTF-8 stays as it is, so that
 * {@code grep} finds it; only what JSON demands is escaped, and half a surrogate pair, which has no UTF-8.
 *
 * <p>A writer is taken for one line, on one thread, and kept for a later one: what an append leaves to the garbage collector decides
 * how often a thousand others stand still.
 */
final class LineWriter {

    private static final HexFormat HEX = HexFormat.of();
    /** An escape, such as that of a control character. */
    private static final int MAX_CHARACTER_BYTES = 6;
    private static final int MAX_UTF8_BYTES = 3;
    /** Up to here a loop is faster than an encoder. */
    private static final int SHORT_TEXT = 48;

    /** No line waits for a writer: where a slot is empty, a new one is made. */
    private static final AtomicReferenceArray<LineWriter> KEPT = new AtomicReferenceArray<>(16);
    /** A writer that has grown larger, in bytes, is not kept. */
    private static final int MAX_KEPT = 64 << 10;

    private final CRC32C crc = new CRC32C();
    private final CharsetEncoder encoder = StandardCharsets.UTF_8.newEncoder();
    private CharBuffer characters = CharBuffer.allocate(1024);
    private ByteBuffer utf8 = ByteBuffer.allocate(MAX_UTF8_BYTES * 1024);
    private byte[] bytes = new byte[2048];
    private int length;

    private LineWriter() {
    }

    static LineWriter take() {
        LineWriter kept = KEPT.getAndSet(slot(), null);
        return kept == null ? new LineWriter() : kept;
    }

    private static int slot() {
        return (int) Thread.currentThread().threadId() & KEPT.length() - 1;
    }

    /** Text that is ASCII and needs no escapes; for such, the deprecated method is right, and copies without a detour. */
    @SuppressWarnings("deprecation")
    LineWriter raw(String ascii) {
        reserve(ascii.length());
        ascii.getBytes(0, ascii.length(), bytes, length);
        length += ascii.length();
        return this;
    }

    LineWriter string(String text) {
        if (text == null) {
            return raw("null");
        }
        return text.length() <= SHORT_TEXT && writePlain(text) || writeEncoded(text) ? this : characters(text);
    }

    /** A short text that is ASCII and needs no escapes, as names and numbers are. False where it is none; then nothing is written. */
    private boolean writePlain(String text) {
        int end = text.length();
        char[] chars = characters.array();
        text.getChars(0, end, chars, 0);
        reserve(end + 2);
        int at = length;
        bytes[at++] = '"';
        boolean plain = true;
        for (int i = 0; i < end; i++) {
            char c = chars[i];
            plain &= c >= ' ' & c <= '~' & c != '"' & c != '\\';
            bytes[at++] = (byte) c;
        }
        bytes[at++] = '"';
        if (plain) {
            length = at;
        }
        return plain;
    }

    /** False where a half of a surrogate pair is in it; then nothing is written. */
    private boolean writeEncoded(String text) {
        if (characters.capacity() < text.length()) {
            characters = CharBuffer.allocate(text.length());
            utf8 = ByteBuffer.allocate(MAX_UTF8_BYTES * text.length());
        }
        text.getChars(0, text.length(), characters.clear().array(), 0);
        utf8.clear();
        if (encoder.reset().encode(characters.limit(text.length()), utf8, true).isError()) {
            return false;
        }
        writeEscaped(utf8.array(), utf8.position());
        return true;
    }

    private void writeEscaped(byte[] text, int end) {
        reserve(end + 2);
        bytes[length++] = '"';
        int copied = 0;
        for (int i = LineBytes.nextSpecial(text, 0, end); i < end; i = LineBytes.nextSpecial(text, i + 1, end)) {
            copy(text, copied, i);
            escape((char) text[i]);
            reserve(end - i + 1);
            copied = i + 1;
        }
        copy(text, copied, end);
        bytes[length++] = '"';
    }

    private void copy(byte[] from, int begin, int end) {
        System.arraycopy(from, begin, bytes, length, end - begin);
        length += end - begin;
    }

    private LineWriter characters(String text) {
        reserve(MAX_CHARACTER_BYTES * text.length() + 2);
        bytes[length++] = '"';
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                utf8(Character.toCodePoint(c, text.charAt(++i)));
            } else if (c < ' ' || c == '"' || c == '\\' || Character.isSurrogate(c)) {
                escape(c);
            } else {
                utf8(c);
            }
        }
        bytes[length++] = '"';
        return this;
    }

    private void utf8(int codePoint) {
        if (codePoint < 0x80) {
            bytes[length++] = (byte) codePoint;
            return;
        }
        if (codePoint < 0x800) {
            bytes[length++] = (byte) (0xC0 | codePoint >> 6);
        } else {
            if (codePoint < 0x10000) {
                bytes[length++] = (byte) (0xE0 | codePoint >> 12);
            } else {
                bytes[length++] = (byte) (0xF0 | codePoint >> 18);
                bytes[length++] = (byte) (0x80 | codePoint >> 12 & 0x3F);
            }
            bytes[length++] = (byte) (0x80 | codePoint >> 6 & 0x3F);
        }
        bytes[length++] = (byte) (0x80 | codePoint & 0x3F);
    }

    private void escape(char c) {
        reserve(MAX_CHARACTER_BYTES);
        bytes[length++] = '\\';
        switch (c) {
            case '"', '\\' -> bytes[length++] = (byte) c;
            case '\n' -> bytes[length++] = 'n';
            case '\r' -> bytes[length++] = 'r';
            case '\t' -> bytes[length++] = 't';
            default -> {
                bytes[length++] = 'u';
                for (int shift = 12; shift >= 0; shift -= 4) {
                    bytes[length++] = (byte) HEX.toLowHexDigit(c >> shift);
                }
            }
        }
    }

    LineWriter number(long number) {
        if (number < 0) {
            return raw(Long.toString(number));
        }
        int digits = 1;
        for (long rest = number / 10; rest > 0; rest /= 10) {
            digits++;
        }
        return digits(number, digits);
    }

    LineWriter tree(JsonNode node) {
        if (node.isTextual()) {
            return string(node.textValue());
        }
        char separator = node.isObject() ? '{' : '[';
        if (node.isObject()) {
            for (Iterator<Map.Entry<String, JsonNode>> members = node.fields(); members.hasNext(); separator = ',') {
                Map.Entry<String, JsonNode> member = members.next();
                one(separator).string(member.getKey()).one(':').tree(member.getValue());
            }
            return (separator == ',' ? this : one('{')).one('}');
        }
        if (node.isArray()) {
            for (Iterator<JsonNode> elements = node.elements(); elements.hasNext(); separator = ',') {
                one(separator).tree(elements.next());
            }
            return (separator == ',' ? this : one('[')).one(']');
        }
        // Numbers, true, false, null.
        return raw(node.toString());
    }

    LineWriter usage(Usage usage) {
        return raw("{\"calls\":").number(usage.calls()).raw(",\"inputTokens\":").number(usage.inputTokens())
                .raw(",\"outputTokens\":").number(usage.outputTokens()).one('}');
    }

    /** Milliseconds always, so that the files sort and align as text. */
    LineWriter timestamp(Instant instant) {
        LocalDateTime time = LocalDateTime.ofInstant(instant, ZoneOffset.UTC);
        if (time.getYear() < 0 || time.getYear() > 9999) {
            return string(instant.toString());
        }
        one('"').digits(time.getYear(), 4).one('-').digits(time.getMonthValue(), 2).one('-').digits(time.getDayOfMonth(), 2);
        one('T').digits(time.getHour(), 2).one(':').digits(time.getMinute(), 2).one(':').digits(time.getSecond(), 2);
        return one('.').digits(time.getNano() / 1_000_000, 3).raw("Z\"");
    }

    private LineWriter digits(long number, int digits) {
        reserve(digits);
        for (int i = length + digits - 1; i >= length; i--) {
            bytes[i] = (byte) ('0' + number % 10);
            number /= 10;
        }
        length += digits;
        return this;
    }

    private LineWriter one(char ascii) {
        reserve(1);
        bytes[length++] = (byte) ascii;
        return this;
    }

    private void reserve(int more) {
        if (bytes.length - length < more) {
            bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, Math.addExact(length, more)));
        }
    }

    /** The line with its checksum and its newline. The writer must not be used after that. */
    byte[] seal() {
        crc.reset();
        crc.update(bytes, 0, length);
        return raw(",\"crc\":\"").hex((int) crc.getValue()).raw("\"}\n").end();
    }

    /** What was written. The writer must not be used after that. */
    byte[] end() {
        byte[] written = Arrays.copyOf(bytes, length);
        if (bytes.length + utf8.capacity() <= MAX_KEPT) {
            length = 0;
            KEPT.set(slot(), this);
        }
        return written;
    }

    private LineWriter hex(int number) {
        for (int shift = Integer.SIZE - 4; shift >= 0; shift -= 4) {
            one(HEX.toLowHexDigit(number >>> shift));
        }
        return this;
    }
}
