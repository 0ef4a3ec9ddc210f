package dev.pawl.intake;

import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;

import jakarta.annotation.PreDestroy;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;

import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.jboss.logging.Logger;

import dev.pawl.PawlConfig;
import dev.pawl.PawlConfig.Checkpoint.Mirror;
import dev.pawl.checkpoint.Checkpoint;
import dev.pawl.checkpoint.CheckpointLock.HeldByAnotherException;
import dev.pawl.checkpoint.Checkpoints;
import dev.pawl.checkpoint.FailStop;
import dev.pawl.checkpoint.Restoration;
import dev.pawl.intake.Partitions.Waiting;
import dev.pawl.mirror.KafkaMirror;
import dev.pawl.mirror.MirrorTopic;
import dev.pawl.mirror.MirrorTopic.RefusedException;
import dev.pawl.mirror.MirrorTopic.UnavailableException;

/**
 * What lies between the assignment of a partition and its first record, where that takes a while:
 *
 * <pre>
 * its file is held          wait until its owner lets it go: one that was paused or cut off does not know yet that it lost the partition
 * there is a mirror         read what the file lacks, send what the mirror lacks; those that are level already don't wait for the others
 * </pre>
 *
 * Begun and cancelled on the poll thread, worked off by a few threads of its own.
 */
@Singleton
final class Takeovers {

    private static final Logger LOG = Logger.getLogger(Takeovers.class);

    /** Reading is a matter of the network, appending one of the disk: more at once would not be faster. */
    private static final int AT_ONCE = 4;
    private static final Duration LOG_EVERY = Duration.ofSeconds(10);
    private static final int LOOK_AT_THE_CLOCK = 10_000;

    /**
     * How long things may take.
     *
     * @param heldForGood how long a process waits for files that are all held: they are another's for good, then
     * @param cancel how long the poll thread waits for what is being done for a partition that was revoked
     */
    record Times(Duration retry, Duration heldForGood, Duration cancel) {
        static final Times USUAL = new Times(Duration.ofMillis(500), Duration.ofSeconds(5), Duration.ofSeconds(10));
    }

    /** What is asked of {@link MirrorTopic} and {@link KafkaMirror}. */
    interface Mirrors {

        String ensure(Collection<Integer> partitions) throws RefusedException, UnavailableException;

        Map<Integer, Long> ends(Collection<Integer> partitions) throws UnavailableException;

        dev.pawl.checkpoint.Mirror partition(int number);

        void read(int partition, long from, long end, KafkaMirror.Reader reader, BooleanSupplier cancelled) throws IOException;
    }

    private final Checkpoints checkpoints;
    /** Null where there are none. */
    private final Mirrors mirrors;
    private final Consumer<String> stop;
    private final Times times;
    private final ScheduledExecutorService executor;
    private final Map<TopicPartition, Takeover> underWay = new ConcurrentHashMap<>();

    @Inject
    Takeovers(Checkpoints checkpoints, KafkaMirror mirror, MirrorTopic topic, FailStop failStop, PawlConfig config) {
        this(checkpoints, config.checkpoint().mirror() == Mirror.KAFKA ? of(topic, mirror) : null, failStop::stop, Times.USUAL);
    }

    /** @param stop told why the process can't go on */
    Takeovers(Checkpoints checkpoints, Mirrors mirrors, Consumer<String> stop, Times times) {
        this.checkpoints = checkpoints;
        this.mirrors = mirrors;
        this.stop = stop;
        this.times = times;
        this.executor = new ScheduledThreadPoolExecutor(AT_ONCE, Thread.ofPlatform().daemon().name("takeover-", 0).factory());
    }

    private static Mirrors of(MirrorTopic topic, KafkaMirror mirror) {
        return new Mirrors() {
            @Override
            public String ensure(Collection<Integer> partitions) throws RefusedException, UnavailableException {
                return topic.ensure(partitions);
            }

            @Override
            public Map<Integer, Long> ends(Collection<Integer> partitions) throws UnavailableException {
                return topic.ends(partitions);
            }

            @Override
            public dev.pawl.checkpoint.Mirror partition(int number) {
                return mirror.partition(number);
            }

            @Override
            public void read(int partition, long from, long end, KafkaMirror.Reader reader, BooleanSupplier cancelled) throws IOException {
                mirror.read(partition, from, end, reader, cancelled);
            }
        };
    }

    /** One partition's. */
    private static final class Takeover {

        private final TopicPartition partition;
        /** Of its first record to come. */
        private final long position;
        private final Consumer<Ready> ready;
        private final long begunAtNs = System.nanoTime();
        /** Held by whoever works on it. */
        private final ReentrantLock turn = new ReentrantLock();
        private volatile boolean cancelled;
        private volatile String holder;
        private volatile long from;
        private volatile long next;
        private volatile long end;
        /** Null until it is open. */
        private volatile Checkpoint checkpoint;
        private Restoration restoration;
        private long loggedAtNs;
        private boolean closed;

