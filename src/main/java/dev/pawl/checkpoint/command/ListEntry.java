package dev.pawl.checkpoint.command;

import com.fasterxml.jackson.databind.JsonNode;

/** What one line of a list to import says. */
sealed interface ListEntry {

    /** From 1. */
    long line();

    /**
     * A document that was done.
     *
     * @param ts null where the line has none
     * @param result null where the line has none
     */
    record Document(long line, String id, JsonNode ts, JsonNode result) implements ListEntry {}

    /** @param reason what is wrong and what is allowed, and nothing of the line */
    record Rejected(long line, String reason) implements ListEntry {}
}
