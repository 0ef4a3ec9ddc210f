package dev.pawl.checkpoint;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongPredicate;
import java.util.function.ToLongFunction;

import com.dynatrace.hash4j.hashing.Hasher64;
import com.dynatrace.hash4j.hashing.Hashing;

import dev.pawl.checkpoint.LineFormat.Status;

/**
 * Finds the lines of a document: a 64-bit hash of its ID leads to the position of its last done, failed or forgotten
 * line, and, while it is unfinished, its ID to its step lines. 20 to 28 bytes of heap a document; the lines stay on disk,
 * and whoever follows a position confirms the ID there. Two IDs with one hash are rare (one chance in 370,000 among ten million)
 * and told apart: the second is kept by its ID.
 *
 * <p>Knows as well how many bytes of the file are still pointed to: all others are garbage.
 *
 * <p>Thread-safe; no method does input or output but {@link #put}, which may read one line back.
 */
final class CheckpointIndex {

    /** The first bits of a hash choose one of 1,024 tables: each grows for itself, in less than a millisecond. */
    static final int TABLE_BITS = 10;
    static final int TABLES = 1 << TABLE_BITS;

    /** Reads the ID of the line at a position. */
    @FunctionalInterface
    interface IdReader {
        String idAt(long position);
    }

    /** A step's line of a document that is not done. */
    record StepLine(String step, long position) {}

    /** Where a document's lines are. {@code last} is {@link LinePosition#NONE} where it has none. */
    record Positions(long last, StepLine[] steps) {}

    private static final Hasher64 HASH = Hashing.xxh3_64();
    private static final StepLine[] NO_STEPS = {};

    private final IdReader ids;
    private final ToLongFunction<String> hash;
    private final PositionTable[] tables = new PositionTable[TABLES];
    private final Map<String, StepLine[]> steps = new HashMap<>();
    private final Map<String, Long> collisions = new HashMap<>();
    private final int[] documentsByStatus = new int[Status.values().length];
    private long liveBytes;
    /** What stood in the tables when {@link #beginSnapshot} was called and was replaced since; null without a snapshot. */
    private Map<Long, Long> replaced;

    CheckpointIndex(IdReader ids) {
        this(ids, id -> HASH.hashBytesToLong(id.getBytes(StandardCharsets.UTF_8)));
    }

    /** With a hash of one's own, so that tests can bring collisions about. */
    CheckpointIndex(IdReader ids, ToLongFunction<String> hash) {
        this.ids = ids;
        this.hash = hash;
        Arrays.setAll(tables, _ -> new PositionTable());
    }

    synchronized Positions find(String id) {
        return new Positions(last(id), steps.getOrDefault(id, NO_STEPS));
    }

    /** What {@link Positions#last} says of each. */
    long[] find(List<String> ids) {
        long[] found = new long[ids.size()];
        for (int i = 0; i < found.length; i++) {
            found[i] = hash.applyAsLong(ids.get(i));
        }
        synchronized (this) {
            // One after the other, with nothing between: the processor waits for the memory of several at a time.
            for (int i = 0; i < found.length; i++) {
                found[i] = last(ids.get(i), found[i]);
            }
        }
        return found;
    }

    private long last(String id) {
        return last(id, hash.applyAsLong(id));
    }

    private long last(String id, long hash) {
        Long collision = collisions.isEmpty() ? null : collisions.get(id);
        return collision != null ? collision : table(hash).get(hash);
    }

    /** @param step the step's name in a step line, else null */
    synchronized void put(String id, String step, long position) {
        Status status = LinePosition.status(position);
        liveBytes += LinePosition.size(position);
        if (status == Status.STEP) {
            putStep(id, new StepLine(step, position));
            return;
        }
        // A finished document's outputs are in its done line; a forgotten one's count no more. A failed one runs again.
        if (status != Status.FAILED) {
            forgetSteps(id);
        }
        long previous = replace(id, position);
        if (previous != LinePosition.NONE) {
            documentsByStatus[LinePosition.status(previous).ordinal()]--;
            liveBytes -= LinePosition.size(previous);
        }
        documentsByStatus[status.ordinal()]++;
    }

    private void putStep(String id, StepLine line) {
        StepLine[] known = steps.getOrDefault(id, NO_STEPS);
        for (int i = 0; i < known.length; i++) {
            if (known[i].step().equals(line.step())) {
                liveBytes -= LinePosition.size(known[i].position());
                StepLine[] others = known.clone();
                others[i] = line;
                steps.put(id, others);
                return;
            }
        }
        StepLine[] more = Arrays.copyOf(known, known.length + 1);
        more[known.length] = line;
        steps.put(id, more);
    }

    private void forgetSteps(String id) {
        if (steps.isEmpty()) {
            return;
        }
        StepLine[] known = steps.remove(id);
        if (known != null) {
            for (StepLine line : known) {
                liveBytes -= LinePosition.size(line.position());
            }
        }
    }

    private long replace(String id, long position) {
        Long collision = collisions.isEmpty() ? null : collisions.get(id);
        if (collision != null) {
            collisions.put(id, position);
            return collision;
        }
        long hash = this.hash.applyAsLong(id);
        PositionTable table = table(hash);
        long previous = table.get(hash);
        if (previous != LinePosition.NONE && !id.equals(ids.idAt(previous))) {
            collisions.put(id, position);
            return LinePosition.NONE;
        }
        if (previous != LinePosition.NONE && replaced != null) {
            replaced.putIfAbsent(hash, previous);
        }
        table.put(hash, position);
        return previous;
    }

