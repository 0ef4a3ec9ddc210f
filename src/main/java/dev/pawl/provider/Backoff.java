package dev.pawl.provider;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The waits between the attempts of one document: exponential, with full jitter, so that documents which failed together do not
 * come back together. For one thread.
 */
final class Backoff {

    private final Duration longest;
    private Duration wait;

    Backoff(Duration first, Duration longest) {
        this.wait = first;
        this.longest = longest;
    }

    /** Anything from nothing to twice as much as last time at most, up to the longest. */
    Duration next() {
        Duration next = Duration.ofMillis(ThreadLocalRandom.current().nextLong(wait.toMillis() + 1));
        wait = wait.compareTo(longest.dividedBy(2)) > 0 ? longest : wait.multipliedBy(2);
        return next;
    }
}
