package dev.pawl.http;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

import org.eclipse.microprofile.openapi.annotations.media.Schema;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;

import dev.pawl.Failure;
import dev.pawl.Usage;
import dev.pawl.checkpoint.CheckpointLine;
import dev.pawl.checkpoint.CheckpointLine.StepOutput;
import dev.pawl.checkpoint.Trace;
import io.quarkus.runtime.annotations.RegisterForReflection;

/** What the checkpoints of this process hold of a document. */
@RegisterForReflection
@JsonInclude(JsonInclude.Include.NON_NULL)
@Schema(name = "KnownDocument", description = "What the checkpoints of this process hold of a document.")
public record KnownDocument(
        @Schema(description = "The document's ID.", examples = "doc-0847") String id,
        @Schema(description = "done, failed, forgotten, or unfinished: some of its steps are answered.", examples = "done") String status,
        @Schema(description = "The record that led to this status; missing where it is unfinished.", examples = "documents-3@847") String source,
        @Schema(description = "When it came to this status.") Instant ts,
        @Schema(description = "The steps that are answered, in the order of the chain where it is done.") List<Step> steps,
        @Schema(implementation = Object.class, description = "Of a done document, an object with a member a step; missing where it is not kept any more.")
        JsonNode result,
        @Schema(description = "What its steps took, over all lives.") Tokens usage,
        @Schema(description = "Milliseconds from taking the document up to its last answer, in the delivery that finished it.") Long durationMs,
        @Schema(description = "Why it failed.") Error error,
        @Schema(description = "Where its last word stands.") Place checkpoint,
        @Schema(description = "How it came to this, the oldest first: what its lines tell. Compaction removes those that do not count any more.")
        List<Event> way) {

    @RegisterForReflection
    @JsonInclude(JsonInclude.Include.NON_NULL)
    @Schema(name = "KnownStep", description = "A step's answer.")
    public record Step(
            @Schema(description = "The step's name.", examples = "summary") String step,
            @Schema(description = "Of the prompt, model, parameters and output format it was called with.") String fingerprint,
            @Schema(description = "The model that answered, by the name the endpoint gave.") String model,
            @Schema(implementation = Object.class, description = "The answer.") JsonNode output,
            @Schema(description = "What its calls took.") Tokens usage) {

        private static Step of(StepOutput output) {
            return new Step(output.step(), output.fingerprint(), output.model(), output.output(), Tokens.of(output.usage()));
        }
    }

    @RegisterForReflection
    @Schema(name = "KnownUsage", description = "What model calls took.")
    public record Tokens(
            @Schema(description = "Calls, repeated ones included.") int calls,
            @Schema(description = "Tokens sent.") long inputTokens,
            @Schema(description = "Tokens received.") long outputTokens) {

        private static Tokens of(Usage usage) {
            return new Tokens(usage.calls(), usage.inputTokens(), usage.outputTokens());
        }
    }

    @RegisterForReflection
    @JsonInclude(JsonInclude.Include.NON_NULL)
    @Schema(name = "KnownError", description = "Why a document failed.")
    public record Error(
            @Schema(description = "What sort of fault: see the README.", examples = "invalid-output") String kind,
            @Schema(description = "The step it happened in; missing before the first.") String step,
            @Schema(description = "What was wrong, without a word of the document's text.") String message,
            @Schema(description = "Calls or readings made before giving up.") int attempts) {

        private static Error of(Failure failure) {
            return new Error(failure.kind().text(), failure.step(), failure.message(), failure.attempts());
        }
    }

    @RegisterForReflection
    @Schema(name = "CheckpointPlace", description = "Where a line stands in the checkpoint.")
    public record Place(
            @Schema(description = "The file.", examples = "documents-3.jsonl") String file,
            @Schema(description = "The offset of the line's first byte: tail -c +(offset+1) FILE | head -n 1.") long offset) {

        private static Place of(Trace.Entry entry) {
            return new Place(entry.file().getFileName().toString(), entry.offset());
        }
    }

    @RegisterForReflection
    @JsonInclude(JsonInclude.Include.NON_NULL)
    @Schema(name = "KnownEvent", description = "Something that became true of the document.")
    public record Event(
            @Schema(description = "When.") Instant at,
            @Schema(description = "taken, step, done, failed or forgotten.") String what,
            @Schema(description = "Of a step or a failure in one, the step.") String step,
            @Schema(description = "Milliseconds since it was taken, or since the step before; missing where that is not known.") Long durationMs,
            @Schema(description = "Calls that a step took, or a failure.") Integer attempts,
            @Schema(description = "What a step's calls took.") Tokens usage,
            @Schema(description = "The record that led to it.") String source,
            @Schema(description = "Where its line stands; missing of what no line says by itself.") Place checkpoint) {}

    static KnownDocument of(String id, Trace trace) {
        List<Step> steps = trace.history().steps().values().stream().map(Step::of).toList();
        List<Event> way = way(trace.entries());
        Place place = trace.entries().isEmpty() ? null : Place.of(trace.entries().getLast());
        return switch (trace.history().last()) {
            case CheckpointLine.Done done -> new KnownDocument(id, "done", done.source(), done.ts(), done.steps().stream().map(Step::of).toList(),
                    done.result(), Tokens.of(done.usage()), done.durationMs(), null, place, way);
            case CheckpointLine.Failed failed -> new KnownDocument(id, "failed", failed.source(), failed.ts(), steps, null, null, null,
                    Error.of(failed.error()), place, way);
            case CheckpointLine.Forgotten forgotten when steps.isEmpty() ->
                new KnownDocument(id, "forgotten", forgotten.source(), forgotten.ts(), null, null, null, null, null, place, way);
            case null, default -> new KnownDocument(id, "unfinished", null, null, steps, null, null, null, null, place, way);
        };
    }

    // ---- Its way ----

    /**
     * The lines tell when each step was answered. How long a step took is the time since the one before, or since the document was taken: that
     * the done line tells. The last step's answer has no line of its own; the done line is its as well.
     */
    private static List<Event> way(List<Trace.Entry> entries) {
        List<Event> way = new ArrayList<>();
        Instant before = null;
        for (int i = 0; i < entries.size(); i++) {
            Trace.Entry entry = entries.get(i);
            CheckpointLine line = entry.line();
            Instant taken = takenBefore(entries, i);
            if (taken != null && (before == null || before.isBefore(taken))) {
                way.add(new Event(taken, "taken", null, null, null, null, line.source(), null));
                before = taken;
            }
            Long durationMs = before == null ? null : Duration.between(before, line.ts()).toMillis();
            before = line.ts();
            switch (line) {
                case CheckpointLine.Step step -> way.add(answered(step.output(), entry, durationMs));
                case CheckpointLine.Done done -> {
                    if (!done.steps().isEmpty()) {
                        way.add(answered(done.steps().getLast(), entry, durationMs));
                    }
                    way.add(new Event(done.ts(), "done", null, null, null, null, done.source(), Place.of(entry)));
                }
                case CheckpointLine.Failed failed -> way.add(new Event(failed.ts(), "failed", failed.error().step(), durationMs,
                        failed.error().attempts(), null, failed.source(), Place.of(entry)));
                case CheckpointLine.Forgotten forgotten ->
                    way.add(new Event(forgotten.ts(), "forgotten", null, null, null, null, forgotten.source(), Place.of(entry)));
            }
        }
        return way;
    }

    private static Event answered(StepOutput output, Trace.Entry entry, Long durationMs) {
        return new Event(entry.line().ts(), "step", output.step(), durationMs, output.usage().calls(), Tokens.of(output.usage()),
                entry.line().source(), Place.of(entry));
    }

    /** When the delivery took the document up that led to this line; null where no done line of it tells, or it was taken up after. */
    private static Instant takenBefore(List<Trace.Entry> entries, int index) {
        for (Trace.Entry entry : entries.subList(index, entries.size())) {
            if (entry.line() instanceof CheckpointLine.Done done) {
                Instant taken = done.ts().minusMillis(done.durationMs());
                boolean same = done.source() != null && done.source().equals(entries.get(index).line().source());
                return same && done.durationMs() > 0 && !entries.get(index).line().ts().isBefore(taken) ? taken : null;
            }
        }
        return null;
    }
}