        Takeover(TopicPartition partition, long position, Consumer<Ready> ready) {
            this.partition = partition;
            this.position = position;
            this.ready = ready;
        }

        /** Whoever has the turn. */
        void close(Checkpoints checkpoints) {
            if (checkpoint != null && !closed) {
                closed = true;
                checkpoints.close(partition.toString(), checkpoint);
            }
        }

        /** Whether a record will not be delivered any more: its offset was committed, or it came from elsewhere. */
        boolean isAcknowledged(String source) {
            String prefix = partition + "@";
            try {
                return !source.startsWith(prefix) || Long.parseLong(source.substring(prefix.length())) < position;
            } catch (NumberFormatException byHand) {
                return true;
            }
        }
    }

    /** A partition whose records may come now. */
    record Ready(TopicPartition partition, Checkpoint checkpoint, long position) {}

    /**
     * Begins with partitions that were just assigned.
     *
     * @param position where the consumer will begin to read a partition
     * @param ready told once for each, unless it is cancelled before: at once where there is nothing to wait for, otherwise later, on
     *        another thread
     */
    void begin(Collection<TopicPartition> partitions, ToLongFunction<TopicPartition> position, Consumer<Ready> ready) {
        List<Takeover> begun = partitions.stream().map(partition -> new Takeover(partition, position.applyAsLong(partition), ready)).toList();
        begun.forEach(takeover -> underWay.put(takeover.partition, takeover));
        if (mirrors != null) {
            soon(() -> findEnds(begun));
        } else {
            begun.forEach(this::openAlone);
        }
    }

    /** Without a mirror. */
    private void openAlone(Takeover takeover) {
        attempt(takeover, this::openAlone, () -> {
            takeover.checkpoint = checkpoints.open(takeover.partition.toString());
            ready(takeover);
        });
    }

    private void findEnds(List<Takeover> takeovers) {
        List<Takeover> left = takeovers.stream().filter(takeover -> !takeover.cancelled).toList();
        List<Integer> numbers = left.stream().map(takeover -> takeover.partition.partition()).toList();
        try {
            String topicId = mirrors.ensure(numbers);
            Map<Integer, Long> ends = mirrors.ends(numbers);
            for (Takeover takeover : left) {
                takeover.end = ends.get(takeover.partition.partition());
                soon(() -> openToRestore(takeover, topicId));
            }
        } catch (UnavailableException e) {
            LOG.warnf("%d partitions wait for the mirror of their checkpoints, trying again: %s", left.size(), e.getMessage());
            later(() -> findEnds(left));
        } catch (RefusedException | RuntimeException e) {
            stop.accept(e.getMessage());
        }
    }

    private void openToRestore(Takeover takeover, String topicId) {
        // The mirror goes on while the file is held.
        attempt(takeover, again -> findEnds(List.of(again)), () -> {
            // Before the file is opened: once it is, it is held, by this very process.
            dev.pawl.checkpoint.Mirror mirror = mirrors.partition(takeover.partition.partition());
            takeover.checkpoint = checkpoints.openToRestore(takeover.partition.toString());
            takeover.restoration = checkpoints.restore(takeover.checkpoint, mirror, topicId);
            if (takeover.restoration.isBehind(takeover.end)) {
                soon(() -> findEndAgain(takeover));
            } else {
                beginToRestore(takeover);
            }
        });
    }

    /** Whoever had the file until now may have written since the end was asked for. */
    private void findEndAgain(Takeover takeover) {
        attempt(takeover, this::findEndAgain, () -> {
            int number = takeover.partition.partition();
            try {
                takeover.end = mirrors.ends(List.of(number)).get(number);
            } catch (UnavailableException e) {
                throw new KafkaException(e.getMessage());
            }
            if (takeover.restoration.isBehind(takeover.end)) {
                LOG.warnf("%s: its mirror ends at %d and had more before: the broker has lost entries. What the file has of them is sent again",
                        takeover.partition, takeover.end);
                takeover.restoration.compareAll();
            }
            beginToRestore(takeover);
        });
    }

    private void beginToRestore(Takeover takeover) throws IOException {
        takeover.from = takeover.restoration.offset();
        takeover.next = takeover.from;
        if (takeover.restoration.isLevel(takeover.end)) {
            restored(takeover, 0);
        } else {
            // Behind those that have not been opened yet, and may be level.
            soon(() -> restore(takeover));
        }
    }

