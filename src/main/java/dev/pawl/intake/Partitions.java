package dev.pawl.intake;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;

import jakarta.inject.Singleton;

import org.apache.kafka.common.TopicPartition;
import org.jboss.logging.Logger;

import dev.pawl.PawlConfig;
import dev.pawl.checkpoint.Checkpoints;

/**
 * The partitions this process owns. Kafka decides which; their checkpoints follow: opened and loaded before the first record
 * of a partition is taken, closed after the last document of it has left. Thread-safe.
 */
@Singleton
public final class Partitions {

    private static final Logger LOG = Logger.getLogger(Partitions.class);

    private final Checkpoints checkpoints;
    private final Takeovers takeovers;
    private final Duration drain;
    private final Map<TopicPartition, Assignment> assignments = new ConcurrentHashMap<>();

    private volatile Runnable onIdle = () -> { };
    private volatile Runnable onChange = () -> { };

    Partitions(Checkpoints checkpoints, Takeovers takeovers, PawlConfig config) {
        this.checkpoints = checkpoints;
        this.takeovers = takeovers;
        this.drain = config.shutdown().drain();
    }

    /** Null where the partition is not, or no longer, this process's. */
    Assignment assignment(TopicPartition partition) {
        return assignments.get(partition);
    }

    /**
     * On the connector's event loop, which delivers batches as well: one that was polled before cannot be taken for the new
     * assignment's, whose offsets it would confuse.
     */
    void assigned(TopicPartition partition, Assignment assignment) {
        assignments.put(partition, assignment);
        onChange.run();
    }

    /** The offset up to which everything of a partition is settled, for each of those given that are this process's. */
    Map<TopicPartition, Long> committable(Collection<TopicPartition> partitions) {
        Map<TopicPartition, Long> offsets = new HashMap<>();
        for (TopicPartition partition : partitions) {
            Assignment assignment = assignments.get(partition);
            if (assignment != null) {
                offsets.put(partition, assignment.committable());
            }
        }
        return offsets;
    }

    /** On the poll thread, which must not poll on before the documents in work have left. */
    void drain(Collection<TopicPartition> partitions) {
        List<Assignment> leaving = partitions.stream().map(assignments::get).filter(Objects::nonNull).toList();
        leaving.forEach(Assignment::beginLeaving);
        int inWork = leaving.stream().mapToInt(Assignment::inWork).sum();
        if (inWork > 0) {
            LOG.infof("Waiting for %d documents in work, at most %s", inWork, drain);
        }
        long deadline = System.nanoTime() + drain.toNanos();
        for (Assignment assignment : leaving) {
            Duration left = Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
            if (!assignment.awaitIdle(left)) {
                LOG.warnf("%s: %d documents were still in work after pawl.shutdown.drain (%s); the next owner takes them up, and what they are answered now is lost",
                        assignment.partition(), assignment.inWork(), drain);
            }
        }
    }

    /** After the offsets of what was drained are committed. */
    void closed(Collection<TopicPartition> partitions) {
        List<String> closed = new ArrayList<>();
        for (TopicPartition partition : partitions) {
            if (assignments.remove(partition) != null) {
                closed.add(partition.toString());
            }
        }
        checkpoints.close(closed);
        onChange.run();
    }

    void drainAll() {
        drain(List.copyOf(assignments.keySet()));
    }

    /** Lets an action be run whenever no document is in work any more. Before the first is taken. */
    void onIdle(Runnable action) {
        onIdle = action;
    }

    /** Runs an action, and again whenever partitions have come or gone. */
    public void onChange(Runnable action) {
        onChange = action;
        action.run();
    }

    /** On the connector's event loop. */
    void idle() {
        onIdle.run();
    }

    Map<TopicPartition, Assignment> assignments() {
        return assignments;
    }

    /**
     * How far a partition is.
     *
     * @param settled the offset up to which everything is; it is committed within a second
     * @param end where its log ends
     */
    public record Lag(String partition, long lag, int inWork, long settled, long end) {}

    /**
     * A partition that is assigned and whose records don't come yet.
     *
     * @param read entries of its mirror that have been read
     * @param entries that have to be; 0 while that is not known
     * @param holder the process that holds its file; null where it is not held
     */
    public record Waiting(String partition, long read, long entries, String holder) {}

    public List<Waiting> takeovers() {
        return takeovers.waiting();
    }

    public List<Lag> lags() {
        return assignments.values().stream()
                .map(assignment -> new Lag(assignment.partition(), assignment.lag(), assignment.inWork(), assignment.committable(), assignment.logEnd()))
                .sorted(Comparator.comparing(Lag::partition))
                .toList();
    }
}
