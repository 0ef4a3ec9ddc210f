package dev.pawl.harness;

import java.util.Map;

/** The three topics of one test, each of {@code partitions} partitions. */
public record Topics(String documents, String results, String deadLetters, int partitions) {

    /** What tells Pawl to use them. */
    public Map<String, String> config() {
        return Map.of(
                "pawl.topics.documents", documents,
                "pawl.topics.results", results,
                "pawl.topics.dead-letters", deadLetters);
    }
}