    private void restore(Takeover takeover) {
        attempt(takeover, this::restore, () -> {
            log(takeover);
            mirrors.read(takeover.partition.partition(), takeover.next, takeover.end, entry -> {
                takeover.restoration.take(entry.value());
                takeover.next = entry.offset() + 1;
                if (takeover.next % LOOK_AT_THE_CLOCK == 0 && System.nanoTime() - takeover.loggedAtNs > LOG_EVERY.toNanos()) {
                    log(takeover);
                }
            }, () -> takeover.cancelled);
            if (!takeover.cancelled) {
                restored(takeover, takeover.end - takeover.from);
            }
        });
    }

    private static void log(Takeover takeover) {
        LOG.infof("%s: reads its mirror, %d of %d entries", takeover.partition, takeover.next - takeover.from, takeover.end - takeover.from);
        takeover.loggedAtNs = System.nanoTime();
    }

    private void restored(Takeover takeover, long read) throws IOException {
        int sent = takeover.restoration.finish(takeover.end, takeover::isAcknowledged);
        if (read > 0 || sent > 0) {
            LOG.infof("%s: level with its mirror: %d entries read, %d lines sent, in %d ms", takeover.partition, read, sent,
                    TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - takeover.begunAtNs));
        }
        checkpoints.restored(takeover.partition.toString(), takeover.checkpoint);
        ready(takeover);
    }

    private static void ready(Takeover takeover) {
        takeover.ready.accept(new Ready(takeover.partition, takeover.checkpoint, takeover.position));
    }

    @FunctionalInterface
    private interface Work {
        void run() throws IOException;
    }

    /** Does a part of a takeover, or sees to it that it is done again. */
    private void attempt(Takeover takeover, Consumer<Takeover> again, Work work) {
        takeover.turn.lock();
        try {
            if (!takeover.cancelled) {
                work.run();
            }
        } catch (HeldByAnotherException e) {
            waitForHolder(takeover, e, again);
        } catch (KafkaException e) {
            LOG.warnf("%s: its mirror could not be read, trying again: %s", takeover.partition, e.getMessage());
            later(() -> again.accept(takeover));
        } catch (IOException | RuntimeException e) {
            stop.accept("%s can't be taken over: %s".formatted(takeover.partition, e.getMessage()));
        } finally {
            if (takeover.cancelled) {
                // Who cancelled it may have given up waiting for this.
                takeover.close(checkpoints);
            }
            takeover.turn.unlock();
        }
    }

    private void waitForHolder(Takeover takeover, HeldByAnotherException held, Consumer<Takeover> again) {
        if (takeover.cancelled) {
            return;
        }
        if (takeover.holder == null) {
            LOG.warnf("%s waits for its checkpoint: %s", takeover.partition, held.getMessage());
        }
        takeover.holder = held.holder();
        boolean forGood = System.nanoTime() - takeover.begunAtNs > times.heldForGood().toNanos();
        if (forGood && checkpoints.isEmpty() && underWay.values().stream().allMatch(other -> other.holder != null && other.checkpoint == null)) {
            stop.accept("%s can't be taken over: %s".formatted(takeover.partition, held.getMessage()));
        } else {
            later(() -> again.accept(takeover));
        }
    }

    private void soon(Runnable work) {
        try {
            executor.execute(work);
        } catch (RejectedExecutionException e) {
            LOG.debugf("The process ends: %s", e.getMessage());
        }
    }

    private void later(Runnable work) {
        try {
            executor.schedule(work, times.retry().toMillis(), TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            LOG.debugf("The process ends: %s", e.getMessage());
        }
    }

    /** The partition's records come now. False where it was cancelled, or has ended before. */
    boolean end(Ready ready) {
        Takeover takeover = underWay.get(ready.partition());
        return takeover != null && takeover.checkpoint == ready.checkpoint() && underWay.remove(ready.partition(), takeover);
    }

    boolean isUnderWay(TopicPartition partition) {
        return underWay.containsKey(partition);
    }

    /** Of those given that did not {@link #end}: returns when what was opened for them is closed. */
    void cancel(Collection<TopicPartition> partitions) {
        List<Takeover> begun = partitions.stream().map(underWay::remove).filter(Objects::nonNull).toList();
        begun.forEach(takeover -> takeover.cancelled = true);
        begun.forEach(this::close);
    }

    private void close(Takeover takeover) {
        try {
            if (!takeover.turn.tryLock(times.cancel().toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.warnf("%s was revoked while it was being restored, and its checkpoint is not closed yet after %s", takeover.partition, times.cancel());
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
        }
        try {
            takeover.close(checkpoints);
        } finally {
            takeover.turn.unlock();
        }
    }

    List<Waiting> waiting() {
        return underWay.values().stream()
                .map(takeover -> new Waiting(takeover.partition.toString(), takeover.next - takeover.from, Math.max(0, takeover.end - takeover.from),
                        takeover.checkpoint == null ? takeover.holder : null))
                .sorted(Comparator.comparing(Waiting::partition))
                .toList();
    }

    @PreDestroy
    void close() {
        executor.shutdownNow();
    }
}
