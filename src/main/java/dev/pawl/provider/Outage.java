package dev.pawl.provider;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

import jakarta.inject.Singleton;

import org.jboss.logging.Logger;

import dev.pawl.PawlConfig;
import dev.pawl.intake.Gate;
import dev.pawl.intake.Gate.Reason;

/**
 * Whether the model's endpoint answers. It is down after several faults in a row without one answer in between. Then documents wait
 * without calling, the intake is closed, and one document's call after the other probes: the pause between them grows from
 * {@code pawl.provider.backoff} to three seconds. A probe that is not answered within these is left in the air, since
 * its answer may be paid for and may take its time, and the next goes out. The first answer, to whichever call, ends the outage:
 * all go on at once.
 *
 * <pre>
 *               faults in a row                   an answer
 * answering ────────────────────▶ down ──────────────────────▶ answering
 *                                 │  ▲
 *                  a probe goes out  its fault, or three seconds
 *                                 └──┘
 * </pre>
 *
 * The intake stays open where a single document has unclear faults: the others show whose they are. It is opened again where no
 * document is left that could probe. Thread-safe.
 */
@Singleton
public final class Outage {

    private static final Logger LOG = Logger.getLogger(Outage.class);

    /** Where one call in a hundred fails, this happens once in ten thousand million calls. */
    static final int FAULTS_IN_A_ROW = 5;
    /** Work is to go on within five seconds of the endpoint's return. */
    static final Duration LONGEST_PAUSE = Duration.ofSeconds(3);

    /** One document's call, from its first attempt to its end. */
    static final class Caller {
        private final CountDownLatch leaving;
        /** Completed when this call may be made; a new one for each wait. Guarded by the outage. */
        private CompletableFuture<Void> turn = new CompletableFuture<>();

        Caller(CountDownLatch leaving) {
            this.leaving = leaving;
        }
    }

    /**
     * @param since when the first of the faults happened
     * @param reason a sentence for people
     */
    public record Down(Instant since, String reason) {}

    private final Gate gate;
    private final Clock clock;
    private final Duration firstPause;
    private final Duration longestPause;
    /** Documents that end waiting when their partition is given up: a latch tells nobody by itself. */
    private final Set<CountDownLatch> watched = ConcurrentHashMap.newKeySet();

    /** What follows is guarded by this. Those that wait, the longest first, for an outage's end or for their backoff's. */
    private final Set<Caller> waiting = new LinkedHashSet<>();
    private int callers;
    private int faultsInARow;
    private Instant firstFault;
    private Caller firstAtFault;
    private boolean several;
    /** Null while the endpoint answers. */
    private Down down;
    private int outages;
    /** Said so, which is not done of one that ends before its first probe. */
    private boolean told;
    /** The outage is a reason to take no documents. */
    private boolean closes;
    private boolean closed;
    private Duration pause;
    /** The turn of the last probe, until its fault is known. */
    private CompletableFuture<Void> probe;
    /** A probe should go out, and nobody waited who could make it. */
    private boolean due;

    Outage(PawlConfig config, Gate gate, Clock clock) {
        this.gate = gate;
        this.clock = clock;
        this.firstPause = shorter(config.provider().backoff(), LONGEST_PAUSE);
        this.longestPause = shorter(config.provider().maxBackoff(), LONGEST_PAUSE);
    }

    /** Why nothing is called for, while the endpoint is down. */
    public synchronized Optional<Down> down() {
        return Optional.ofNullable(down);
    }

    /** A document will call. */
    synchronized Caller enter(CountDownLatch leaving) {
        callers++;
        return new Caller(leaving);
    }

    /** It calls no more. Nobody left who could find out that the outage is over, documents have to be taken again. */
    synchronized void leave(Caller caller) {
        callers--;
        if (callers == 0 && closed) {
            closed = false;
            gate.open(Reason.PROVIDER);
        }
    }

    /** The endpoint answered, if only to say that it wants fewer calls or not this prompt. */
    synchronized void answered() {
        faultsInARow = 0;
        if (down == null) {
            return;
        }
        if (told) {
            LOG.infof("The model endpoint answers again, after %d s; %d documents go on",
                    Duration.between(down.since(), clock.instant()).toSeconds(), waiting.size());
        }
        down = null;
        probe = null;
        due = false;
        told = false;
        waiting.forEach(caller -> caller.turn.complete(null));
        waiting.clear();
        if (closed) {
            closed = false;
            gate.open(Reason.PROVIDER);
        }
    }

    /** Whether there is an outage that has outlasted its first pause. */
    synchronized boolean isToldOf() {
        return told;
    }

    /** Whether this is the call that is to find out whether the outage is over. */
    synchronized boolean isProbing(Caller caller) {
        return caller.turn == probe;
    }

