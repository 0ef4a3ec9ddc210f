package dev.pawl.checkpoint;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

import com.fasterxml.jackson.databind.JsonNode;

import dev.pawl.checkpoint.CheckpointLine.StepOutput;

/**
 * What a chain answered. One that comes from a file is parsed when it is first asked for: most look-ups end with knowing that
 * there is one, and what is emitted again is copied as it stands. Thread-safe.
 */
public final class Answer {

    /** The line it stands in, from the comma before its first member up to the one behind the last; null where it comes from no file. */
    private final byte[] line;
    private final int from;
    private final int to;
    private volatile Content content;

    private record Content(List<StepOutput> steps, JsonNode result) {}

    public Answer(List<StepOutput> steps, JsonNode result) {
        this(null, 0, 0, new Content(steps, result));
    }

    /** As {@link LineFormat#encode} writes it. The line must not change any more. */
    Answer(byte[] line, int from, int to) {
        this(line, from, to, null);
    }

    private Answer(byte[] line, int from, int to, Content content) {
        this.line = line;
        this.from = from;
        this.to = to;
        this.content = content;
    }

    List<StepOutput> steps() {
        return content().steps();
    }

    JsonNode result() {
        return content().result();
    }

    boolean hasResult() {
        return resultStart() > 0 || result() != null;
    }

    /** The result as JSON in UTF-8, as it stands in a file. There must be one. */
    byte[] resultJson() {
        int start = resultStart();
        return start > 0 ? Arrays.copyOfRange(line, start, to) : LineFormat.json(result());
    }

    /** The models that answered; without parsing the result, if that can be avoided. */
    List<String> models() {
        int start = content == null ? resultStart() : -1;
        List<String> models = new ArrayList<>(1);
        for (StepOutput step : start > 0 ? LineFormat.steps(line, from, start) : steps()) {
            if (step.model() != null && !models.contains(step.model())) {
                models.add(step.model());
            }
        }
        return models;
    }

    /** Negative where there is no line, or another program's. */
    private int resultStart() {
        return line == null ? -1 : LineFormat.resultStart(line, from, to);
    }

    private Content content() {
        if (content == null) {
            content = LineFormat.answer(line, from, to).content();
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
