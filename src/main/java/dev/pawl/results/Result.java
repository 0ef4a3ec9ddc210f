package dev.pawl.results;

import java.util.stream.Collectors;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;

import dev.pawl.Usage;
import dev.pawl.checkpoint.CheckpointLine;
import dev.pawl.checkpoint.CheckpointLine.StepOutput;
import io.quarkus.runtime.annotations.RegisterForReflection;

/**
 * The value of a record on the results topic, made from a line of the checkpoint alone.
 *
 * @param model the models that answered, with commas between; null where the line names none
 * @param durationMs milliseconds
 * @param completedAt ISO-8601; the epoch where a hand-written line does not say
 */
@RegisterForReflection
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Result(String id, String source, String fingerprint, String model, JsonNode result, Usage usage, long durationMs,
        String completedAt) {

    public static Result of(CheckpointLine.Done line) {
        String model = line.steps().stream().map(StepOutput::model).distinct().collect(Collectors.joining(", "));
        return new Result(line.id(), line.source(), line.fingerprint(), model.isEmpty() ? null : model,
                line.result(), line.usage(), line.durationMs(), line.ts().toString());
    }
}
