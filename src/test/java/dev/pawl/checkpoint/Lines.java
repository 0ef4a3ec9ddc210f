package dev.pawl.checkpoint;

import java.time.Instant;
import java.util.List;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.TextNode;

import dev.pawl.Failure;
import dev.pawl.Usage;
import dev.pawl.checkpoint.CheckpointLine.Done;
import dev.pawl.checkpoint.CheckpointLine.Failed;
import dev.pawl.checkpoint.CheckpointLine.Forgotten;
import dev.pawl.checkpoint.CheckpointLine.Step;
import dev.pawl.checkpoint.CheckpointLine.StepOutput;

/** Lines such as the product writes. */
final class Lines {

    private static final JsonMapper JSON = new JsonMapper();

    static final Instant TS = Instant.parse("2026-11-23T09:35:12.345Z");

    private Lines() {
    }

    static Step step(String id, String step, String output) {
        return new Step(id, TS, "documents-3@847", output(step, TextNode.valueOf(output)));
    }

    static StepOutput output(String step, JsonNode output) {
        return new StepOutput(step, "5b1e", "gpt-4o-mini", output, new Usage(1, 700, 60));
    }

    static Done done(String id) {
        return done(id, TS, "a summary");
    }

    static Done done(String id, Instant ts, String summary) {
        TextNode output = TextNode.valueOf(summary);
        return new Done(id, ts, "documents-3@847", "7f3a", new Answer(List.of(output("summary", output)),
                JSON.createObjectNode().set("summary", output)), new Usage(1, 700, 60), 2790);
    }

    static Failed failed(String id) {
        return failed(id, TS);
    }

    static Failed failed(String id, Instant ts) {
        return new Failed(id, ts, "documents-3@848", new Failure(Failure.Kind.INVALID_OUTPUT, "entities", "not JSON", 3));
    }

    static Forgotten forgotten(String id) {
        return forgotten(id, TS);
    }

    static Forgotten forgotten(String id, Instant ts) {
        return new Forgotten(id, ts, "documents-3@901");
    }

    static JsonNode json(String json) {
        try {
            return JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }
}
