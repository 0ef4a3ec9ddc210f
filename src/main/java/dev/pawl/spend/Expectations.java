package dev.pawl.spend;

import java.util.HashMap;
import java.util.Map;

/**
 * What a call of a step is expected to take: the mean of those before, the last thousand or so weighing most. Not thread-safe.
 */
final class Expectations {

    /** Long enough to be steady, short enough to follow when prompts or documents change. */
    private static final int MEMORY_CALLS = 1_000;

    private static final class Mean {
        private long calls;
        private double inputTokens;
        private double outputTokens;

        private void learn(Tally tally) {
            calls = Math.min(calls + tally.calls(), Math.max(MEMORY_CALLS, tally.calls()));
            double weight = (double) tally.calls() / calls;
            inputTokens += ((double) tally.inputTokens() / tally.calls() - inputTokens) * weight;
            outputTokens += ((double) tally.outputTokens() / tally.calls() - outputTokens) * weight;
        }
    }

    private final Map<String, Integer> maxOutputTokens;
    private final Map<String, Mean> means = new HashMap<>();

    /** @param maxOutputTokens of the steps that have a bound */
    Expectations(Map<String, Integer> maxOutputTokens) {
        this.maxOutputTokens = Map.copyOf(maxOutputTokens);
    }

    /** @param tally of at least one call */
    void learn(String step, Tally tally) {
        means.computeIfAbsent(step, _ -> new Mean()).learn(tally);
    }

    /** Whether a call of the step was ever answered. */
    boolean know(String step) {
        return means.containsKey(step);
    }

    /** Before the first answer of a step, what the dearest of the others takes; before any, its bound on output tokens. */
    Tally of(String step) {
        Mean mean = means.get(step);
        double inputTokens = mean != null ? mean.inputTokens : means.values().stream().mapToDouble(other -> other.inputTokens).max().orElse(0);
        double outputTokens = mean != null ? mean.outputTokens
                : means.values().stream().mapToDouble(other -> other.outputTokens).max().orElse(maxOutputTokens.getOrDefault(step, 0));
        return new Tally(1, (long) Math.ceil(inputTokens),
                Math.min((long) Math.ceil(outputTokens), maxOutputTokens.getOrDefault(step, Integer.MAX_VALUE)));
    }
}
