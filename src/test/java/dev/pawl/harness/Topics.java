package dev.pawl.harness;

import java.util.Map;

/** The topics of one test, each of {@code partitions} partitions; Pawl makes the mirror's where it needs one. */
public record Topics(String documents, String results, String deadLetters, int partitions) {

    public String checkpoint() {
        return documents.replaceFirst("documents", "document-checkpoint");
    }

    /** What tells Pawl to use them. */
    public Map<String, String> config() {
        return Map.of(
                "pawl.topics.documents", documents,
                "pawl.topics.results", results,
                "pawl.topics.dead-letters", deadLetters,
                "pawl.topics.checkpoint", checkpoint());
    }
}
