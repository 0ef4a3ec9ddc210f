package dev.pawl.intake;

import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

import jakarta.inject.Singleton;

import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.jboss.logging.Logger;

/**
 * What people mean by "the batch": the records that were published since there was last nothing to do for {@link #REST}. How far it is, a
 * progress bar shows.
 *
 * <p>Where it begins is part of each commit, as its metadata, so that it outlives the process and goes with the partition:
 *
 * <pre>
 * from offset 847 on, since then
 * 847@2026-11-23T09:35:12Z
 * </pre>
 *
 * Without it, as at the first start, it begins where the log does. Thread-safe.
 */
@Singleton
public final class Backlog {

    private static final Logger LOG = Logger.getLogger(Backlog.class);

    /** Documents that trickle in are one backlog, not one each. */
    static final Duration REST = Duration.ofMinutes(1);

    record Begin(long offset, Instant since) {

        String written() {
            return offset + "@" + since.truncatedTo(ChronoUnit.SECONDS);
        }

        /** Null where another wrote the metadata, or nobody. */
        static Begin read(String metadata) {
            int at = metadata.indexOf('@');
            try {
                return at < 1 ? null : new Begin(Long.parseLong(metadata, 0, at, 10), Instant.parse(metadata.substring(at + 1)));
            } catch (NumberFormatException | DateTimeException e) {
                return null;
            }
        }
    }

    private final Clock clock;
    /** Guarded by this, as what follows. */
    private final Map<TopicPartition, Begin> begins = new HashMap<>();
    private long published;
    private Instant grownAt;
    /** Since when there is nothing to do; null while there is. */
    private Instant restingSince;
    /** Whether this process has seen anything to do. What was done before it started, it can't say when. */
    private boolean sawWork;

    Backlog(Clock clock) {
        this.clock = clock;
        this.grownAt = clock.instant();
    }

    /** On the poll thread. Asks the broker. */
    void assigned(Consumer<?, ?> consumer, Collection<TopicPartition> partitions) {
        Map<TopicPartition, Long> logBegins;
        Map<TopicPartition, OffsetAndMetadata> committed;
        try {
            logBegins = consumer.beginningOffsets(partitions);
            committed = consumer.committed(Set.copyOf(partitions));
        } catch (KafkaException e) {
            LOG.debugf("Where the backlog begins is not known: %s", e.getMessage());
            return;
        }
        synchronized (this) {
            for (TopicPartition partition : partitions) {
                OffsetAndMetadata known = committed.get(partition);
                Begin begin = known == null ? null : Begin.read(known.metadata());
                begins.putIfAbsent(partition, begin != null ? begin : new Begin(logBegins.getOrDefault(partition, 0L), clock.instant()));
            }
        }
    }

    synchronized void revoked(Collection<TopicPartition> partitions) {
        begins.keySet().removeAll(partitions);
    }

    /** What a commit is to remember of a partition. */
    synchronized String written(TopicPartition partition) {
        Begin begin = begins.get(partition);
        return begin == null ? "" : begin.written();
    }

    /** Now and then: the partitions of this process, and where their logs end at present. */
    synchronized void observe(Map<TopicPartition, Assignment> assignments, Map<TopicPartition, Long> ends) {
        Instant now = clock.instant();
        boolean grew = ends.entrySet().stream().anyMatch(end -> end.getValue() > assignments.get(end.getKey()).logEnd());
        if (grew && restingSince != null && !now.isBefore(restingSince.plus(REST))) {
            ends.keySet().forEach(partition -> begins.put(partition, new Begin(assignments.get(partition).logEnd(), now)));
        }
        ends.forEach((partition, end) -> assignments.get(partition).observe(end));
        if (grew) {
            grownAt = now;
        }
        boolean resting = ends.keySet().stream().allMatch(partition -> assignments.get(partition).lag() == 0);
        sawWork |= grew || !resting;
        if (!resting) {
            restingSince = null;
        } else if (grew || restingSince == null) {
            restingSince = now;
        }
        published = ends.keySet().stream()
                .mapToLong(partition -> assignments.get(partition).logEnd() - beginOf(partition, assignments.get(partition)))
                .sum();
    }

    private long beginOf(TopicPartition partition, Assignment assignment) {
        Begin begin = begins.get(partition);
        return begin == null ? assignment.logEnd() : begin.offset();
    }

    /**
     * @param published records of this process's partitions since the backlog began
     * @param publishedBy when the last of them were noticed
     * @param since when it began; null while no partition is this process's
     * @param doneAt since when all of them are settled; null while they are not, and where they were before this process started
     */
    public record State(long published, Instant publishedBy, Instant since, Instant doneAt) {}

    public synchronized State state() {
        return new State(published, grownAt, begins.values().stream().map(Begin::since).min(Comparator.naturalOrder()).orElse(null), sawWork ? restingSince : null);
    }
}
