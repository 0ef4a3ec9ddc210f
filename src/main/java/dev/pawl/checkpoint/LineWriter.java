package dev.pawl.checkpoint;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.Map;
import java.util.zip.CRC32C;

import com.fasterxml.jackson.databind.JsonNode;

import dev.pawl.Usage;

/**
 * Puts a line's bytes together. By hand: a generator took most of the processor time of an append. UTF-8 stays as it is, so that
 * {@code grep} finds it; only what JSON demands is escaped, and half a surrogate pair, which has no UTF-8.
 */
final class LineWriter {

    private static final HexFormat HEX = HexFormat.of();
    /** An escape, such as that of a control character. */
    private static final int MAX_CHARACTER_BYTES = 6;

    private byte[] bytes = new byte[1024];
    private int length;

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
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        reserve(utf8.length + 2);
        int start = length;
        bytes[length++] = '"';
        int copied = 0;
        for (int i = LineBytes.nextSpecial(utf8, 0); i < utf8.length; i = LineBytes.nextSpecial(utf8, i + 1)) {
            if (utf8[i] != '?') {
                copy(utf8, copied, i);
                escape((char) utf8[i]);
                reserve(utf8.length - i + 1);
                copied = i + 1;
            } else if (utf8.length != text.length() || text.charAt(i) != '?') {
                // It may stand for half a surrogate pair.
                length = start;
                return characters(text);
            }
        }
        copy(utf8, copied, utf8.length);
        bytes[length++] = '"';
        return this;
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

    /** The line with its checksum and its newline. */
    byte[] seal() {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        raw(",\"crc\":\"").raw(HEX.toHexDigits((int) crc.getValue())).raw("\"}\n");
        return Arrays.copyOf(bytes, length);
    }
}
