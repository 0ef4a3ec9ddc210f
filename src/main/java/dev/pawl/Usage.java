package dev.pawl;

import io.quarkus.runtime.annotations.RegisterForReflection;

/**
 * What model calls cost.
 *
 * @param calls answers received, those that had to be repaired included
 * @param inputTokens tokens sent, as the endpoint counted them
 * @param outputTokens tokens received, as the endpoint counted them
 */
@RegisterForReflection
public record Usage(int calls, long inputTokens, long outputTokens) {

    public static final Usage NONE = new Usage(0, 0, 0);

    public Usage plus(Usage other) {
        return new Usage(calls + other.calls, inputTokens + other.inputTokens, outputTokens + other.outputTokens);
    }
}
