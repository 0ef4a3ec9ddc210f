package dev.pawl.checkpoint;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;

import dev.pawl.Failure;
import dev.pawl.Usage;

/**
 * One line of a checkpoint file: something that became true of a document and must stay so. {@link LineFormat} draws
 * the bytes.
 */
public sealed interface CheckpointLine {

    /** The document's ID, 1 to 512 bytes of UTF-8. */
    String id();

    /** When it became true; the epoch where a hand-written line does not say. */
    Instant ts();

    /** The record that led to it, as {@code topic-partition@offset}; null in a hand-written line. */
    String source();

    /**
     * Whether a record led to this that lies behind the other's in the same partition: records of one document are worked off in their
     * order there. False where that can't be told.
     */
    default boolean isOfLaterRecordThan(CheckpointLine other) {
        int at = source() == null ? -1 : source().lastIndexOf('@') + 1;
        if (at <= 0 || other.source() == null || !other.source().startsWith(source().substring(0, at))) {
            return false;
        }
        try {
            return Long.parseLong(source().substring(at)) > Long.parseLong(other.source().substring(at));
        } catch (NumberFormatException byHand) {
            return false;
        }
    }

    /** One step of a chain answered. Counts while {@code fingerprint} is still the step's. */
    record Step(String id, Instant ts, String source, StepOutput output) implements CheckpointLine {}

    /**
     * The chain ran to its end.
     *
     * @param fingerprint the chain's; null in a hand-written line
     * @param answer what {@link #steps} and {@link #result} read
     * @param durationMs milliseconds from taking the document up to its last answer, in the delivery that finished it
     */
    record Done(String id, Instant ts, String source, String fingerprint, Answer answer, Usage usage, long durationMs)
            implements CheckpointLine {

        /** As precise as the file is: an emission made before a restart and one made after it must be the same. */
        public Done {
            ts = ts.truncatedTo(ChronoUnit.MILLIS);
        }

        /**
         * What each step answered under which fingerprint, so that a changed chain can reuse the unchanged ones; the outputs
         * stand in the result and are not written twice.
         */
        public List<StepOutput> steps() {
            return answer.steps();
        }

        /** An object with a member a step; null in a hand-written line, and in one that has lost it by its age. */
        public JsonNode result() {
            return answer.result();
        }

        public boolean hasResult() {
            return answer.hasResult();
        }

        /** The result as a file holds it, JSON in UTF-8: the same for as long as there is one. There must be one. */
        public byte[] resultJson() {
            return answer.resultJson();
        }

        /** The models that answered, each once. */
        public List<String> models() {
            return answer.models();
        }

        /** Still done, with nothing to emit and no step to reuse. */
        Done withoutResult() {
            return new Done(id, ts, source, fingerprint, new Answer(List.of(), null), usage, durationMs);
        }
    }

    /** The document's own fault kept the chain from its end. */
    record Failed(String id, Instant ts, String source, Failure error) implements CheckpointLine {}

    /** A tombstone: nothing said of the document before counts any more. */
    record Forgotten(String id, Instant ts, String source) implements CheckpointLine {}

    /**
     * A step's answer.
     *
     * @param model the model that answered, by the name the endpoint gave
     */
    record StepOutput(String step, String fingerprint, String model, JsonNode output, Usage usage) {}
}
