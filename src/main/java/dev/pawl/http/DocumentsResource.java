package dev.pawl.http;

import java.io.IOException;
import java.io.InputStream;

import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.Response.Status;

import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.ExampleObject;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.security.SecurityRequirement;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.OnOverflow;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;

import dev.pawl.checkpoint.Checkpoints;
import dev.pawl.checkpoint.Trace;
import dev.pawl.document.RecordDecoder;
import dev.pawl.document.RecordDecoder.InvalidDocumentException;
import io.smallrye.common.annotation.Blocking;
import io.smallrye.reactive.messaging.MutinyEmitter;

/**
 * Publishing documents, and looking one up. Bodies are read as they come, one document at a time: a million take no more memory than
 * a thousand.
 */
@Path("/documents")
@Produces(MediaType.APPLICATION_JSON)
@Blocking
@Tag(name = "Documents")
public class DocumentsResource {

    private static final String NDJSON = "application/x-ndjson";

    /** {@link BodyLimits} bound what is read, so that the parser need not. */
    private static final JsonMapper ELEMENTS = new JsonMapper(JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).build())
            .build());
    /** Of a line, all has to be one value. */
    private static final JsonMapper LINE = ELEMENTS.rebuild().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();
    private static final String EMPTY = "is empty; it must hold a JSON string, an object with an id, or an array of them";

    private final MutinyEmitter<byte[]> emitter;
    private final Checkpoints checkpoints;
    private final BodyLimits limits;

    /** {@link Publication} bounds what is on its way to the broker. */
    DocumentsResource(@Channel("published") @OnOverflow(OnOverflow.Strategy.UNBOUNDED_BUFFER) MutinyEmitter<byte[]> emitter,
            Checkpoints checkpoints, BodyLimits limits) {
        this.emitter = emitter;
        this.checkpoints = checkpoints;
        this.limits = limits;
    }

    // ---- Publish ----

    /** An ID a line; blank lines are passed over. */
    @POST
    @Changes
    @Consumes(MediaType.TEXT_PLAIN)
    @Operation(operationId = "publish", summary = "Publishes documents",
            description = "Answers once the broker has them. The body is read as it comes, no faster than the broker takes it, and may be of "
                    + "any length up to pawl.http.max-body-size. Documents that are done already are skipped when their turn comes.")
    @RequestBody(required = true, content = {
            @Content(mediaType = MediaType.TEXT_PLAIN, schema = @Schema(type = SchemaType.STRING, description = "A document ID a line."),
                    examples = @ExampleObject(name = "IDs", value = "doc-0001\ndoc-0002\n")),
            @Content(mediaType = MediaType.APPLICATION_JSON, schema = @Schema(description = "A document, its ID alone, or an array of them.",
                    oneOf = { SentDocument.class, String.class, SentDocument[].class })),
            @Content(mediaType = NDJSON, schema = @Schema(implementation = SentDocument.class,
                    description = "A document a line, or its ID as a JSON string.")) })
    @APIResponse(responseCode = "202", description = "The broker has them, but for those that are named.",
            content = @Content(schema = @Schema(implementation = Published.class)))
    @APIResponse(responseCode = "400", ref = "BadRequest")
    @APIResponse(responseCode = "401", ref = "Unauthorized")
    @APIResponse(responseCode = "403", ref = "Forbidden")
    @APIResponse(responseCode = "413", ref = "TooLarge")
    @APIResponse(responseCode = "415", ref = "UnsupportedMediaType")
    @APIResponse(responseCode = "503", ref = "Unavailable")
    @SecurityRequirement(name = "token")
    public Response publishText(InputStream body) {
        return publishLines(body, line -> JsonNodeFactory.instance.textNode(line));
    }

    /** A string or an object a line; blank lines are passed over. */
    @POST
    @Changes
    @Consumes(NDJSON)
    @Operation(hidden = true)
    public Response publishJsonLines(InputStream body) {
        return publishLines(body, DocumentsResource::parse);
    }

    @FunctionalInterface
    private interface Reading {
        JsonNode of(String line) throws InvalidDocumentException;
    }

    private Response publishLines(InputStream body, Reading reading) {
        Publication publication = new Publication(emitter::sendMessage);
        Lines lines = new Lines(limits.limited(body), limits.maxLineBytes());
        return published(publication, () -> {
            for (Lines.Line line = lines.next(); line != null; line = lines.next()) {
                if (line.wrong() != null) {
                    publication.reject(line.number(), line.wrong());
                } else if (!line.isBlank()) {
                    String text = line.text();
                    send(publication, line.number(), () -> reading.of(text));
                }
            }
        });
    }

    /** A string, an object, or an array of them. */
    @POST
    @Changes
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(hidden = true)
    public Response publishJson(InputStream body) {
        Publication publication = new Publication(emitter::sendMessage);
        LimitedBody limited = limits.limited(body);
        return published(publication, () -> {
            try (JsonParser json = ELEMENTS.createParser(limited)) {
                limited.begin(1);
                JsonToken first = json.nextToken();
                if (first == null) {
                    throw new ProblemException(Status.BAD_REQUEST, "the body " + EMPTY);
                }
                if (first != JsonToken.START_ARRAY) {
                    JsonNode only = json.readValueAsTree();
                    end(json);
                    send(publication, 1, () -> only);
                    return;
                }
                for (long number = 1; json.nextToken() != JsonToken.END_ARRAY; number++) {
                    limited.begin(number);
                    JsonNode element = json.readValueAsTree();
                    send(publication, number, () -> element);
                }
                end(json);
            } catch (JsonProcessingException e) {
                throw notJson(e.getLocation());
            }
        });
    }

    private static void end(JsonParser json) throws IOException {
        if (json.nextToken() != null) {
            throw notJson(json.currentLocation());
        }
    }

    private static ProblemException notJson(JsonLocation location) {
        return new ProblemException(Status.BAD_REQUEST,
                "the body is not JSON: line %d, column %d".formatted(location.getLineNr(), location.getColumnNr()));
    }

    @FunctionalInterface
    private interface Sending {
        void all() throws IOException;
    }

    private static Response published(Publication publication, Sending sending) {
        try {
            sending.all();
        } catch (ProblemException e) {
            throw publication.end(e);
        } catch (IOException e) {
            throw publication.end(BodyLimits.unreadable());
        }
        return Response.accepted(publication.end()).build();
    }

    @FunctionalInterface
    private interface Entry {
        JsonNode json() throws InvalidDocumentException;
    }

    private static void send(Publication publication, long number, Entry entry) {
        try {
            JsonNode json = entry.json();
            publication.send(number, RecordDecoder.document(json), json);
        } catch (InvalidDocumentException e) {
            publication.reject(number, e.getMessage());
        }
    }

    private static JsonNode parse(String line) throws InvalidDocumentException {
        try {
            JsonNode json = LINE.readTree(line);
            if (json.isMissingNode()) {
                throw new InvalidDocumentException(EMPTY);
            }
            return json;
        } catch (JsonProcessingException e) {
            throw new InvalidDocumentException("is not JSON: column %d".formatted(e.getLocation().getColumnNr()));
        }
    }

    // ---- Find ----

    @GET
    @Path("{id:.+}")
    @Operation(operationId = "find", summary = "What is known of a document",
            description = "From the checkpoints of this process's partitions: its status, answers, result, and its way there.")
    @APIResponse(responseCode = "200", description = "It is known.", content = @Content(schema = @Schema(implementation = KnownDocument.class)))
    @APIResponse(responseCode = "404", ref = "UnknownDocument")
    public Response find(@Parameter(description = "The document's ID, percent-encoded.", example = "doc-0847") @PathParam("id") String id) {
        Trace trace = checkpoints.trace(id);
        if (trace.history().isEmpty()) {
            throw new ProblemException(Status.NOT_FOUND, "no checkpoint that this process holds knows this document");
        }
        return Response.ok(KnownDocument.of(id, trace)).build();
    }
}
