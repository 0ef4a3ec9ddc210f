package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;

import org.jboss.logging.Logger;

import dev.pawl.checkpoint.Checkpoint.PendingAppend;

/**
 * The way of one checkpoint's lines into its {@link Mirror}, and how far both are level. Lines are sent in the order of the file, so that
 * the confirmation of one is that of all before it. Thread-safe.
 */
final class MirroredLines {

    private static final Logger LOG = Logger.getLogger(MirroredLines.class);

    private static final long UNKNOWN = -1;
    /** After a kill, so much of the mirror is read that the file has. */
    private static final Duration MARK_EVERY = Duration.ofSeconds(5);
    private final Path checkpoint;
    private final Mirror mirror;
    private final Executor upkeep;
    private final String topic;

    /** Guarded by this, as what follows. Every entry before it is in the file. */
    private long offset;
    /** Every line before it is in the mirror; {@link #UNKNOWN} after a compaction, until a line of the new file is confirmed. */
    private long length = UNKNOWN;
    /** How often the file was replaced. */
    private int generation;
    private int underWay;
    private long markedAtNs = System.nanoTime();

    /**
     * @param topic what the broker calls the mirror's topic
     * @param offset every entry before it is in the file
     */
    MirroredLines(Path checkpoint, Mirror mirror, Executor upkeep, String topic, long offset) {
        this.checkpoint = checkpoint;
        this.mirror = mirror;
        this.upkeep = upkeep;
        this.topic = topic;
        this.offset = offset;
    }

    /** Before the first line that is sent when it is appended: every line before {@code end} is in the mirror. */
    void level(long end) {
        synchronized (this) {
            length = end;
        }
        mark();
    }

    /**
     * Sends what was just made durable, and lets it be answered when the mirror has it. On the group commit's thread.
     *
     * @param end where the last line of the group ends in the file
     */
    void send(List<PendingAppend> group, long end) {
        int ofGeneration = generation();
        long lineEnd = end - group.stream().mapToLong(append -> append.bytes().length).sum();
        for (PendingAppend append : group) {
            lineEnd += append.bytes().length;
            send(append.mirrored(), lineEnd, ofGeneration).whenComplete((_, failure) -> {
                if (failure == null) {
                    append.durable().complete(null);
                } else {
                    append.durable().completeExceptionally(failure);
                }
            });
        }
    }

    /** Sends what stands for lines that are in the file already. */
    CompletableFuture<Void> send(List<MirrorEntry> entries) {
        return send(entries, UNKNOWN, 0);
    }

    /** @param lineEnd where the line ends in the file that they stand for; {@link #UNKNOWN} where they stand for none */
    private CompletableFuture<Void> send(List<MirrorEntry> entries, long lineEnd, int ofGeneration) {
        synchronized (this) {
            underWay += entries.size();
        }
        CompletableFuture<Void> confirmed = new CompletableFuture<>();
        MirrorEntry last = entries.getLast();
        for (MirrorEntry entry : entries) {
            mirror.send(entry.key(), entry.value(), (at, failure) -> {
                confirm(at, failure == null, entry == last ? lineEnd : UNKNOWN, ofGeneration);
                if (failure != null) {
                    confirmed.completeExceptionally(failure);
                } else if (entry == last) {
                    confirmed.complete(null);
                }
            });
        }
        return confirmed;
    }

    /** Behind an entry that another process wrote, the offset stays where it is: that one is not in the file. */
    private synchronized void confirm(long at, boolean written, long lineEnd, int ofGeneration) {
        underWay--;
        if (written && at == offset) {
            offset++;
        }
        if (written && lineEnd != UNKNOWN && ofGeneration == generation) {
            length = lineEnd;
        }
        if (underWay == 0) {
            notifyAll();
        }
        if (System.nanoTime() - markedAtNs > MARK_EVERY.toNanos()) {
            markedAtNs = System.nanoTime();
            try {
                upkeep.execute(this::mark);
            } catch (RejectedExecutionException e) {
                LOG.debugf("%s: closed meanwhile", checkpoint);
            }
        }
    }

    /** Called while a compaction puts its file in the old one's place, between two groups of appends. */
    synchronized void replaced(long newEnd) {
        generation++;
        length = underWay == 0 ? newEnd : UNKNOWN;
    }

    private synchronized int generation() {
        return generation;
    }

    /** On the upkeep's thread, as compactions are: none puts another file in the place of the one that is meant. */
    private void mark() {
        MirrorMark level;
        synchronized (this) {
            level = new MirrorMark(topic, offset, length);
        }
        if (level.length() == UNKNOWN) {
            return;
        }
        try {
            level.write(checkpoint);
        } catch (IOException e) {
            LOG.warnf("%s: how far it is level with its mirror could not be written, the next start compares more: %s", checkpoint, e.getMessage());
        }
    }

    /** How many entries the mirror has not confirmed yet. */
    synchronized int underWay() {
        return underWay;
    }

    /** Returns when nothing is under way, at this moment of {@link System#nanoTime} at the latest. */
    synchronized void awaitConfirmed(long deadlineNs) {
        try {
            for (long left = deadlineNs - System.nanoTime(); underWay > 0 && left > 0; left = deadlineNs - System.nanoTime()) {
                TimeUnit.NANOSECONDS.timedWait(this, left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The partition is given up, or the process ends. */
    void close() {
        int missing = underWay();
        if (missing > 0) {
            LOG.warnf("%s: its mirror has not confirmed %d entries; a next owner without this disk calls their steps again", checkpoint, missing);
        }
        mark();
    }
}
