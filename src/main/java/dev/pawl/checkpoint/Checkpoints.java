package dev.pawl.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ScheduledThreadPoolExecutor;

import jakarta.annotation.PreDestroy;
import jakarta.inject.Singleton;

import org.jboss.logging.Logger;

import dev.pawl.PawlConfig;
import dev.pawl.checkpoint.LineFormat.Status;
import io.quarkus.runtime.configuration.ConfigurationException;

/**
 * The checkpoints of the partitions this process owns, in one directory. Thread-safe.
 */
@Singleton
public final class Checkpoints {

    private static final Logger LOG = Logger.getLogger(Checkpoints.class);

    /** What the mirror is given for the last lines of all partitions that are given up together. */
    private static final Duration LAST_WORD = Duration.ofSeconds(5);

    private final Path directory;
    private final PawlConfig.Checkpoint config;
    private final FailStop failStop;
    private final GroupCommit groupCommit = new GroupCommit();
    private final ScheduledThreadPoolExecutor upkeep;
    private final Checkpoint.Shared shared;
    private final Map<String, Checkpoint> open = new ConcurrentSkipListMap<>();

    Checkpoints(PawlConfig config, FailStop failStop, Clock clock) {
        this.config = config.checkpoint();
        this.failStop = failStop;
        this.directory = this.config.directory().toAbsolutePath().normalize();
        Upkeep.Policy policy = policy();
        createDirectory();
        this.upkeep = new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().daemon().name("checkpoint-upkeep").factory());
        upkeep.setRemoveOnCancelPolicy(true);
        this.shared = new Checkpoint.Shared(this.config.durability(), policy, groupCommit, upkeep, clock, Disk.REAL,
                failStop::storageFailed);
    }

    private Upkeep.Policy policy() {
        double garbageShare = config.compaction().garbageShare();
        if (!(garbageShare > 0 && garbageShare <= 1)) {
            throw PawlConfig.refusal("pawl.checkpoint.compaction.garbage-share", garbageShare, "a number above 0 and at most 1");
        }
        Duration results = age("pawl.checkpoint.retention.results", config.retention().results());
        Duration lines = age("pawl.checkpoint.retention.lines", config.retention().lines());
        if (results != null && lines != null && lines.compareTo(results) < 0) {
            throw PawlConfig.refusal("pawl.checkpoint.retention.lines", lines, "not below pawl.checkpoint.retention.results, " + results);
        }
        return new Upkeep.Policy(garbageShare, config.compaction().minSize().asLongValue(), results, lines);
    }

    private static Duration age(String key, Optional<Duration> configured) {
        if (configured.isPresent() && configured.get().toSeconds() < 1) {
            throw PawlConfig.refusal(key, configured.get(), "a duration from 1s");
        }
        return configured.orElse(null);
    }

    private void createDirectory() {
        try {
            Files.createDirectories(directory);
            Files.delete(Files.createTempFile(directory, ".writable", ""));
        } catch (IOException e) {
            throw refusal();
        }
    }

    private ConfigurationException refusal() {
        return PawlConfig.refusal("pawl.checkpoint.directory", config.directory(),
                "it must be a directory that this process may create and write; %s is not".formatted(directory));
    }

    /**
     * Opens the checkpoint of a partition that was just assigned. Blocks for as long as loading takes.
     *
     * @throws CheckpointLock.HeldByAnotherException where another process has it open
     */
    public Checkpoint open(String partition) throws IOException {
        Checkpoint checkpoint = Checkpoint.open(file(partition), shared);
        open.put(partition, checkpoint);
        return checkpoint;
    }

    /** The same where there is a mirror; look-ups find what it holds once it is {@linkplain #restored level} with that. */
    public Checkpoint openToRestore(String partition) throws IOException {
        return Checkpoint.openToRestore(file(partition), shared);
    }

    /** @param topic what the broker calls the mirror's topic */
    public Restoration restore(Checkpoint checkpoint, Mirror mirror, String topic) throws IOException {
        return new Restoration(checkpoint, mirror, topic);
    }

    public void restored(String partition, Checkpoint checkpoint) {
        open.put(partition, checkpoint);
    }

    private Path file(String partition) {
        return directory.resolve(partition + ".jsonl");
    }

    /** Closes the checkpoints of revoked partitions, after the appends that were submitted before. */
    public void close(Collection<String> partitions) {
        List<Checkpoint> closing = partitions.stream().map(open::get).filter(Objects::nonNull).toList();
        closing.forEach(Checkpoint::stopAppends);
        long deadlineNs = System.nanoTime() + LAST_WORD.toNanos();
        closing.forEach(checkpoint -> checkpoint.awaitMirror(deadlineNs));
        for (String partition : partitions) {
            Checkpoint checkpoint = open.get(partition);
            if (checkpoint != null) {
                close(partition, checkpoint);
            }
        }
    }

    /** Closes one that may not be level yet. */
    public void close(String partition, Checkpoint checkpoint) {
        open.remove(partition, checkpoint);
        try {
            checkpoint.close();
        } catch (IOException e) {
            LOG.errorf(e, "Closing %s failed", checkpoint.path());
        }
    }

    public boolean isEmpty() {
        return open.isEmpty();
    }

    /** Whether what is known of this partition's documents is known here: {@code documents-3}. */
    public boolean holds(String partition) {
        return open.containsKey(partition);
    }

    /** What the open files hold of a document. The latest word counts: an ID may have come through two partitions. */
    public History find(String id) {
        History found = History.NONE;
        for (Checkpoint checkpoint : open.values()) {
            found = merge(found, checkpoint.find(id));
        }
        return found;
    }

    /** The same, and the lines that tell how it came to that. Reads some megabytes of each file that knows the document: for people. */
    public Trace trace(String id) {
        return new Trace(find(id), open.values().stream()
                .flatMap(checkpoint -> checkpoint.trace(id).stream())
                .sorted(Comparator.comparing(entry -> entry.line().ts()))
                .toList());
    }

    /** How many bytes a partition's file has; 0 where it is not open. */
    public long bytes(String partition) {
        Checkpoint checkpoint = open.get(partition);
        return checkpoint == null ? 0 : checkpoint.end();
    }

    /** The same, with the delivering partition asked first: where it says done, the others need not be asked. */
    public History find(String id, Checkpoint own) {
        History found = own.find(id);
        if (found.last() instanceof CheckpointLine.Done) {
            return found;
        }
        for (Checkpoint other : open.values()) {
            if (other != own) {
                found = merge(found, other.find(id));
            }
        }
        return found;
    }

    /** Of each document as {@link #find(String, Checkpoint)}, where that is done; null for all others. Faster for many. */
    public CheckpointLine.Done[] findDone(List<String> ids, Checkpoint own) {
        CheckpointLine.Done[] found = own.findDone(ids);
        for (int i = 0; i < found.length; i++) {
            if (found[i] == null && find(ids.get(i), own).last() instanceof CheckpointLine.Done done) {
                found[i] = done;
            }
        }
        return found;
    }

    /** A file forgets its own steps at a tombstone: those it has came later, whatever another file forgot. */
    private static History merge(History one, History other) {
        if (other.isEmpty()) {
            return one;
        }
        if (one.isEmpty()) {
            return other;
        }
        boolean otherIsLater = one.last() == null || other.last() != null && other.last().ts().isAfter(one.last().ts());
        History later = otherIsLater ? other : one;
        History earlier = otherIsLater ? one : other;
        if (later.last() instanceof CheckpointLine.Forgotten && earlier.last() != null) {
            return later;
        }
        Map<String, CheckpointLine.StepOutput> steps = new HashMap<>(earlier.steps());
        steps.putAll(later.steps());
        return new History(later.last(), steps);
    }

    /**
     * Makes every file that knows the document forget it. Another partition's that is closed meanwhile is its next owner's; that of the
     * tombstone itself has to.
     */
    public CompletableFuture<Void> forget(CheckpointLine.Forgotten line, Checkpoint own) {
        return CompletableFuture.allOf(open.values().stream()
                .map(checkpoint -> checkpoint == own ? own.forget(line) : checkpoint.forget(line).exceptionallyCompose(Checkpoints::unlessClosed))
                .toArray(CompletableFuture[]::new));
    }

    private static CompletableFuture<Void> unlessClosed(Throwable e) {
        boolean closed = e instanceof Checkpoint.ClosedException || e.getCause() instanceof Checkpoint.ClosedException;
        return closed ? CompletableFuture.completedFuture(null) : CompletableFuture.failedFuture(e);
    }

    /** Documents by their last word, over all open files. */
    public Totals totals() {
        return new Totals(documents(Status.DONE), documents(Status.FAILED), documents(Status.FORGOTTEN), documents(Status.STEP));
    }

    public record Totals(int done, int failed, int forgotten, int unfinished) {

        /** Each document once. */
        public int sum() {
            return done + failed + forgotten + unfinished;
        }

        public Totals plus(Totals other) {
            return new Totals(done + other.done, failed + other.failed, forgotten + other.forgotten, unfinished + other.unfinished);
        }
    }

    private int documents(Status status) {
        return open.values().stream().mapToInt(checkpoint -> checkpoint.documents(status)).sum();
    }

    /** Bytes of all open files, and those of them that no look-up leads to any more, until a compaction. */
    public long bytes() {
        return open.values().stream().mapToLong(Checkpoint::end).sum();
    }

    public long garbageBytes() {
        return open.values().stream().mapToLong(Checkpoint::garbageBytes).sum();
    }

    /**
     * What was written and forced since the start.
     *
     * @param groups each with one call and one fsync
     * @param lines in them
     * @param nanos that took together
     */
    public record Writes(long groups, long lines, long nanos) {

        Writes plus(int moreLines, long moreNanos) {
            return new Writes(groups + 1, lines + moreLines, nanos + moreNanos);
        }
    }

    public Writes writes() {
        return groupCommit.writes();
    }

    /** Entries that the mirror has not confirmed yet. */
    public int mirrorUnderWay() {
        return open.values().stream().mapToInt(Checkpoint::mirrorUnderWay).sum();
    }

    /** Why no more can be appended; empty while all is well. */
    public Optional<String> failure() {
        return failStop.reason();
    }

    @PreDestroy
    void closeAll() {
        close(List.copyOf(open.keySet()));
        groupCommit.close();
        upkeep.shutdownNow();
    }
}
