package dev.pawl.http;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.Response.Status;

import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.security.SecurityRequirement;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

import dev.pawl.Failure;
import dev.pawl.failures.DeadLetter;
import dev.pawl.failures.Failures;
import dev.pawl.failures.Selection;
import dev.pawl.failures.TopicPosition;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.smallrye.common.annotation.Blocking;

/** Dead letters: which there are, and publishing their records again. */
@Path("/failures")
@Produces(MediaType.APPLICATION_JSON)
@Blocking
@Tag(name = "Failures")
public class FailuresResource {

    private static final int MAX_LIMIT = 1_000;
    private static final String ALLOWED = "{\"ids\":[…]}, {\"sources\":[…]}, {\"kind\":\"…\"} or {\"all\":true}";
    private static final JsonMapper JSON = JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

    private final Failures failures;
    private final BodyLimits limits;

    FailuresResource(Failures failures, BodyLimits limits) {
        this.failures = failures;
        this.limits = limits;
    }

    @RegisterForReflection
    @Schema(name = "FailureList", description = "A page of dead letters.")
    public record Listed(
            @Schema(description = "Dead letters whose documents have not got beyond them.") Open open,
            @Schema(description = "Whether open counts the whole topic; where it does not, the next call counts on.") boolean complete,
            @Schema(description = "Partitions whose dead letters are not counted: ask the process that holds them.") Set<String> elsewhere,
            @Schema(description = "In the order of their positions.") List<Entry> failures,
            @Schema(description = "The after of the next call; null where these are the last.", nullable = true) String next) {}

    @RegisterForReflection
    @Schema(name = "FailureCounts", description = "Open dead letters.")
    public record Open(
            @Schema(description = "In all.") int total,
            @Schema(description = "By kind.") Map<String, Integer> kinds) {}

    @RegisterForReflection
    @JsonInclude(JsonInclude.Include.NON_NULL)
    @Schema(name = "Failure", description = "A dead letter.")
    public record Entry(
            @Schema(description = "In the dead-letter topic.", examples = "document-dead-letters-0@4") String position,
            @Schema(description = "The document's ID; missing where the record holds no document.") String id,
            @Schema(description = "The record's key.") String key,
            @Schema(description = "What sort of fault: see the README.", examples = "invalid-output") String kind,
            @Schema(description = "The step it happened in.") String step,
            @Schema(description = "Calls or readings made before giving up.") Integer attempts,
            @Schema(description = "What was wrong, without a word of the document's text.") String message,
            @Schema(description = "The record that failed.", examples = "documents-3@848") String source,
            @Schema(description = "When.") Instant failedAt,
            @Schema(description = "Whether the document has not got beyond it; missing where this process does not hold the source's partition.")
            Boolean open) {

        static Entry of(Failures.Entry entry) {
            DeadLetter letter = entry.letter();
            return new Entry(letter.position().toString(), letter.id(), letter.key(), letter.kind().text(), letter.step(), letter.attempts(),
                    letter.message(), letter.source().toString(), letter.failedAt(), entry.open());
        }
    }

    /** A page of dead letters in the order of their positions. */
    @GET
    @Operation(operationId = "failures", summary = "Dead letters, page by page", description = "Those that are open, unless all are asked for.")
    @APIResponse(responseCode = "200", description = "A page, and how many there are.")
    @APIResponse(responseCode = "400", ref = "BadRequest")
    @APIResponse(responseCode = "503", ref = "Unavailable")
    public Listed list(
            @Parameter(description = "Only these.") @QueryParam("kind") String kind,
            @Parameter(description = "The next of the page before.") @QueryParam("after") String after,
            @Parameter(description = "The most entries, from 1 to 1,000.") @QueryParam("limit") @DefaultValue("100") String limit,
            @Parameter(description = "Whether those that are not open are listed as well.") @QueryParam("all") @DefaultValue("false") String all) {
        Failures.Page page = failures.list(
                kind == null ? null : kind("kind", kind),
                after == null ? null : failures.position(after)
                        .orElseThrow(() -> refusal("after", after, "the next or the position of an answer of GET /failures")),
                limit(limit),
                flag("all", all));
        Map<String, Integer> kinds = new LinkedHashMap<>();
        page.kinds().forEach((each, count) -> kinds.put(each.text(), count));
        int total = kinds.values().stream().mapToInt(Integer::intValue).sum();
        return new Listed(new Open(total, kinds), page.complete(), new TreeSet<>(page.elsewhere()),
                page.entries().stream().map(Entry::of).toList(), page.next() == null ? null : page.next().toString());
    }

    @RegisterForReflection
    @Schema(name = "Replayed", description = "What became of a replay.")
    public record Replayed(
            @Schema(description = "Records that the broker has again.") int replayed,
            @Schema(description = "IDs and sources that were named and not replayed.") List<Skipped> skipped,
            @Schema(description = "Whether the selection was worked off; where it was not, the same call again goes on.") boolean complete,
            @Schema(description = "Partitions whose dead letters are not looked at: ask the process that holds them.") Set<String> elsewhere) {}

    @RegisterForReflection
    @Schema(name = "NotReplayed", description = "What was not replayed, and why.")
    public record Skipped(
            @Schema(description = "Why.", examples = "done") String reason,
            @Schema(description = "How many.") int count,
            @Schema(description = "Each by its ID or, where that is not known, its source.") List<String> of) {}

