package dev.pawl.failures;

import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;

import dev.pawl.Failure;
import dev.pawl.checkpoint.CheckpointLine;

/**
 * The dead letters that are open, out of all that were seen in the topic:
 *
 * <pre>
 * the checkpoint's last word on the document    its dead letter is
 * ──────────────────────────────────────────    ──────────────────────────────────────────────────────────
 * done, forgotten                               not open
 * failed, by this record                        open, once, however many letters say so
 * failed, by another record                     not open: it failed again, and that letter is
 * none, or failed without a source              open, if it is the document's latest
 * (a record that holds no document)             open
 * </pre>
 *
 * One that was replayed is not open either, whatever becomes of it: it leads to a done line or to a letter of its own. Of partitions
 * that another process holds nothing is known here, so their letters are passed over.
 *
 * <p>Bounded: at {@code limit} letters it {@linkplain #isFull is full} and sees no more until some are closed. Not thread-safe.
 */
final class OpenFailures {

    private final String topic;
    private final int limit;
    private final Predicate<String> held;
    private final Function<String, CheckpointLine> lastWord;

    private final NavigableMap<TopicPosition, OpenFailure> byPosition = new TreeMap<>();
    private final Map<Object, OpenFailure> byDocument = new HashMap<>();
    private final Set<String> elsewhere = new TreeSet<>();
    /** The last ones: the checkpoint knows of the others by then, or a later letter does. */
    private final Map<TopicPosition, Boolean> replayed = new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<TopicPosition, Boolean> eldest) {
            return size() > limit;
        }
    };

    /**
     * @param topic the documents topic: letters of another's records are not ours
     * @param held whether this process knows of the partition's documents
     * @param lastWord the checkpoint's last done, failed or forgotten line of a document; null where it has none
     */
    OpenFailures(String topic, int limit, Predicate<String> held, Function<String, CheckpointLine> lastWord) {
        this.topic = topic;
        this.limit = limit;
        this.held = held;
        this.lastWord = lastWord;
    }

    boolean isFull() {
        return byPosition.size() >= limit;
    }

    /** For each letter of the topic, once. */
    void see(DeadLetter letter) {
        OpenFailure failure = OpenFailure.of(letter);
        if (!isOurs(failure)) {
            return;
        }
        if (letter.id() == null && letter.replayOf() != null) {
            replayed.put(letter.replayOf(), true);
            Optional.ofNullable(byDocument.get(letter.replayOf())).ifPresent(this::remove);
        }
        if (!isOpen(failure)) {
            return;
        }
        OpenFailure other = byDocument.get(failure.document());
        if (other != null) {
            boolean later = !other.source().equals(failure.source()) && !failure.failedAt().isBefore(other.failedAt());
            if (isOpen(other) && !later) {
                return;
            }
            remove(other);
        }
        byDocument.put(failure.document(), failure);
        byPosition.put(failure.position(), failure);
    }

    private boolean isOurs(OpenFailure failure) {
        if (!failure.source().topic().equals(topic)) {
            return false;
        }
        boolean here = held.test(failure.source().topicPartition());
        if (!here) {
            elsewhere.add(failure.source().topicPartition());
        }
        return here;
    }

    boolean isOpen(OpenFailure failure) {
        if (replayed.containsKey(failure.source())) {
            return false;
        }
        if (failure.id() == null) {
            return true;
        }
        return switch (lastWord.apply(failure.id())) {
            case CheckpointLine.Done _, CheckpointLine.Forgotten _ -> false;
            // A record that once held no document left no line.
            case CheckpointLine.Failed failed when failed.source() != null && failure.kind() != Failure.Kind.INVALID_DOCUMENT ->
                failed.source().equals(failure.source().toString());
            case null, default -> true;
        };
    }

    /** Closes what has ended since, and what went to another process. */
    void recheck() {
        List.copyOf(byPosition.values()).stream().filter(failure -> !isOpen(failure) || !isOurs(failure)).forEach(this::remove);
    }

    /** The broker has the record again. */
    void replayed(OpenFailure failure) {
        replayed.put(failure.source(), true);
        remove(failure);
    }

    boolean wasReplayed(TopicPosition source) {
        return replayed.containsKey(source);
    }

    /** The topic does not have the letter any more. */
    void remove(OpenFailure failure) {
        byPosition.remove(failure.position(), failure);
        byDocument.remove(failure.document(), failure);
    }

    /** The partition begins here now. */
    void removeBefore(TopicPosition begin) {
        TopicPosition first = new TopicPosition(begin.topic(), begin.partition(), 0);
        List.copyOf(byPosition.subMap(first, begin).values()).forEach(this::remove);
    }

    /** Whether letters were passed over that would not be now. */
    boolean missedSome() {
        return elsewhere.stream().anyMatch(held);
    }

    /** As before the first letter; what was replayed stays so. */
    void startAnew() {
        byPosition.clear();
        byDocument.clear();
        elsewhere.clear();
    }

    Optional<OpenFailure> ofDocument(String id) {
        return Optional.ofNullable(byDocument.get(id));
    }

    boolean contains(TopicPosition position) {
        return byPosition.containsKey(position);
    }

    /** In the order of their positions. */
    List<OpenFailure> all() {
        return List.copyOf(byPosition.values());
    }

    /** In the order of their positions; from the first where {@code position} is null. */
    List<OpenFailure> after(TopicPosition position) {
        return List.copyOf((position == null ? byPosition : byPosition.tailMap(position, false)).values());
    }

    Map<Failure.Kind, Integer> kinds() {
        Map<Failure.Kind, Integer> kinds = new EnumMap<>(Failure.Kind.class);
        byPosition.values().forEach(failure -> kinds.merge(failure.kind(), 1, Integer::sum));
        return kinds;
    }

    /** Partitions whose letters were passed over: another process, or none, holds them. */
    Set<String> elsewhere() {
        return Set.copyOf(elsewhere);
    }
}