    /** A call failed for a reason that lies, or may lie, with the provider. */
    synchronized void failed(Caller caller, Fault fault) {
        String what;
        Duration retryAfter;
        boolean clear;
        switch (fault) {
            case Fault.OfProvider provider -> {
                what = provider.what();
                retryAfter = provider.retryAfter();
                clear = true;
            }
            case Fault.Unclear unclear -> {
                what = unclear.what();
                retryAfter = unclear.retryAfter();
                clear = false;
            }
            case Fault.OfDocument _, Fault.RateLimit _ -> throw new IllegalArgumentException("the endpoint answered");
        }
        faultsInARow++;
        if (faultsInARow == 1) {
            firstFault = clock.instant();
            firstAtFault = caller;
            several = false;
        }
        several |= caller != firstAtFault;
        if (down == null && faultsInARow < FAULTS_IN_A_ROW) {
            return;
        }
        String reason = "The model endpoint: %s, since %s".formatted(what, firstFault.truncatedTo(ChronoUnit.SECONDS));
        boolean begins = down == null;
        boolean changed = begins || !reason.equals(down.reason());
        down = new Down(firstFault, reason);
        closes |= clear || several;
        if (begins) {
            outages++;
            closes = clear || several;
            pause = firstPause;
        } else if (told && (changed || !closed)) {
            closeGate();
        }
        if (begins || caller.turn == probe) {
            probe = null;
            probeIn(longer(nextPause(), retryAfter));
        }
    }

    private void tell() {
        if (!told) {
            told = true;
            LOG.warnf("%s. Documents wait", down.reason());
            closeGate();
        }
    }

    /** Not where no document is left that could find out that the outage is over. */
    private void closeGate() {
        if (closes && callers > 0) {
            closed = true;
            gate.close(Reason.PROVIDER, down.reason());
        }
    }

    /**
     * Blocks until this call may be made: while the endpoint answers for {@code wait} at most, in an outage until this
     * document is to probe or the outage is over, and no longer than {@code leaving} has not reached zero.
     */
    void await(Caller caller, Duration wait) throws InterruptedException {
        CompletableFuture<Void> turn = new CompletableFuture<>();
        synchronized (this) {
            caller.turn = turn;
            if (down == null && wait.isZero()) {
                return;
            }
            waiting.add(caller);
            if (due) {
                sendProbe();
            }
        }
        watch(caller.leaving);
        try {
            if (!isDone(turn, wait) && endsHere(caller)) {
                return;
            }
            turn.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException("a turn never fails", e);
        } finally {
            synchronized (this) {
                waiting.remove(caller);
            }
        }
    }

    private static boolean isDone(CompletableFuture<Void> turn, Duration wait) throws InterruptedException, ExecutionException {
        try {
            turn.get(wait.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        }
    }

    /** Whether a caller whose backoff is over may go on: an outage may have begun meanwhile. */
    private synchronized boolean endsHere(Caller caller) {
        return down == null && waiting.remove(caller);
    }

    private void watch(CountDownLatch leaving) {
        if (watched.add(leaving)) {
            Thread.ofVirtual().name("leaving-waits").start(() -> {
                try {
                    leaving.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                watched.remove(leaving);
                release(leaving);
            });
        }
        if (leaving.getCount() == 0) {
            release(leaving);
        }
    }

    private synchronized void release(CountDownLatch leaving) {
        waiting.removeIf(caller -> {
            boolean leaves = caller.leaving == leaving;
            if (leaves) {
                caller.turn.complete(null);
            }
            return leaves;
        });
    }

    private Duration nextPause() {
        // Processes that lost the endpoint together do not knock together.
        Duration next = pause.multipliedBy(ThreadLocalRandom.current().nextInt(75, 101)).dividedBy(100);
        pause = shorter(pause.multipliedBy(2), longestPause);
        return next;
    }

    private void probeIn(Duration wait) {
        int outage = outages;
        later(wait, () -> {
            if (down != null && outages == outage) {
                tell();
                sendProbe();
            }
        });
    }

    /** The one that has waited longest calls. */
    private void sendProbe() {
        due = waiting.isEmpty();
        if (due) {
            return;
        }
        Caller next = waiting.iterator().next();
        waiting.remove(next);
        CompletableFuture<Void> turn = next.turn;
        probe = turn;
        turn.complete(null);
        later(LONGEST_PAUSE, () -> {
            if (probe == turn) {
                sendProbe();
            }
        });
    }

    private void later(Duration wait, Runnable action) {
        CompletableFuture.delayedExecutor(wait.toMillis(), TimeUnit.MILLISECONDS, Thread::startVirtualThread).execute(() -> {
            synchronized (this) {
                action.run();
            }
        });
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    /** The other may be null. */
    private static Duration longer(Duration one, Duration other) {
        return other == null || one.compareTo(other) > 0 ? one : other;
    }
}
