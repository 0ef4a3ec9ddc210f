package dev.pawl.http;

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
@RegisterForReflection(targets = {
        FailuresResource.Listed.class, FailuresResource.Open.class, FailuresResource.Entry.class, FailuresResource.Replayed.class,
        FailuresResource.Skipped.class })
@Produces(MediaType.APPLICATION_JSON)
@Blocking
public class FailuresResource {

    private static final int MAX_LIMIT = 1_000;
    private static final String ALLOWED = "{\"ids\":[…]}, {\"sources\":[…]}, {\"kind\":\"…\"} or {\"all\":true}";
    private static final JsonMapper JSON = JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

    private final Failures failures;

    FailuresResource(Failures failures) {
        this.failures = failures;
    }

    /**
     * @param complete whether {@code open} counts the whole topic; where it does not, the next call counts on
     * @param elsewhere partitions whose dead letters are not counted: ask the process that holds them
     * @param next the {@code after} of the next call; null where these are the last
     */
    public record Listed(Open open, boolean complete, Set<String> elsewhere, List<Entry> failures, String next) {}

    /** Dead letters whose documents have not got beyond them. */
    public record Open(int total, Map<String, Integer> kinds) {}

    /**
     * @param position in the dead-letter topic
     * @param id null where the record holds no document
     * @param source the record that failed
     * @param open null where this process does not hold the source's partition
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Entry(String position, String id, String key, String kind, String step, Integer attempts, String message, String source,
            Instant failedAt, Boolean open) {

        static Entry of(Failures.Entry entry) {
            DeadLetter letter = entry.letter();
            return new Entry(letter.position().toString(), letter.id(), letter.key(), letter.kind().text(), letter.step(), letter.attempts(),
                    letter.message(), letter.source().toString(), letter.failedAt(), entry.open());
        }
    }

    /** Says what is wrong with a request and what is allowed. */
    static final class BadRequestException extends Exception {
        BadRequestException(String message) {
            super(message, null, false, false);
        }
    }

    /**
     * A page of dead letters in the order of their positions.
     *
     * @param kind only these
     * @param after the {@code next} of the page before
     * @param limit the most entries
     * @param all whether those that are not open are listed as well
     */
    @GET
    public Response list(@QueryParam("kind") String kind, @QueryParam("after") String after,
            @QueryParam("limit") @DefaultValue("100") String limit, @QueryParam("all") @DefaultValue("false") String all) {
        return answered(() -> {
            Failures.Page page = failures.list(
                    kind == null ? null : kind("kind", kind),
                    after == null ? null : failures.position(after)
                            .orElseThrow(() -> refusal("after", after, "the next or the position of an answer of GET /failures")),
                    limit(limit),
                    flag("all", all));
            Map<String, Integer> kinds = new LinkedHashMap<>();
            page.kinds().forEach((each, count) -> kinds.put(each.text(), count));
            int total = kinds.values().stream().mapToInt(Integer::intValue).sum();
            return Response.ok(new Listed(new Open(total, kinds), page.complete(), new TreeSet<>(page.elsewhere()),
                    page.entries().stream().map(Entry::of).toList(), page.next() == null ? null : page.next().toString())).build();
        });
    }

    /**
     * @param replayed records that the broker has again
     * @param skipped IDs and sources that were named and not replayed
     * @param complete whether the selection was worked off; where it was not, the same call again goes on
     * @param elsewhere partitions whose dead letters are not looked at: ask the process that holds them
     */
    public record Replayed(int replayed, List<Skipped> skipped, boolean complete, Set<String> elsewhere) {}

    /** @param of each by its ID or, where that is not known, its source */
    public record Skipped(String reason, int count, List<String> of) {}

    /** Publishes the records of open dead letters again: {@code {"ids":[…]}}, {@code {"sources":[…]}}, {@code {"kind":"…"}}, {@code {"all":true}}. */
    @POST
    @Path("replay")
    @Changes
    @Consumes(MediaType.APPLICATION_JSON)
    public Response replay(String body) {
        return answered(() -> {
            Failures.Replayed replayed = failures.replay(selection(body));
            List<Skipped> skipped = new ArrayList<>();
            replayed.skipped().forEach((reason, of) -> skipped.add(new Skipped(reason, of.size(), of)));
            return Response.accepted(new Replayed(replayed.replayed(), skipped, replayed.complete(), new TreeSet<>(replayed.elsewhere())))
                    .build();
        });
    }

    @FunctionalInterface
    private interface Call {
        Response answer() throws BadRequestException;
    }

    private static Response answered(Call call) {
        try {
            return call.answer();
        } catch (BadRequestException e) {
            return Response.status(Response.Status.BAD_REQUEST).entity(new ErrorAnswer(e.getMessage())).build();
        } catch (Failures.UnavailableException e) {
            return Response.status(Response.Status.SERVICE_UNAVAILABLE).entity(new ErrorAnswer(e.getMessage())).build();
        }
    }

    static Selection selection(String body) throws BadRequestException {
        JsonNode json;
        try {
            json = JSON.readTree(body);
        } catch (JsonProcessingException e) {
            throw new BadRequestException("the body is not JSON: line %d, column %d; %s"
                    .formatted(e.getLocation().getLineNr(), e.getLocation().getColumnNr(), ALLOWED));
        }
        if (!json.isObject() || json.size() != 1) {
            throw new BadRequestException("the body must be an object with one member: " + ALLOWED);
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
            default -> throw new BadRequestException("the body has a member %s; it must be one of: %s".formatted(name, ALLOWED));
        };
    }

    private static List<String> strings(String name, JsonNode value) throws BadRequestException {
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

    private static Failure.Kind kind(String name, String text) throws BadRequestException {
        return Stream.of(Failure.Kind.values()).filter(kind -> kind.text().equals(text)).findFirst()
                .orElseThrow(() -> refusal(name, text,
                        Stream.of(Failure.Kind.values()).map(Failure.Kind::text).collect(Collectors.joining(", ", "one of ", ""))));
    }

    static int limit(String text) throws BadRequestException {
        int limit = text.matches("\\d{1,9}") ? Integer.parseInt(text) : 0;
        if (limit < 1 || limit > MAX_LIMIT) {
            throw refusal("limit", text, "a whole number from 1 to " + MAX_LIMIT);
        }
        return limit;
    }

    static boolean flag(String name, String text) throws BadRequestException {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw refusal(name, text, "true or false");
        };
    }

    private static BadRequestException refusal(String name, Object value, String allowed) {
        return new BadRequestException("%s = %s is not allowed: %s".formatted(name, value, allowed));
    }
}
