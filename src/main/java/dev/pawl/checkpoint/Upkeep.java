package dev.pawl.checkpoint;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

import org.jboss.logging.Logger;

import dev.pawl.checkpoint.Checkpoint.Extent;
import dev.pawl.checkpoint.CheckpointIndex.Snapshot;
import dev.pawl.checkpoint.CheckpointLoader.Loaded;
import dev.pawl.checkpoint.Sidecar.Covered;

/**
 * Keeps one checkpoint small and quick to open: {@linkplain Compaction compacts} it when too much of it is garbage, and
 * writes its {@linkplain Sidecar sidecar} when the next start would have to read too much. Neither is needed for anything to be
 * right: where one fails, that is logged and tried again later.
 *
 * <p>The work is done on the executor's thread, which all checkpoints of a directory share.
 */
final class Upkeep {

    /**
     * When a checkpoint is compacted, and what that drops.
     *
     * @param garbageShare of the file's bytes, above 0 and at most 1
     * @param minBytes a shorter file is left alone, and so is one that has grown by less since the last time
     * @param results how long done lines keep their result; null for ever
     * @param lines how long lines are kept; null for ever
     */
    record Policy(double garbageShare, long minBytes, Duration results, Duration lines) {

        private boolean dropsByAge() {
            return results != null || lines != null;
        }

        /** Rewriting a file for its old lines costs as much as they save at about this interval. */
        private Duration ageInterval() {
            Duration shortest = results == null || lines != null && lines.compareTo(results) < 0 ? lines : results;
            return shortest.dividedBy(10);
        }

        private Retention retention(Instant now) {
            return new Retention(results == null ? null : now.minus(results), lines == null ? null : now.minus(lines));
        }
    }

    private static final Logger LOG = Logger.getLogger(Upkeep.class);

    /** Reading so much more at the next start takes a fraction of a second. */
    private static final long SIDECAR_EVERY_BYTES = 256 << 20;
    /** However large the sidecar has become: writing it again costs a quarter of what was appended, at most. */
    private static final int APPENDED_PER_SIDECAR = 4;
    /** What a document takes of a sidecar. */
    private static final long BYTES_PER_ENTRY = 16;
    private static final Duration PAUSE_AFTER_FAULT = Duration.ofMinutes(10);

    private final Checkpoint checkpoint;
    private final Disk disk;
    private final Policy policy;
    private final ScheduledExecutorService executor;
    private final Clock clock;
    private final AtomicBoolean queued = new AtomicBoolean();

    private Future<?> ageCheck = CompletableFuture.completedFuture(null);
    private volatile boolean begun;
    private volatile boolean stopping;
    private volatile long sidecarEnd;
    private volatile long sidecarBytes;
    private volatile long compactedAtMs;
    private volatile long compactedEnd;
    private volatile long pausedUntilNs = System.nanoTime();

    Upkeep(Checkpoint checkpoint, Disk disk, Policy policy, ScheduledExecutorService executor, Clock clock, Loaded loaded) {
        this.checkpoint = checkpoint;
        this.disk = disk;
        this.policy = policy;
        this.executor = executor;
        this.clock = clock;
        this.sidecarEnd = loaded.sidecarEnd();
        this.sidecarBytes = loaded.sidecarBytes();
        this.compactedAtMs = loaded.compactedAtMs();
    }

    /** Looks whether there is something to do, at once and, where lines are dropped for their age, again when that is due. */
    void begin() {
        begun = true;
        look();
        if (policy.dropsByAge()) {
            long delayMs = Math.max(1, policy.ageInterval().toMillis());
            ageCheck = executor.scheduleWithFixedDelay(this::look, delayMs, delayMs, TimeUnit.MILLISECONDS);
        }
    }

    /** Called after each group of appends, on the writer's thread. */
    void look() {
        boolean paused = System.nanoTime() - pausedUntilNs < 0;
        if (begun && !stopping && !paused && (compactionIsDue() || sidecarIsDue()) && queued.compareAndSet(false, true)) {
            executor.execute(this::work);
        }
    }

    private boolean compactionIsDue() {
        return garbageIsDue() || ageIsDue();
    }

    private boolean garbageIsDue() {
        long end = checkpoint.end();
        return end >= policy.minBytes() && end - compactedEnd >= policy.minBytes()
                && checkpoint.garbageBytes() > policy.garbageShare() * end;
    }

    private boolean ageIsDue() {
        return policy.dropsByAge() && checkpoint.end() > 0 && clock.millis() - compactedAtMs >= policy.ageInterval().toMillis();
    }

    private boolean sidecarIsDue() {
        return checkpoint.end() - sidecarEnd > Math.max(SIDECAR_EVERY_BYTES, APPENDED_PER_SIDECAR * sidecarBytes);
    }

    private synchronized void work() {
        queued.set(false);
        if (stopping || checkpoint.readsTwoFiles()) {
            return;
        }
        try {
            if (compactionIsDue()) {
                compact();
            }
            if (sidecarIsDue()) {
                writeSidecar(false);
            }
        } catch (Compaction.CancelledException e) {
            LOG.debugf("%s: compaction was given up: %s", checkpoint.path(), e.getMessage());
        } catch (IOException | RuntimeException e) {
            pausedUntilNs = System.nanoTime() + PAUSE_AFTER_FAULT.toNanos();
            LOG.warnf("%s: upkeep failed, trying again in %s at the earliest: %s", checkpoint.path(), PAUSE_AFTER_FAULT, e);
        }
    }

    /** An append that finds no room ends the process: what may be left undone shall leave it some. */
    private void requireRoom(long bytes) throws IOException {
        long usable = disk.usableBytes(checkpoint.path().getParent());
        if (usable < 2 * bytes) {
            throw new IOException("it takes %d bytes of room, and there are only %d".formatted(bytes, usable));
        }
    }

    private void compact() throws IOException {
        long before = checkpoint.end();
        requireRoom(before);
        new Compaction(checkpoint, disk, policy.retention(clock.instant()), () -> stopping).run();
        compactedAtMs = clock.millis();
        compactedEnd = checkpoint.end();
        sidecarEnd = 0;
        LOG.infof("%s: compacted from %d to %d bytes", checkpoint.path(), before, compactedEnd);
        writeSidecar(false);
    }

    private void writeSidecar(boolean closed) throws IOException {
        CheckpointIndex index = checkpoint.index();
        requireRoom(BYTES_PER_ENTRY * index.size());
        Snapshot[] snapshot = new Snapshot[1];
        Extent[] extent = new Extent[1];
        checkpoint.onWriter(() -> {
            extent[0] = checkpoint.extent();
            snapshot[0] = index.beginSnapshot();
        });
        try {
            Covered covered = Sidecar.cover(checkpoint.path(), extent[0], closed, clock.millis(), compactedAtMs);
            sidecarBytes = Sidecar.write(checkpoint.path(), covered, index, snapshot[0], () -> stopping);
            sidecarEnd = covered.end();
        } finally {
            index.endSnapshot();
        }
    }

    /** Returns when nothing is being done any more; nothing will be. */
    void stop() {
        stopping = true;
        ageCheck.cancel(false);
        synchronized (this) {
            // Work in hand has come to its end.
        }
    }

    /** So that the next start reads this alone. Called once nothing is appended any more. */
    void writeLastSidecar() {
        if (checkpoint.readsTwoFiles()) {
            return;
        }
        try {
            writeSidecar(true);
        } catch (IOException | RuntimeException e) {
            LOG.warnf("%s: its index could not be written, the next start reads the file: %s", checkpoint.path(), e);
        }
    }
}
