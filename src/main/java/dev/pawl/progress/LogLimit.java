package dev.pawl.progress;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Map.Entry;
import java.util.stream.Collectors;

import jakarta.inject.Singleton;

/**
 * Bounds the lines of which there may be one a document: of each sort, the first {@value #LINES} after a {@link Summary} are logged one by
 * one, and the first of each kind, which a flood of another must not hide. All further are counted by kind for the next summary, a minute
 * later. Thread-safe.
 */
@Singleton
public final class LogLimit {

    static final int LINES = 20;
    /** Kinds are few, but some are made of what an endpoint says. */
    static final int MAX_KINDS = 30;
    private static final String OTHERS = "others";

    public enum Sort {
        DEAD_LETTERS("dead letters"),
        CALLS("calls that failed and are made again"),
        ATTEMPTS("readings and emissions that failed and are made again");

        private final String text;

        Sort(String text) {
            this.text = text;
        }
    }

    /** Of one sort, since the last summary. */
    private static final class Seen {
        private int logged;
        /** How many of each kind were not logged. */
        private final Map<String, Integer> counted = new HashMap<>();
    }

    private final Map<Sort, Seen> seen = new EnumMap<>(Sort.class);

    /** Whether the line may be logged; if not, it is counted. */
    public synchronized boolean permits(Sort sort, String kind) {
        Seen seen = this.seen.computeIfAbsent(sort, _ -> new Seen());
        boolean first = !seen.counted.containsKey(kind) && seen.counted.size() < MAX_KINDS;
        if (first) {
            seen.counted.put(kind, 0);
        }
        if (first || seen.logged < LINES) {
            seen.logged++;
            return true;
        }
        seen.counted.merge(seen.counted.containsKey(kind) ? kind : OTHERS, 1, Integer::sum);
        return false;
    }

    /** What was counted since the last summary, a line a sort; begins anew. */
    synchronized List<String> next() {
        List<String> lines = new ArrayList<>();
        seen.forEach((sort, seen) -> {
            int total = seen.counted.values().stream().mapToInt(Integer::intValue).sum();
            if (total > 0) {
                lines.add("Not logged one by one: %,d %s (%s)".formatted(total, sort.text, describe(seen.counted)));
            }
        });
        seen.clear();
        return lines;
    }

    /** The most frequent first. */
    private static String describe(Map<String, Integer> kinds) {
        return kinds.entrySet().stream()
                .filter(kind -> kind.getValue() > 0)
                .sorted(Comparator.comparing(Entry<String, Integer>::getValue).reversed().thenComparing(Entry::getKey))
                .map(kind -> "%,d %s".formatted(kind.getValue(), kind.getKey()))
                .collect(Collectors.joining(", "));
    }
}
