package dev.pawl.provider;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many calls may be in the air at once. It begins with all that are wanted and is lowered by a share where the endpoint
 * refuses calls for their number, then raised again bit by bit. Either happens once a round trip at most: a thousand calls that
 * are refused together are one piece of news, and only a call that began after a change can say what the change led to.
 * Thread-safe, and without locks where nothing changes.
 *
 * <p>It looks at refusals alone. How long an answer takes says how long the answer is, not how busy the endpoint is.
 */
final class Concurrency {

    private static final double LOWERED_TO = 0.7;
    /** Calls in a hundred that are added for each round trip, and one more. From a tenth of what is wanted it takes 45 to get back. */
    private static final int RAISED_BY = 5;

    private final int most;
    private final AtomicInteger inAir = new AtomicInteger();
    private volatile int limit;
    private volatile long changedAtNanos = System.nanoTime();

    /** @param most calls in the air at once, from 1 */
    Concurrency(int most) {
        this.most = most;
        this.limit = most;
    }

    /** True where the call may begin; then {@link #leave} follows. */
    boolean tryEnter() {
        int before = inAir.get();
        while (before < limit) {
            if (inAir.compareAndSet(before, before + 1)) {
                return true;
            }
            before = inAir.get();
        }
        return false;
    }

    /** Begins a call whatever the limit; {@link #leave} follows. */
    void enter() {
        inAir.incrementAndGet();
    }

    void leave() {
        inAir.decrementAndGet();
    }

    /** A call that began then was answered. Where the limit is not made use of, that says nothing about it. */
    void answered(long begunAtNanos) {
        if (limit < most && inAir.get() * 2L >= limit) {
            change(begunAtNanos, Math.min(most, limit + 1 + limit * RAISED_BY / 100));
        }
    }

    /** A call that began then was refused for being one too many. */
    void refused(long begunAtNanos) {
        change(begunAtNanos, Math.max(1, (int) (limit * LOWERED_TO)));
    }

    private synchronized void change(long begunAtNanos, int newLimit) {
        if (begunAtNanos - changedAtNanos >= 0) {
            limit = newLimit;
            changedAtNanos = System.nanoTime();
        }
    }

    int limit() {
        return limit;
    }

    int inAir() {
        return inAir.get();
    }
}
