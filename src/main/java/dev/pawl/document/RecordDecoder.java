package dev.pawl.document;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

/**
 * Turns the bytes of a record into a document:
 *
 * <pre>
 * value                                            means
 * ──────────────────────────────────────────────   ─────────────────────────────────────────
 * doc-0847                                         the document of that ID
 * "doc-0847"                                       the same, from a publisher that writes JSON
 * {"id":"doc-0847","text":…,"uri":…,"metadata":…}  the same, with what it brings
 * a CloudEvent, structured or binary               its data is one of the above
 * nothing, under a key                             a tombstone: the key is the ID to forget
 * </pre>
 *
 * CloudEvents are taken apart here and not by the connector, whose parser ends the stream at a broken one. Never throws;
 * thread-safe.
 */
public final class RecordDecoder {

    /** The broker bounds a record, and {@code pawl.documents.max-bytes} a text. */
    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).build())
            .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /** Stands for what is no UTF-8, or for itself. */
    private static final char REPLACEMENT = '\uFFFD';

    private RecordDecoder() {
    }

    /** Says what is wrong and what is allowed, and quotes nothing of the value. */
    public static final class InvalidDocumentException extends Exception {
        public InvalidDocumentException(String reason) {
            super(reason, null, false, false);
        }
    }

    public static Decoded decode(byte[] key, byte[] value, Headers headers) {
        try {
            boolean binaryEvent = headers.lastHeader("ce_specversion") != null;
            if (value == null && !binaryEvent) {
                return new Decoded.Forget(checkedId(key == null ? "" : utf8(key, "key")));
            }
            if (value == null || value.length == 0) {
                throw new InvalidDocumentException(binaryEvent
                        ? "the CloudEvent has no data; it must hold a document ID or an object with an id"
                        : "the value is empty; it must hold a document ID or an object with an id");
            }
            String text = utf8(value, "value");
            boolean structuredEvent = contentType(headers).startsWith("application/cloudevents");
            return new Decoded.Run(structuredEvent ? eventData(parse(text)) : fromText(text));
        } catch (InvalidDocumentException e) {
            return new Decoded.Invalid(e.getMessage());
        }
    }

    private static Document fromText(String text) throws InvalidDocumentException {
        String stripped = text.stripLeading();
        return switch (stripped.isEmpty() ? ' ' : stripped.charAt(0)) {
            case '{' -> {
                JsonNode json = parse(text);
                yield isEvent(json) ? eventData(json) : document(json);
            }
            case '[', '"' -> document(parse(text));
            default -> document(text);
        };
    }

    /** A publisher without headers may send a structured event too; its own {@code id} must not be taken for the document's. */
    private static boolean isEvent(JsonNode json) {
        return json.path("specversion").isTextual() && json.path("type").isTextual() && json.path("source").isTextual();
    }

    private static Document eventData(JsonNode event) throws InvalidDocumentException {
        if (event.hasNonNull("data_base64")) {
            return fromText(utf8(base64(event.get("data_base64")), "CloudEvent's data"));
        }
        if (!event.hasNonNull("data")) {
            throw new InvalidDocumentException("the CloudEvent has no data; it must hold a document ID or an object with an id");
        }
        return document(event.get("data"));
    }

    private static byte[] base64(JsonNode data) throws InvalidDocumentException {
        try {
            if (data.isTextual()) {
                return data.binaryValue();
            }
        } catch (IOException e) {
            // Refused below, like a value that is no string.
        }
        throw new InvalidDocumentException("the CloudEvent's data_base64 is not Base64");
    }

    /**
     * The document that a JSON string or object describes.
     *
     * @throws InvalidDocumentException saying what is wrong and what is allowed
     */
    public static Document document(JsonNode json) throws InvalidDocumentException {
        if (json.isTextual()) {
            return document(json.asText());
        }
        if (!json.isObject()) {
            throw new InvalidDocumentException("the value is JSON, and neither a string nor an object with an id");
        }
        JsonNode id = json.get("id");
        if (id == null || id.isNull()) {
            throw new InvalidDocumentException("the object has no id; it must be a string");
        }
        if (!id.isTextual()) {
            throw new InvalidDocumentException("the object's id is not a string");
        }
        JsonNode metadata = member(json, "metadata");
        if (metadata != null && !metadata.isObject()) {
            throw new InvalidDocumentException("the object's metadata is not an object");
        }
        return document(id.asText(), string(json, "text"), uri(json), metadata);
    }

    /** The document of an ID alone. */
    public static Document document(String id) throws InvalidDocumentException {
        return document(id, null, null, null);
    }

    private static Document document(String id, String text, URI uri, JsonNode metadata) throws InvalidDocumentException {
        try {
            return new Document(id, text, uri, metadata);
        } catch (IllegalArgumentException e) {
            throw new InvalidDocumentException(e.getMessage());
        }
    }

    private static String checkedId(String id) throws InvalidDocumentException {
        String wrong = Document.wrongWithId(id);
        if (wrong != null) {
            throw new InvalidDocumentException(wrong);
        }
        return id;
    }

    private static URI uri(JsonNode json) throws InvalidDocumentException {
        String uri = string(json, "uri");
        try {
            return uri == null ? null : new URI(uri);
        } catch (URISyntaxException e) {
            throw new InvalidDocumentException("the object's uri is not a URI");
        }
    }

    private static String string(JsonNode json, String name) throws InvalidDocumentException {
        JsonNode value = member(json, name);
        if (value != null && !value.isTextual()) {
            throw new InvalidDocumentException("the object's %s is not a string".formatted(name));
        }
        return value == null ? null : value.asText();
    }

    private static JsonNode member(JsonNode json, String name) {
        return json.hasNonNull(name) ? json.get(name) : null;
    }

    private static JsonNode parse(String text) throws InvalidDocumentException {
        try {
            JsonNode json = JSON.readTree(text);
            if (json.isMissingNode()) {
                throw new InvalidDocumentException("the value is blank");
            }
            return json;
        } catch (IOException e) {
            throw new InvalidDocumentException("the value begins like JSON and is broken");
        }
    }

    private static String utf8(byte[] bytes, String what) throws InvalidDocumentException {
        String text = new String(bytes, StandardCharsets.UTF_8);
        if (text.indexOf(REPLACEMENT) < 0) {
            return text;
        }
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw new InvalidDocumentException("the %s is not UTF-8".formatted(what));
        }
    }

    private static String contentType(Headers headers) {
        Header header = headers.lastHeader("content-type");
        return header == null || header.value() == null ? "" : new String(header.value(), StandardCharsets.UTF_8);
    }
}
