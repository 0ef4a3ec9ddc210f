package dev.pawl.progress;

import java.time.Duration;
import java.time.Instant;

/** Events in each of the last 60 seconds. Thread-safe. */
final class Rate {

    private static final int WINDOW_SECONDS = 60;
    /** Seconds that are compared with each other: calls that were made together are answered together. */
    private static final int GROUP_SECONDS = 5;
    private static final int FEWEST_GROUPS = 4;
    /** Where too little is known to say better. */
    private static final double UNKNOWN_FACTOR = 2;
    /** No minute says that a pace is so steady, or so unsteady. */
    private static final double LEAST_ERROR = 0.02;
    private static final double MOST_ERROR = 0.75;

    private final long[] seconds = new long[WINDOW_SECONDS];
    private final int[] counts = new int[WINDOW_SECONDS];

    /**
     * A pace, in events a minute.
     *
     * @param slow what it may as well be, as {@code fast}: two standard errors off
     */
    record Pace(double perMinute, double slow, double fast) {}

    synchronized void count(Instant now, int events) {
        int slot = slot(now.getEpochSecond());
        if (seconds[slot] != now.getEpochSecond()) {
            seconds[slot] = now.getEpochSecond();
            counts[slot] = 0;
        }
        counts[slot] += events;
    }

    private static int slot(long second) {
        return (int) (second % WINDOW_SECONDS);
    }

    private int at(long second) {
        return seconds[slot(second)] == second ? counts[slot(second)] : 0;
    }

    synchronized double perMinute(Instant since, Instant now) {
        long events = 0;
        for (int age = 0; age < WINDOW_SECONDS; age++) {
            events += at(now.getEpochSecond() - age);
        }
        double windowSeconds = Math.clamp(Duration.between(since, now).toMillis() / 1000.0, 1, WINDOW_SECONDS);
        return events * 60 / windowSeconds;
    }

    /** How far the pace can be trusted, by how much it went up and down. */
    synchronized Pace pace(Instant since, Instant now) {
        double perMinute = perMinute(since, now);
        int groups = (int) Math.clamp(Duration.between(since, now).toSeconds() / GROUP_SECONDS, 0, WINDOW_SECONDS / GROUP_SECONDS);
        if (groups < FEWEST_GROUPS) {
            return new Pace(perMinute, perMinute / UNKNOWN_FACTOR, perMinute * UNKNOWN_FACTOR);
        }
        double mean = perMinute * GROUP_SECONDS / 60;
        double squares = 0;
        for (int group = 0; group < groups; group++) {
            int events = 0;
            for (int age = group * GROUP_SECONDS; age < (group + 1) * GROUP_SECONDS; age++) {
                events += at(now.getEpochSecond() - age);
            }
            squares += (events - mean) * (events - mean);
        }
        double standardError = Math.sqrt(squares / (groups - 1) / groups);
        double error = mean == 0 ? 0 : Math.clamp(2 * standardError / mean, LEAST_ERROR, MOST_ERROR);
        return new Pace(perMinute, perMinute * (1 - error), perMinute * (1 + error));
    }
}