    /** Whether this line is one that a look-up leads to, or garbage. */
    synchronized boolean isLive(String id, String step, long position) {
        if (LinePosition.status(position) != Status.STEP) {
            return last(id) == position;
        }
        return stepAt(id, step) == position;
    }

    private long stepAt(String id, String step) {
        for (StepLine line : steps.getOrDefault(id, NO_STEPS)) {
            if (line.step().equals(step)) {
                return line.position();
            }
        }
        return LinePosition.NONE;
    }

    /** Lets the index point to where a line stands now, unless a later line has taken its place meanwhile. */
    synchronized void move(String id, String step, long to, LongPredicate moved) {
        boolean isStep = LinePosition.status(to) == Status.STEP;
        long from = isStep ? stepAt(id, step) : last(id);
        if (from == LinePosition.NONE || LinePosition.status(from) != LinePosition.status(to) || !moved.test(from)) {
            return;
        }
        liveBytes += LinePosition.size(to) - LinePosition.size(from);
        if (isStep) {
            steps.computeIfPresent(id, (_, lines) -> Arrays.stream(lines)
                    .map(line -> line.position() == from ? new StepLine(step, to) : line)
                    .toArray(StepLine[]::new));
        } else if (collisions.containsKey(id)) {
            collisions.put(id, to);
        } else {
            long hash = this.hash.applyAsLong(id);
            table(hash).put(hash, to);
        }
    }

    /** Lets the index know nothing any more of the lines whose positions are such. */
    synchronized void drop(LongPredicate dropped) {
        steps.replaceAll((_, lines) -> {
            StepLine[] others = Arrays.stream(lines).filter(line -> !dropped.test(line.position())).toArray(StepLine[]::new);
            for (StepLine line : lines) {
                liveBytes -= dropped.test(line.position()) ? LinePosition.size(line.position()) : 0;
            }
            return others;
        });
        steps.values().removeIf(lines -> lines.length == 0);
        collisions.values().removeIf(position -> dropped.test(position) && ended(position));
        for (PositionTable table : tables) {
            List<Long> hashes = new ArrayList<>();
            table.forEach((hash, position) -> {
                if (dropped.test(position) && ended(position)) {
                    hashes.add(hash);
                }
            });
            hashes.forEach(table::remove);
        }
    }

    private boolean ended(long position) {
        documentsByStatus[LinePosition.status(position).ordinal()]--;
        liveBytes -= LinePosition.size(position);
        return true;
    }

    /** Documents whose last word is {@code status}; for {@link Status#STEP} those with steps and no end yet. */
    synchronized int documents(Status status) {
        return status == Status.STEP ? unfinished() : documentsByStatus[status.ordinal()];
    }

    /** A failed document keeps its steps, for the case that it is published again. */
    private int unfinished() {
        int unfinished = 0;
        for (String id : steps.keySet()) {
            long position = last(id);
            if (position == LinePosition.NONE || LinePosition.status(position) != Status.FAILED) {
                unfinished++;
            }
        }
        return unfinished;
    }

    /** Documents with a last word. */
    synchronized int size() {
        return Arrays.stream(documentsByStatus).sum();
    }

    /** Bytes of the lines that look-ups lead to, their newlines counted. */
    synchronized long liveBytes() {
        return liveBytes;
    }

    /**
     * An unchanging view of the index, while it goes on changing: small parts are copied at once, the tables are read one by
     * one later.
     *
     * @param collisions documents whose hash is another's, too
     */
    record Snapshot(Map<String, StepLine[]> steps, Map<String, Long> collisions, int[] documentsByStatus, long liveBytes) {}

    /** Until {@link #endSnapshot} the index remembers what it replaces. One at a time. */
    synchronized Snapshot beginSnapshot() {
        replaced = new HashMap<>();
        return new Snapshot(new HashMap<>(steps), new HashMap<>(collisions), documentsByStatus.clone(), liveBytes);
    }

    /**
     * The entries of one table, hash and position in turn, as they were when the snapshot was begun.
     *
     * @param end how long the file was then; what lies beyond came later
     */
    synchronized long[] entriesAt(int table, long end) {
        long[] entries = new long[2 * tables[table].size()];
        int[] length = {0};
        tables[table].forEach((hash, position) -> {
            long then = LinePosition.offset(position) < end ? position : replaced.getOrDefault(hash, LinePosition.NONE);
            if (then != LinePosition.NONE && LinePosition.offset(then) < end) {
                entries[length[0]++] = hash;
                entries[length[0]++] = then;
            }
        });
        return Arrays.copyOf(entries, length[0]);
    }

    synchronized void endSnapshot() {
        replaced = null;
    }

    /** Takes over the small parts of a snapshot; {@link #restore(int, int)} gives the tables to fill. The index must be empty. */
    synchronized void restore(Snapshot snapshot) {
        steps.putAll(snapshot.steps());
        collisions.putAll(snapshot.collisions());
        System.arraycopy(snapshot.documentsByStatus(), 0, documentsByStatus, 0, documentsByStatus.length);
        liveBytes = snapshot.liveBytes();
    }

    /** The table to put a snapshot's entries into, with room for so many. */
    PositionTable restore(int table, int entries) {
        if (entries > 0) {
            tables[table].expect(entries);
        }
        return tables[table];
    }

    private PositionTable table(long hash) {
        return tables[(int) (hash >>> Long.SIZE - TABLE_BITS)];
    }
}
