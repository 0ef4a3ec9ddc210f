package dev.pawl.provider;

import java.util.LinkedHashSet;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

import dev.pawl.provider.Patience.AbandonedException;

/**
 * Lets callers through one by one, first come, first served. Only the first asks whether the way is free, so that what it waits
 * for can't be taken by another; the rest sleep. Waiting ends at once when the document is to be left. Thread-safe; for virtual
 * threads.
 */
final class Turnstile {

    /** Asked by the first in the queue, one at a time. */
    @FunctionalInterface
    interface Way {

        long UNTIL_WOKEN = Long.MAX_VALUE;

        /**
         * Takes the way where it is free, and returns 0; otherwise the nanoseconds after which asking again makes sense, or
         * {@link #UNTIL_WOKEN}.
         */
        long take();
    }

    private static final class Caller {
        private final CountDownLatch leaving;
        private final Condition roused;

        private Caller(CountDownLatch leaving, Condition roused) {
            this.leaving = leaving;
            this.roused = roused;
        }
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final LinkedHashSet<Caller> queue = new LinkedHashSet<>();
    /** The queue's length, readable without the lock. */
    private final AtomicInteger waiting = new AtomicInteger();
    /** Each waits for one latch, which ends with its partition's assignment. */
    private final Map<CountDownLatch, Thread> watches = new ConcurrentHashMap<>();

    int waiting() {
        return waiting.get();
    }

    /**
     * Blocks until it is the caller's turn and {@code way} was taken.
     *
     * @throws AbandonedException where {@code leaving} reached zero first
     */
    void pass(CountDownLatch leaving, Way way) throws InterruptedException {
        watches.computeIfAbsent(leaving, this::watch);
        lock.lockInterruptibly();
        Caller caller = new Caller(leaving, lock.newCondition());
        queue.add(caller);
        waiting.incrementAndGet();
        try {
            awaitWay(caller, way);
        } finally {
            queue.remove(caller);
            waiting.decrementAndGet();
            rouseFirst();
            lock.unlock();
        }
    }

    private void awaitWay(Caller caller, Way way) throws InterruptedException {
        while (true) {
            if (caller.leaving.getCount() == 0) {
                throw new AbandonedException();
            }
            long nanos = queue.getFirst() == caller ? way.take() : Way.UNTIL_WOKEN;
            if (nanos == 0) {
                return;
            }
            caller.roused.await(nanos, TimeUnit.NANOSECONDS);
        }
    }

    /** The way may be free sooner than it was said: lets the first ask again. Costs next to nothing where nobody waits. */
    void wake() {
        if (waiting.get() > 0) {
            lock.lock();
            try {
                rouseFirst();
            } finally {
                lock.unlock();
            }
        }
    }

    private void rouseFirst() {
        if (!queue.isEmpty()) {
            queue.getFirst().roused.signal();
        }
    }

    private Thread watch(CountDownLatch leaving) {
        return Thread.ofVirtual().name("turnstile-watch").start(() -> {
            try {
                leaving.await();
            } catch (InterruptedException e) {
                return;
            }
            watches.remove(leaving);
            lock.lock();
            try {
                queue.stream().filter(caller -> caller.leaving == leaving).forEach(caller -> caller.roused.signal());
            } finally {
                lock.unlock();
            }
        });
    }
}
