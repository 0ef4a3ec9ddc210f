package dev.pawl.results;

import java.nio.charset.StandardCharsets;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonRawValue;

import dev.pawl.Usage;
import dev.pawl.checkpoint.CheckpointLine;
import io.quarkus.runtime.annotations.RegisterForReflection;

/**
 * The value of a record on the results topic, made from a line of the checkpoint alone.
 *
 * @param model the models that answered, with commas between; null where the line names none
 * @param result JSON, as the checkpoint holds it
 * @param durationMs milliseconds
 * @param completedAt ISO-8601; the epoch where a hand-written line does not say
 */
@RegisterForReflection
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Result(String id, String source, String fingerprint, String model, @JsonRawValue String result, Usage usage, long durationMs,
        String completedAt) {

    public static Result of(CheckpointLine.Done line) {
        String models = String.join(", ", line.models());
        return new Result(line.id(), line.source(), line.fingerprint(), models.isEmpty() ? null : models,
                line.hasResult() ? new String(line.resultJson(), StandardCharsets.UTF_8) : null, line.usage(), line.durationMs(), line.ts().toString());
    }
}
