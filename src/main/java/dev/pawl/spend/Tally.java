package dev.pawl.spend;

import dev.pawl.Usage;

/**
 * What some calls took.
 *
 * @param inputTokens tokens sent, as the endpoint counted them
 * @param outputTokens tokens received, as the endpoint counted them
 */
public record Tally(long calls, long inputTokens, long outputTokens) {

    static final Tally NONE = new Tally(0, 0, 0);

    static Tally of(Usage usage) {
        return new Tally(usage.calls(), usage.inputTokens(), usage.outputTokens());
    }

    public long tokens() {
        return inputTokens + outputTokens;
    }

    Tally plus(Tally other) {
        return new Tally(calls + other.calls, inputTokens + other.inputTokens, outputTokens + other.outputTokens);
    }

    Tally minus(Tally other) {
        return new Tally(calls - other.calls, inputTokens - other.inputTokens, outputTokens - other.outputTokens);
    }
}
