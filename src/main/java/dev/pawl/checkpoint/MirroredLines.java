package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;

import org.jboss.logging.Logger;

import dev.pawl.checkpoint.Checkpoint.PendingAppend;

/**
 * The way of one checkpoint's lines into its {@link Mirror}, and how far both are level: as far as the mirror has every line, in the
 * order of the file. Thread-safe.
 */
final class MirroredLines {

    private static final Logger LOG = Logger.getLogger(MirroredLines.class);

    private static final long UNKNOWN = -1;
    /** After a kill, so much of the mirror is read that the file has. */
    static final Duration MARK_EVERY = Duration.ofSeconds(5);

    private final Path checkpoint;
    private final Mirror mirror;
    private final Executor upkeep;
    private final String topic;
    private final Duration markEvery;

    /** Guarded by this, as what follows. Every entry before it is in the file. */
    private long offset;
    /** Every line before it is in the mirror; {@link #UNKNOWN} while it can't be said of the file that a compaction has made. */
    private long length = UNKNOWN;
    /** What is behind {@link #length}, in the order of the file. One that never gets into the mirror stays for good, and so do those behind. */
    private final Deque<Stretch> behind = new ArrayDeque<>();
    private int underWay;
    private long markedAtNs = System.nanoTime();

    /** Held while a mark is written: one at a time, and none once the file may be another owner's. */
    private final Object marking = new Object();
    private boolean closed;

    /** A part of the file: a line, or what it had before the first line that went to the mirror by itself. */
    private static final class Stretch {

        private long end;
        /** Entries that stand for it and are not in the mirror yet. */
        private int missing;

        Stretch(long end, int missing) {
            this.end = end;
            this.missing = missing;
        }
    }

    /**
     * @param topic what the broker calls the mirror's topic
     * @param offset every entry before it is in the file
     * @param end the file's: what is before it counts as mirrored from {@link #level} on
     */
    MirroredLines(Path checkpoint, Mirror mirror, Executor upkeep, String topic, Duration markEvery, long offset, long end) {
        this.checkpoint = checkpoint;
        this.mirror = mirror;
        this.upkeep = upkeep;
        this.topic = topic;
        this.markEvery = markEvery;
        this.offset = offset;
        behind.add(new Stretch(end, 1));
    }

    /** All that the file had at first is in the mirror. */
    void level() {
        synchronized (this) {
            behind.getFirst().missing = 0;
            advance();
        }
        mark();
    }

    /**
     * Sends what was just made durable, and lets it be answered when the mirror has it. On the group commit's thread.
     *
     * @param end where the last line of the group ends in the file
     */
    void send(List<PendingAppend> group, long end) {
        long lineEnd = end - group.stream().mapToLong(append -> append.bytes().length).sum();
        for (PendingAppend append : group) {
            lineEnd += append.bytes().length;
            send(append.mirrored(), line(lineEnd, append.mirrored().size())).whenComplete((_, failure) -> {
                if (failure == null) {
                    append.durable().complete(null);
                } else {
                    append.durable().completeExceptionally(failure);
                }
            });
        }
    }

    /** A line without entries was on its way before there was a mirror: the next start sends it. */
    private synchronized Stretch line(long end, int entries) {
        Stretch line = new Stretch(end, Math.max(1, entries));
        behind.add(line);
        return line;
    }

    /** Sends what stands for lines that are in the file already. */
    CompletableFuture<Void> send(List<MirrorEntry> entries) {
        return send(entries, new Stretch(UNKNOWN, entries.size()));
    }

    private CompletableFuture<Void> send(List<MirrorEntry> entries, Stretch line) {
        synchronized (this) {
            underWay += entries.size();
        }
        CompletableFuture<Void> confirmed = new CompletableFuture<>();
        if (entries.isEmpty()) {
            confirmed.complete(null);
        }
        for (MirrorEntry entry : entries) {
            mirror.send(entry.key(), entry.value(), (at, failure) -> {
                if (confirm(at, failure == null, line)) {
                    confirmed.complete(null);
                } else if (failure != null) {
                    confirmed.completeExceptionally(failure);
                }
            });
        }
        return confirmed;
    }

    /**
     * Behind an entry that another process wrote, the offset stays where it is: that one is not in the file.
     *
     * @return whether the mirror has all of the line
     */
    private synchronized boolean confirm(long at, boolean written, Stretch line) {
        underWay--;
        if (written && at == offset) {
            offset++;
        }
        if (written) {
            line.missing--;
            advance();
        }
        if (underWay == 0) {
            notifyAll();
        }
        if (System.nanoTime() - markedAtNs > markEvery.toNanos()) {
            markedAtNs = System.nanoTime();
            try {
                upkeep.execute(this::mark);
            } catch (RejectedExecutionException e) {
                LOG.debugf("%s: closed meanwhile", checkpoint);
            }
        }
        return line.missing == 0;
    }

    private void advance() {
        while (!behind.isEmpty() && behind.getFirst().missing == 0) {
            long end = behind.removeFirst().end;
            length = end == UNKNOWN ? length : end;
        }
    }

    /** Called while a compaction puts its file in the old one's place, between two groups of appends. */
    synchronized void replaced(long newEnd) {
        behind.forEach(line -> line.end = UNKNOWN);
        behind.add(new Stretch(newEnd, 0));
        length = UNKNOWN;
        advance();
    }

    /** On the upkeep's thread, as compactions are: none puts another file in the place of the one that is meant. */
    private void mark() {
        synchronized (marking) {
            MirrorMark level;
            synchronized (this) {
                level = new MirrorMark(topic, offset, length);
            }
            if (closed || level.length() == UNKNOWN) {
                return;
            }
            try {
                level.write(checkpoint);
            } catch (IOException e) {
                LOG.warnf("%s: how far it is level with its mirror could not be written, the next start compares more: %s", checkpoint,
                        e.getMessage());
            }
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

    /**
     * The partition is given up, or the process ends. What is confirmed later answers those who wait, and leaves no mark: the file may be
     * another's by then.
     */
    void close() {
        int missing = underWay();
        if (missing > 0) {
            LOG.warnf("%s: its mirror has not confirmed %d entries; a next owner without this disk calls their steps again", checkpoint, missing);
        }
        synchronized (marking) {
            mark();
            closed = true;
        }
    }
}
