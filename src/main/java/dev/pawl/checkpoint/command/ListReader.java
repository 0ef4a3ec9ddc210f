package dev.pawl.checkpoint.command;

import java.io.IOException;
import java.io.InputStream;
import java.util.Set;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

import dev.pawl.checkpoint.CheckpointImport;
import dev.pawl.command.TextLines;
import dev.pawl.document.RecordDecoder;
import dev.pawl.document.RecordDecoder.InvalidDocumentException;

/**
 * Reads a list of documents, one a line: an ID, or JSON where the line begins with <code>{</code>, <code>[</code> or {@code "},
 * as in the value of a record. Blank lines are passed over.
 */
final class ListReader {

    /** A Pawl's own file: importing its lines as done would lose documents. */
    private static final Set<String> NOT_DONE = Set.of("step", "failed", "forgotten");

    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(CheckpointImport.MAX_OBJECT_BYTES).build())
            .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final TextLines lines;
    private final String idField;

    /** @param idField the member of an object that holds the document's ID */
    ListReader(InputStream in, String idField) {
        this.lines = new TextLines(in, CheckpointImport.MAX_OBJECT_BYTES);
        this.idField = idField;
    }

    /** How many bytes were read so far. */
    long bytes() {
        return lines.bytes();
    }

    /** The next line that is not blank; null at the end. */
    ListEntry next() throws IOException {
        for (TextLines.Line line = lines.next(); line != null; line = lines.next()) {
            if (line.wrong() != null) {
                return new ListEntry.Rejected(line.number(), line.wrong());
            }
            if (line.text().isBlank()) {
                continue;
            }
            try {
                return entry(line.number(), line.text());
            } catch (InvalidDocumentException e) {
                return new ListEntry.Rejected(line.number(), e.getMessage());
            }
        }
        return null;
    }

    private ListEntry entry(long number, String text) throws InvalidDocumentException {
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
