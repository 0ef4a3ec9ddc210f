package dev.pawl.checkpoint;

import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;

import com.fasterxml.jackson.databind.JsonNode;

import dev.pawl.checkpoint.CheckpointLine.StepOutput;

/**
 * What a chain answered. One that comes from a file is parsed when it is first asked for: most look-ups end with knowing that
 * there is one. Thread-safe.
 */
public final class Answer {

    private final Supplier<Answer> parser;
    private volatile Content content;

    private record Content(List<StepOutput> steps, JsonNode result) {}

    public Answer(List<StepOutput> steps, JsonNode result) {
        this.parser = null;
        this.content = new Content(steps, result);
    }

    /** @param parser gives the same whenever it is asked */
    Answer(Supplier<Answer> parser) {
        this.parser = parser;
    }

    List<StepOutput> steps() {
        return content().steps();
    }

    JsonNode result() {
        return content().result();
    }

    private Content content() {
        if (content == null) {
            content = parser.get().content();
        }
        return content;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Answer answer && content().equals(answer.content());
    }

    @Override
    public int hashCode() {
        return Objects.hash(content());
    }

    @Override
    public String toString() {
        return content().toString();
    }
}
