package dev.pawl.http;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;

import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Message;
import org.eclipse.microprofile.reactive.messaging.OnOverflow;
import org.jboss.logging.Logger;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;

import dev.pawl.Failure;
import dev.pawl.Usage;
import dev.pawl.checkpoint.CheckpointLine;
import dev.pawl.checkpoint.CheckpointLine.StepOutput;
import dev.pawl.checkpoint.Checkpoints;
import dev.pawl.checkpoint.History;
import dev.pawl.document.Document;
import dev.pawl.document.RecordDecoder;
import dev.pawl.document.RecordDecoder.InvalidDocumentException;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.smallrye.common.annotation.Blocking;
import io.smallrye.mutiny.Uni;
import io.smallrye.reactive.messaging.MutinyEmitter;
import io.smallrye.reactive.messaging.kafka.api.OutgoingKafkaRecordMetadata;

/** Publishing documents, and looking one up. */
@Path("/documents")
@RegisterForReflection(targets = {
        DocumentsResource.Published.class, DocumentsResource.Rejected.class, DocumentsResource.Known.class, StepOutput.class })
@Produces(MediaType.APPLICATION_JSON)
@Blocking
public class DocumentsResource {

    private static final Logger LOG = Logger.getLogger(DocumentsResource.class);

    private static final String NDJSON = "application/x-ndjson";
    private static final JsonMapper JSON = JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

    private final MutinyEmitter<byte[]> emitter;
    private final Checkpoints checkpoints;

    DocumentsResource(@Channel("published") @OnOverflow(OnOverflow.Strategy.UNBOUNDED_BUFFER) MutinyEmitter<byte[]> emitter,
            Checkpoints checkpoints) {
        this.emitter = emitter;
        this.checkpoints = checkpoints;
    }

    /**
     * What became of a publication.
     *
     * @param accepted documents that the broker has
     */
    public record Published(int accepted, List<Rejected> rejected) {}

    /**
     * @param line from 1; of an array, the element
     * @param reason what was wrong and what is allowed
     */
    public record Rejected(int line, String reason) {}

    /** An ID a line; blank lines are passed over. */
    @POST
    @Changes
    @Consumes(MediaType.TEXT_PLAIN)
    public Response publishText(String body) {
        return publish(body.lines()
                .map(line -> line.isBlank() ? null : (Entry) () -> JsonNodeFactory.instance.textNode(line))
                .toList());
    }

    /** A string, an object, or an array of them. */
    @POST
    @Changes
    @Consumes(MediaType.APPLICATION_JSON)
    public Response publishJson(String body) {
        JsonNode json;
        try {
            json = parse(body);
        } catch (InvalidDocumentException e) {
            return Response.status(Response.Status.BAD_REQUEST).entity(new ErrorAnswer("the body " + e.getMessage())).build();
        }
        List<Entry> entries = new ArrayList<>();
        for (JsonNode element : json.isArray() ? json : List.of(json)) {
            entries.add(() -> element);
        }
        return publish(entries);
    }

    /** A string or an object a line; blank lines are passed over. */
    @POST
    @Changes
    @Consumes(NDJSON)
    public Response publishLines(String body) {
        return publish(body.lines().map(line -> line.isBlank() ? null : (Entry) () -> parse(line)).toList());
    }

    /** One thing to publish; null stands for a blank line, which counts as a line. */
    @FunctionalInterface
    private interface Entry {
        JsonNode json() throws InvalidDocumentException;
    }

    private Response publish(List<Entry> entries) {
        List<Uni<Void>> sent = new ArrayList<>();
        List<Rejected> rejected = new ArrayList<>();
        for (int i = 0; i < entries.size(); i++) {
            if (entries.get(i) == null) {
                continue;
            }
            try {
                JsonNode json = entries.get(i).json();
                sent.add(send(RecordDecoder.document(json), json));
            } catch (InvalidDocumentException e) {
                rejected.add(new Rejected(i + 1, e.getMessage()));
            }
        }
        try {
            if (!sent.isEmpty()) {
                Uni.combine().all().unis(sent).discardItems().await().indefinitely();
            }
        } catch (RuntimeException e) {
            LOG.warnf("Publishing %d documents failed: %s", sent.size(), e.getMessage());
            return Response.status(Response.Status.SERVICE_UNAVAILABLE).entity(new ErrorAnswer(
                    "the broker did not confirm all of them; publish them again later, what is done by then is skipped")).build();
        }
        return Response.accepted(new Published(sent.size(), rejected)).build();
    }

    /** An ID goes out as an object too: as bare text it could begin like JSON. */
    private Uni<Void> send(Document document, JsonNode json) {
        JsonNode value = json.isObject() ? json : JsonNodeFactory.instance.objectNode().put("id", document.id());
        return emitter.sendMessage(Message.of(value.toString().getBytes(StandardCharsets.UTF_8))
                .addMetadata(OutgoingKafkaRecordMetadata.builder().withKey(document.id()).build()));
    }

    private static JsonNode parse(String text) throws InvalidDocumentException {
        try {
            JsonNode json = JSON.readTree(text);
            if (json.isMissingNode()) {
                throw new InvalidDocumentException("is empty; it must hold a JSON string, an object with an id, or an array of them");
            }
            return json;
        } catch (JsonProcessingException e) {
            throw new InvalidDocumentException("is not JSON: line %d, column %d"
                    .formatted(e.getLocation().getLineNr(), e.getLocation().getColumnNr()));
        }
    }

    /** What the checkpoints of this process hold of a document. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Known(String id, String status, String source, Instant ts, List<StepOutput> steps, JsonNode result, Usage usage,
            Failure error) {}

    @GET
    @Path("{id:.+}")
    public Response find(@PathParam("id") String id) {
        History history = checkpoints.find(id);
        if (history.isEmpty()) {
            return Response.status(Response.Status.NOT_FOUND)
                    .entity(new ErrorAnswer("no checkpoint that this process holds knows this document")).build();
        }
        List<StepOutput> steps = List.copyOf(history.steps().values());
        return Response.ok(switch (history.last()) {
            case CheckpointLine.Done done ->
                new Known(id, "done", done.source(), done.ts(), done.steps(), done.result(), done.usage(), null);
            case CheckpointLine.Failed failed ->
                new Known(id, "failed", failed.source(), failed.ts(), steps, null, null, failed.error());
            case CheckpointLine.Forgotten forgotten when steps.isEmpty() ->
                new Known(id, "forgotten", forgotten.source(), forgotten.ts(), null, null, null, null);
            case null, default -> new Known(id, "unfinished", null, null, steps, null, null, null);
        }).build();
    }
}
