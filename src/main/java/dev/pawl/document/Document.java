package dev.pawl.document;

import java.net.URI;
import java.nio.charset.StandardCharsets;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * A document as its publisher sent it.
 *
 * @param id 1 to 512 bytes of UTF-8 without control characters
 * @param text the document itself; null where it must be read
 * @param uri where to read it; null where {@code pawl.documents.location} says
 * @param metadata an object for the prompts; null without any
 */
public record Document(String id, String text, URI uri, JsonNode metadata) {

    public static final int MAX_ID_BYTES = 512;

    public Document {
        String wrong = wrongWithId(id);
        if (wrong != null) {
            throw new IllegalArgumentException(wrong);
        }
    }

    /** What keeps a text from being a document ID; null where nothing does. */
    static String wrongWithId(String id) {
        if (isPlain(id)) {
            return null;
        }
        if (id.isEmpty()) {
            return "the document ID is empty; it must be 1 to 512 bytes of UTF-8";
        }
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(id)) {
            return "the document ID holds half a surrogate pair, which has no UTF-8";
        }
        int bytes = id.getBytes(StandardCharsets.UTF_8).length;
        if (bytes > MAX_ID_BYTES) {
            return "the document ID has %d bytes of UTF-8; at most %d are allowed".formatted(bytes, MAX_ID_BYTES);
        }
        if (id.chars().anyMatch(Character::isISOControl)) {
            return "the document ID holds a control character; none is allowed";
        }
        return null;
    }

    /** As nearly all are, of which a million may be skipped: ASCII, where a character is a byte. */
    private static boolean isPlain(String id) {
        boolean plain = !id.isEmpty() && id.length() <= MAX_ID_BYTES;
        for (int i = 0; plain && i < id.length(); i++) {
            plain = id.charAt(i) >= ' ' && id.charAt(i) <= '~';
        }
        return plain;
    }
}
