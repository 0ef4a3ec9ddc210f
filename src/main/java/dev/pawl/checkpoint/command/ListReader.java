package dev.pawl.checkpoint.command;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Set;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

import dev.pawl.checkpoint.CheckpointImport;
import dev.pawl.document.RecordDecoder;
import dev.pawl.document.RecordDecoder.InvalidDocumentException;

/**
 * Reads a list of documents, one a line: an ID, or JSON where the line begins with <code>{</code>, <code>[</code> or {@code "},
 * as in the value of a record. Blank lines are passed over.
 */
final class ListReader {

    private static final int CHUNK_BYTES = 1 << 16;
    /** A Pawl's own file: importing its lines as done would lose documents. */
    private static final Set<String> NOT_DONE = Set.of("step", "failed", "forgotten");

    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(CheckpointImport.MAX_OBJECT_BYTES).build())
            .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final InputStream in;
    private final String idField;
    private final byte[] chunk = new byte[CHUNK_BYTES];
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private int at;
    private int filled;
    private long number;
    private long bytes;

    /** @param idField the member of an object that holds the document's ID */
    ListReader(InputStream in, String idField) {
        this.in = in;
        this.idField = idField;
    }

    /** How many bytes were read so far. */
    long bytes() {
        return bytes;
    }

    /** The next line that is not blank; null at the end. */
    ListEntry next() throws IOException {
        while (readLine()) {
            number++;
            if (line.size() > CheckpointImport.MAX_OBJECT_BYTES) {
                return new ListEntry.Rejected(number, "longer than %d bytes".formatted(CheckpointImport.MAX_OBJECT_BYTES));
            }
            try {
                String text = text();
                if (!text.isBlank()) {
                    return entry(text);
                }
            } catch (InvalidDocumentException e) {
                return new ListEntry.Rejected(number, e.getMessage());
            }
        }
        return null;
    }

    /** Fills {@link #line} with the next line; of one that is too long with a little more than is allowed. */
    private boolean readLine() throws IOException {
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
            if (line.size() <= CheckpointImport.MAX_OBJECT_BYTES) {
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

    private String text() throws InvalidDocumentException {
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(line.toByteArray())).toString();
            String unmarked = number == 1 && text.startsWith("\uFEFF") ? text.substring(1) : text;
            return unmarked.endsWith("\r") ? unmarked.substring(0, unmarked.length() - 1) : unmarked;
        } catch (CharacterCodingException e) {
            throw new InvalidDocumentException("not UTF-8");
        }
    }

    private ListEntry entry(String text) throws InvalidDocumentException {
        if ("{[\"".indexOf(text.stripLeading().charAt(0)) < 0) {
            return new ListEntry.Document(number, RecordDecoder.document(text).id(), null, null);
        }
        JsonNode json = parse(text);
        if (json.isTextual()) {
            return new ListEntry.Document(number, RecordDecoder.document(json.asText()).id(), null, null);
        }
        if (!json.isObject()) {
            throw new InvalidDocumentException("JSON, and neither a string nor an object with a member " + idField);
        }
        if (NOT_DONE.contains(json.path("status").asText())) {
            throw new InvalidDocumentException("its status is %s; only documents that are done may be imported"
                    .formatted(json.get("status").asText()));
        }
        JsonNode id = json.get(idField);
        if (id == null || !id.isTextual()) {
            throw new InvalidDocumentException("the object has no member %s that is a string".formatted(idField));
        }
        return new ListEntry.Document(number, RecordDecoder.document(id.asText()).id(), member(json, "ts"), member(json, "result"));
    }

    private static JsonNode member(JsonNode json, String name) {
        return json.hasNonNull(name) ? json.get(name) : null;
    }

    private static JsonNode parse(String text) throws InvalidDocumentException {
        try {
            return JSON.readTree(text);
        } catch (IOException e) {
            throw new InvalidDocumentException("it begins like JSON and is broken");
        }
    }
}
