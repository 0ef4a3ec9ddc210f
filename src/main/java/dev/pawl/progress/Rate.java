package dev.pawl.progress;

import java.time.Duration;
import java.time.Instant;

/** Events in each of the last 60 seconds. Thread-safe. */
final class Rate {

    private static final int WINDOW_SECONDS = 60;

    private final long[] seconds = new long[WINDOW_SECONDS];
    private final int[] counts = new int[WINDOW_SECONDS];

    synchronized void count(Instant now) {
        int slot = (int) (now.getEpochSecond() % WINDOW_SECONDS);
        if (seconds[slot] != now.getEpochSecond()) {
            seconds[slot] = now.getEpochSecond();
            counts[slot] = 0;
        }
        counts[slot]++;
    }

    synchronized double perMinute(Instant since, Instant now) {
        long events = 0;
        for (int slot = 0; slot < WINDOW_SECONDS; slot++) {
            if (now.getEpochSecond() - seconds[slot] < WINDOW_SECONDS) {
                events += counts[slot];
            }
        }
        double windowSeconds = Math.clamp(Duration.between(since, now).toMillis() / 1000.0, 1, WINDOW_SECONDS);
        return events * 60 / windowSeconds;
    }
}
