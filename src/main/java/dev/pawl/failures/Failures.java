package dev.pawl.failures;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.stream.Collectors;

import jakarta.inject.Inject;
import jakarta.inject.Singleton;

import org.apache.kafka.common.KafkaException;
import org.jboss.logging.Logger;

import dev.pawl.Failure;
import dev.pawl.PawlConfig;
import dev.pawl.checkpoint.CheckpointLine;
import dev.pawl.checkpoint.Checkpoints;
import dev.pawl.failures.DeadLetterTopic.Found;
import dev.pawl.failures.DeadLetterTopic.Range;
import io.smallrye.common.annotation.Identifier;

/**
 * The dead letters, read back from their topic, and replayed. What is open is remembered, so that a call reads only what came
 * since the last. Calls take turns, so that two replays at a time publish nothing twice. They block, each for some
 * {@linkplain #PATIENCE seconds} a stage; what one does not come to, it says, and the next goes on there. Thread-safe.
 */
@Singleton
public final class Failures {

    private static final Logger LOG = Logger.getLogger(Failures.class);

    /** Some 250 bytes of heap each. */
    private static final int MOST_OPEN = 50_000;
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final Duration TURN = Duration.ofSeconds(30);

    private static final String REPLAYED_BEFORE = "replayed before";
    private static final String NOT_OPEN = "no dead letter of it is open here";
    private static final String NOT_READ_YET = "not among the dead letters that were read so far";

    private final Map<String, Object> connection;
    private final String documents;
    private final String deadLetters;
    private final Checkpoints checkpoints;
    private final ReentrantLock turns = new ReentrantLock(true);
    /** Guarded by {@link #turns}, as is what follows. */
    private final OpenFailures open;
    /** The offset of the first letter that {@link #open} has not seen, by partition. */
    private final Map<Integer, Long> next = new TreeMap<>();

    @Inject
    Failures(@Identifier("default-kafka-broker") Map<String, Object> connection, PawlConfig config, Checkpoints checkpoints) {
        this(connection, config, checkpoints, MOST_OPEN);
    }

    Failures(Map<String, Object> connection, PawlConfig config, Checkpoints checkpoints, int mostOpen) {
        this.connection = connection;
        this.documents = config.topics().documents();
        this.deadLetters = config.topics().deadLetters();
        this.checkpoints = checkpoints;
        this.open = new OpenFailures(documents, mostOpen, checkpoints::holds, this::lastWord);
    }

    private CheckpointLine lastWord(String id) {
        return checkpoints.find(id).last();
    }

    /** The broker did not answer, or other calls took too long. */
    public static final class UnavailableException extends RuntimeException {
        UnavailableException(String message) {
            super(message, null, false, false);
        }
    }