    /** Describes what {@link #replay} takes; it is read without this. */
    @Schema(name = "Selection", description = "One of the four members.", minProperties = 1, maxProperties = 1)
    interface SentSelection {

        @Schema(description = "Those of these documents.")
        List<String> getIds();

        @Schema(description = "Those of these records: the only name of a record that holds no document.", examples = "[\"documents-3@847\"]")
        List<String> getSources();

        @Schema(description = "Those of this kind.", examples = "invalid-output")
        String getKind();

        @Schema(description = "All of them: true.")
        Boolean getAll();
    }

    /** Publishes the records of open dead letters again: {@code {"ids":[…]}}, {@code {"sources":[…]}}, {@code {"kind":"…"}}, {@code {"all":true}}. */
    @POST
    @Path("replay")
    @Changes
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(operationId = "replay", summary = "Publishes the records of open dead letters again",
            description = "As they were received, each once. They run again and reuse their finished steps. Ends after some ten seconds.")
    @RequestBody(required = true, content = @Content(mediaType = MediaType.APPLICATION_JSON, schema = @Schema(implementation = SentSelection.class)))
    @APIResponse(responseCode = "202", description = "The broker has them.", content = @Content(schema = @Schema(implementation = Replayed.class)))
    @APIResponse(responseCode = "400", ref = "BadRequest")
    @APIResponse(responseCode = "401", ref = "Unauthorized")
    @APIResponse(responseCode = "403", ref = "Forbidden")
    @APIResponse(responseCode = "413", ref = "TooLarge")
    @APIResponse(responseCode = "415", ref = "UnsupportedMediaType")
    @APIResponse(responseCode = "503", ref = "Unavailable")
    @SecurityRequirement(name = "token")
    public Response replay(InputStream body) {
        Failures.Replayed replayed = failures.replay(selection(new String(limits.whole(body), StandardCharsets.UTF_8)));
        List<Skipped> skipped = new ArrayList<>();
        replayed.skipped().forEach((reason, of) -> skipped.add(new Skipped(reason, of.size(), of)));
        return Response.accepted(new Replayed(replayed.replayed(), skipped, replayed.complete(), new TreeSet<>(replayed.elsewhere()))).build();
    }

    static Selection selection(String body) {
        JsonNode json;
        try {
            json = JSON.readTree(body);
        } catch (JsonProcessingException e) {
            throw new ProblemException(Status.BAD_REQUEST, "the body is not JSON: line %d, column %d; %s"
                    .formatted(e.getLocation().getLineNr(), e.getLocation().getColumnNr(), ALLOWED));
        }
        if (!json.isObject() || json.size() != 1) {
            throw new ProblemException(Status.BAD_REQUEST, "the body must be an object with one member: " + ALLOWED);
        }
        Map.Entry<String, JsonNode> member = json.properties().iterator().next();
        String name = member.getKey();
        JsonNode value = member.getValue();
        return switch (name) {
            case "ids" -> new Selection.Ids(new LinkedHashSet<>(strings(name, value)));
            case "sources" -> {
                Set<TopicPosition> sources = new LinkedHashSet<>();
                for (String source : strings(name, value)) {
                    sources.add(TopicPosition.parse(source).orElseThrow(
                            () -> refusal(name, source, "each is the source of a failed record, such as documents-3@847")));
                }
                yield new Selection.Sources(sources);
            }
            case "kind" -> new Selection.OfKind(kind(name, value.isTextual() ? value.asText() : value.toString()));
            case "all" -> {
                if (!value.isBoolean() || !value.asBoolean()) {
                    throw refusal(name, value, "true");
                }
                yield new Selection.All();
            }
            default -> throw new ProblemException(Status.BAD_REQUEST, "the body has a member %s; it must be one of: %s".formatted(name, ALLOWED));
        };
    }

    private static List<String> strings(String name, JsonNode value) {
        List<String> strings = new ArrayList<>();
        for (JsonNode element : value) {
            if (!element.isTextual()) {
                throw refusal(name, element, "each is a string");
            }
            strings.add(element.asText());
        }
        if (!value.isArray() || strings.isEmpty()) {
            throw refusal(name, value, "an array of strings, at least one");
        }
        return strings;
    }

    private static Failure.Kind kind(String name, String text) {
        return Stream.of(Failure.Kind.values()).filter(kind -> kind.text().equals(text)).findFirst()
                .orElseThrow(() -> refusal(name, text,
                        Stream.of(Failure.Kind.values()).map(Failure.Kind::text).collect(Collectors.joining(", ", "one of ", ""))));
    }

    static int limit(String text) {
        int limit = text.matches("\\d{1,9}") ? Integer.parseInt(text) : 0;
        if (limit < 1 || limit > MAX_LIMIT) {
            throw refusal("limit", text, "a whole number from 1 to " + MAX_LIMIT);
        }
        return limit;
    }

    static boolean flag(String name, String text) {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw refusal(name, text, "true or false");
        };
    }

    private static ProblemException refusal(String name, Object value, String allowed) {
        return new ProblemException(Status.BAD_REQUEST, "%s = %s is not allowed: %s".formatted(name, value, allowed));
    }
}
