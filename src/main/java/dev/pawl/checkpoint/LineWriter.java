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

    /** Text that is ASCII and needs no escapes. */
    LineWriter raw(String ascii) {
        reserve(ascii.length());
        for (int i = 0; i < ascii.length(); i++) {
            bytes[length++] = (byte) ascii.charAt(i);
        }
        return this;
    }

    LineWriter string(String text) {
        if (text == null) {
            return raw("null");
        }
        reserve(text.length() + 2);
        bytes[length++] = '"';
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= ' ' && c < 0x80 && c != '"' && c != '\\') {
                bytes[length++] = (byte) c;
                continue;
            }
            reserve(MAX_CHARACTER_BYTES + text.length() - i);
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                utf8(Character.toCodePoint(c, text.charAt(++i)));
            } else if (c < 0x80 || Character.isSurrogate(c)) {
                escape(c);
            } else {
                utf8(c);
            }
        }
        bytes[length++] = '"';
        return this;
    }

    private void utf8(int codePoint) {
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
        return raw(Long.toString(number));
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

    private LineWriter digits(int number, int digits) {
        reserve(digits);
        for (int i = length + digits - 1, rest = number; i >= length; i--, rest /= 10) {
            bytes[i] = (byte) ('0' + rest % 10);
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