    private <T> T inTurn(Function<DeadLetterTopic, T> call) {
        try {
            if (!turns.tryLock(TURN.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new UnavailableException("other calls are reading the dead letters; try again later");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UnavailableException("interrupted");
        }
        try (DeadLetterTopic topic = new DeadLetterTopic(connection, deadLetters)) {
            return call.apply(topic);
        } catch (KafkaException e) {
            throw new UnavailableException("the broker did not answer: " + e.getMessage());
        } finally {
            turns.unlock();
        }
    }

    /** Whether every letter up to {@code ranges} has been seen: there was time, and room for those that are open. */
    private boolean catchUp(DeadLetterTopic topic, Map<Integer, Range> ranges, Deadline deadline) {
        boolean anotherTopic = next.entrySet().stream()
                .anyMatch(seen -> !ranges.containsKey(seen.getKey()) || ranges.get(seen.getKey()).end() < seen.getValue());
        if (anotherTopic || open.missedSome()) {
            open.startAnew();
            next.clear();
        }
        open.recheck();
        ranges.forEach((partition, range) -> {
            open.removeBefore(new TopicPosition(deadLetters, partition, range.begin()));
            next.merge(partition, range.begin(), Math::max);
        });
        topic.scan(next, ranges, deadline, record -> {
            if (open.isFull()) {
                return false;
            }
            DeadLetter.of(record).ifPresent(open::see);
            return true;
        });
        return ranges.entrySet().stream().allMatch(range -> next.get(range.getKey()) >= range.getValue().end());
    }

    // ---- List ----

    /** A position in the dead-letter topic, as {@link TopicPosition} writes it; empty where the text is none. */
    public Optional<TopicPosition> position(String text) {
        return TopicPosition.parse(text).filter(position -> position.topic().equals(deadLetters));
    }

    /**
     * @param open null where this process can't know: another holds the partition of the failed record
     */
    public record Entry(DeadLetter letter, Boolean open) {}

    /**
     * @param kinds how many are open, by kind
     * @param complete whether {@code kinds} counts the whole topic; where it does not, the next call counts on
     * @param elsewhere partitions whose letters are not counted, since this process does not hold them
     * @param next what to ask for after these entries; null where they are the last
     */
    public record Page(Map<Failure.Kind, Integer> kinds, boolean complete, Set<String> elsewhere, List<Entry> entries,
            TopicPosition next) {}

    /**
     * Dead letters in the order of their positions.
     *
     * @param kind null for all kinds
     * @param after the position to begin behind; null to begin with the first
     * @param limit the most entries, from 1
     * @param closedToo whether letters that are not open are listed as well, and each as often as it is in the topic
     */
    public Page list(Failure.Kind kind, TopicPosition after, int limit, boolean closedToo) {
        return inTurn(topic -> {
            Map<Integer, Range> ranges = topic.ranges();
            boolean complete = catchUp(topic, ranges, Deadline.in(PATIENCE));
            Entries entries = closedToo ? everyLetter(topic, ranges, kind, after, limit) : openLetters(topic, kind, after, limit);
            return new Page(open.kinds(), complete, open.elsewhere(), entries.found, entries.atEnd ? null : entries.last);
        });
    }

    /** A page in the making. */
    private static final class Entries {

        private final List<Entry> found = new ArrayList<>();
        /** The last position that was looked at; at first the one to begin behind. */
        private TopicPosition last;
        private boolean atEnd;

        Entries(TopicPosition after) {
            this.last = after;
        }

        void end(boolean atEnd) {
            this.atEnd = atEnd;
            if (!atEnd && last == null) {
                throw new UnavailableException("the broker gave no dead letter within %s".formatted(PATIENCE));
            }
        }
    }

    private Entries openLetters(DeadLetterTopic topic, Failure.Kind kind, TopicPosition after, int limit) {
        List<OpenFailure> wanted = open.after(after).stream().filter(failure -> kind == null || failure.kind() == kind).toList();
        Entries entries = new Entries(after);
        topic.read(wanted.subList(0, Math.min(limit, wanted.size())), Deadline.in(PATIENCE), group -> group.forEach(found -> {
            entries.last = found.failure().position();
            if (found.isGone()) {
                open.remove(found.failure());
            } else {
                DeadLetter.of(found.record()).ifPresent(letter -> entries.found.add(new Entry(letter, true)));
            }
        }));
        entries.end(wanted.isEmpty() || wanted.getLast().position().equals(entries.last));
        return entries;
    }

    private Entries everyLetter(DeadLetterTopic topic, Map<Integer, Range> ranges, Failure.Kind kind, TopicPosition after, int limit) {
        Entries entries = new Entries(after);
        Deadline deadline = Deadline.in(PATIENCE);
        for (Map.Entry<Integer, Range> range : ranges.entrySet()) {
            int partition = range.getKey();
            if (after != null && after.partition() > partition) {
                continue;
            }
            long begin = range.getValue().begin();
            long first = after != null && after.partition() == partition ? Math.max(begin, after.offset() + 1) : begin;
            Map<Integer, Long> place = new TreeMap<>(Map.of(partition, first));
            topic.scan(place, ranges, deadline, record -> {
                if (entries.found.size() == limit) {
                    return false;
                }
                entries.last = new TopicPosition(deadLetters, partition, record.offset());
                DeadLetter.of(record)
                        .filter(letter -> letter.source().topic().equals(documents) && (kind == null || letter.kind() == kind))
                        .ifPresent(letter -> entries.found.add(new Entry(letter, isOpen(letter))));
                return true;
            });
            if (place.get(partition) < range.getValue().end()) {
                entries.end(false);
                return entries;
            }
        }
        entries.end(true);
        return entries;
    }

    private Boolean isOpen(DeadLetter letter) {
        if (!checkpoints.holds(letter.source().topicPartition())) {
            return null;
        }
        boolean seen = letter.position().offset() < next.get(letter.position().partition());
        return seen ? open.contains(letter.position()) : open.isOpen(OpenFailure.of(letter));
    }

    // ---- Replay ----

    /**
     * @param replayed records that the broker has again
     * @param skipped what was asked for and not replayed, by reason: IDs or sources
     * @param complete whether the selection was worked off; where it was not, the next call goes on
     * @param elsewhere as in {@link Page}
     */
    public record Replayed(int replayed, Map<String, List<String>> skipped, boolean complete, Set<String> elsewhere) {}

    /**
     * Publishes the records of open dead letters again, as they were received, and returns when the broker has them. Only those that
     * were in the topic when the call began: one that fails at once is not caught again.
     *
     * @throws UnavailableException where the broker did not take them all; what it took is not open any more
     */
    public Replayed replay(Selection selection) {
        return inTurn(topic -> {
            Map<Integer, Range> ranges = topic.ranges();
            Deadline deadline = Deadline.in(PATIENCE);
            Tally tally = new Tally();
            boolean complete;
            List<OpenFailure> chosen;
            try (Republisher republisher = new Republisher(connection)) {
                do {
                    complete = catchUp(topic, ranges, deadline);
                    chosen = choose(selection, tally);
                    topic.read(chosen, deadline, group -> republish(republisher, group, tally));
                } while (!complete && !chosen.isEmpty() && !deadline.hasPassed());
            } catch (KafkaException e) {
                throw new UnavailableException("the broker took %d dead letters back and did not answer for more: %s; call again for the rest"
                        .formatted(tally.replayed, e.getMessage()));
            } finally {
                if (tally.replayed > 0) {
                    LOG.infof("%d dead letters were replayed", tally.replayed);
                }
            }
            boolean workedOff = complete && choose(selection, tally).isEmpty();
            explainOthers(selection, tally, complete ? NOT_OPEN : NOT_READ_YET);
            return new Replayed(tally.replayed, tally.skipped, workedOff, open.elsewhere());
        });
    }

    /** What has become of a selection so far. */
    private static final class Tally {

        private int replayed;
        private final Set<String> ids = new HashSet<>();
        private final Set<TopicPosition> sources = new HashSet<>();
        private final Map<String, List<String>> skipped = new TreeMap<>();

        void answered(OpenFailure failure) {
            sources.add(failure.source());
            if (failure.id() != null) {
                ids.add(failure.id());
            }
        }

        void skip(String reason, String name) {
            skipped.computeIfAbsent(reason, _ -> new ArrayList<>()).add(name);
        }
    }

    /** What of the selection is open and not answered yet, in the order of positions. */
    private List<OpenFailure> choose(Selection selection, Tally tally) {
        return (switch (selection) {
            case Selection.All _ -> open.all().stream();
            case Selection.OfKind(Failure.Kind kind) -> open.all().stream().filter(failure -> failure.kind() == kind);
            case Selection.Ids(Set<String> ids) -> ids.stream().map(open::ofDocument).flatMap(Optional::stream).sorted();
            case Selection.Sources(Set<TopicPosition> sources) -> open.all().stream().filter(failure -> sources.contains(failure.source()));
        }).filter(failure -> !tally.sources.contains(failure.source())).toList();
    }

    private void republish(Republisher republisher, List<Found> group, Tally tally) {
        group.stream().filter(Found::isGone).map(Found::failure).forEach(failure -> {
            open.remove(failure);
            tally.answered(failure);
            tally.skip("its dead letter is no longer in the topic", failure.document().toString());
        });
        republisher.publish(group.stream().filter(found -> !found.isGone()).toList(), (failure, taken) -> {
            tally.answered(failure);
            if (taken) {
                open.replayed(failure);
                tally.replayed++;
            } else {
                tally.skip("the broker takes no record of this size", failure.document().toString());
            }
        });
    }

    /**
     * Says of each ID and source that was named why it was not replayed.
     *
     * @param unknown the reason where neither the checkpoint nor this process knows one
     */
    private void explainOthers(Selection selection, Tally tally, String unknown) {
        Set<TopicPosition> stillOpen = open.all().stream().map(OpenFailure::source).collect(Collectors.toSet());
        switch (selection) {
            case Selection.All _, Selection.OfKind _ -> { }
            case Selection.Ids(Set<String> ids) -> ids.stream()
                    .filter(id -> !tally.ids.contains(id) && open.ofDocument(id).isEmpty())
                    .forEach(id -> tally.skip(whyNotOpen(id, unknown), id));
            case Selection.Sources(Set<TopicPosition> sources) -> sources.stream()
                    .filter(source -> !tally.sources.contains(source) && !stillOpen.contains(source))
                    .forEach(source -> tally.skip(whyNotOpen(source, unknown), source.toString()));
        }
    }

    private String whyNotOpen(String id, String unknown) {
        return switch (lastWord(id)) {
            case CheckpointLine.Done _ -> "done";
            case CheckpointLine.Forgotten _ -> "forgotten";
            case CheckpointLine.Failed failed when failed.source() != null
                    && TopicPosition.parse(failed.source()).filter(open::wasReplayed).isPresent() -> REPLAYED_BEFORE;
            case null, default -> unknown;
        };
    }

    private String whyNotOpen(TopicPosition source, String unknown) {
        if (!source.topic().equals(documents)) {
            return "not of the topic " + documents;
        }
        if (!checkpoints.holds(source.topicPartition())) {
            return "another process holds its partition";
        }
        return open.wasReplayed(source) ? REPLAYED_BEFORE : unknown;
    }
}
