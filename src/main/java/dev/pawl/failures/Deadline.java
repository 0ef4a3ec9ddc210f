package dev.pawl.failures;

import java.time.Duration;

/**
 * When a call has read and written enough; what it has not come to is left to the next.
 *
 * @param nanos of {@link System#nanoTime}
 */
record Deadline(long nanos) {

    static Deadline in(Duration duration) {
        return new Deadline(System.nanoTime() + duration.toNanos());
    }

    boolean hasPassed() {
        return System.nanoTime() - nanos >= 0;
    }
}
