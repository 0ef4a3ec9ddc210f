package dev.pawl.checkpoint;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.ToLongFunction;

import com.carrotsearch.hppc.LongLongHashMap;
import com.carrotsearch.hppc.LongObjectHashMap;
import com.carrotsearch.hppc.cursors.LongCursor;
import com.dynatrace.hash4j.hashing.Hasher64;
import com.dynatrace.hash4j.hashing.Hashing;

import dev.pawl.checkpoint.LineFormat.Status;

/**
 * Finds the lines of a document: a 64-bit hash of its ID leads to the position of its last done, failed or forgotten
 * line, and, while it is unfinished, to its step lines. Some 24 bytes of heap a document; the lines stay on disk, and
 * whoever follows a position confirms the ID there. Two IDs with one hash are rare (one chance in 370,000 among ten million)
 * and told apart: the second is kept by its ID.
 *
 * <p>Thread-safe; no method does input or output but {@link #put}, which may read one line back.
 */
final class CheckpointIndex {

    /** Reads the ID of the line at a position. */
    @FunctionalInterface
    interface IdReader {
        String idAt(long position);
    }

    private static final Hasher64 HASH = Hashing.xxh3_64();
    private static final long[] NO_STEPS = {};

    private final IdReader ids;
    private final ToLongFunction<String> hash;
    private final LongLongHashMap last = new LongLongHashMap();
    private final LongObjectHashMap<long[]> steps = new LongObjectHashMap<>();
    private final Map<String, Long> collisions = new HashMap<>();
    private final int[] documentsByStatus = new int[Status.values().length];

    CheckpointIndex(IdReader ids) {
        this(ids, id -> HASH.hashBytesToLong(id.getBytes(StandardCharsets.UTF_8)));
    }

    /** With a hash of one's own, so that tests can bring collisions about. */
    CheckpointIndex(IdReader ids, ToLongFunction<String> hash) {
        this.ids = ids;
        this.hash = hash;
    }

    /** Where a document's lines are. {@code last} is {@link LinePosition#NONE} where it has none. */
    record Positions(long last, long[] steps) {}

    synchronized Positions find(String id) {
        long hash = this.hash.applyAsLong(id);
        Long collision = collisions.isEmpty() ? null : collisions.get(id);
        return new Positions(collision != null ? collision : last.getOrDefault(hash, LinePosition.NONE),
                steps.getOrDefault(hash, NO_STEPS));
    }

    synchronized void put(String id, long position) {
        long hash = this.hash.applyAsLong(id);
        Status status = LinePosition.status(position);
        if (status == Status.STEP) {
            long[] known = steps.getOrDefault(hash, NO_STEPS);
            long[] more = Arrays.copyOf(known, known.length + 1);
            more[known.length] = position;
            steps.put(hash, more);
            return;
        }
        // A finished document's outputs are in its done line; a forgotten one's count no more. A failed one runs again.
        if (status != Status.FAILED) {
            forgetSteps(hash, id);
        }
        long previous = replace(hash, id, position);
        if (previous != LinePosition.NONE) {
            documentsByStatus[LinePosition.status(previous).ordinal()]--;
        }
        documentsByStatus[status.ordinal()]++;
    }

    /** Documents whose last word is {@code status}; for {@link Status#STEP} those with steps and no end yet. */
    synchronized int documents(Status status) {
        return status == Status.STEP ? unfinished() : documentsByStatus[status.ordinal()];
    }

    /** A failed document keeps its steps, for the case that it is published again. */
    private int unfinished() {
        int unfinished = 0;
        for (LongCursor hash : steps.keys()) {
            long position = last.getOrDefault(hash.value, LinePosition.NONE);
            if (position == LinePosition.NONE || LinePosition.status(position) != Status.FAILED) {
                unfinished++;
            }
        }
        return unfinished;
    }

    private long replace(long hash, String id, long position) {
        Long collision = collisions.isEmpty() ? null : collisions.get(id);
        if (collision != null) {
            collisions.put(id, position);
            return collision;
        }
        int slot = last.indexOf(hash);
        if (!last.indexExists(slot)) {
            last.indexInsert(slot, hash, position);
            return LinePosition.NONE;
        }
        long previous = last.indexGet(slot);
        if (!id.equals(ids.idAt(previous))) {
            collisions.put(id, position);
            return LinePosition.NONE;
        }
        last.indexReplace(slot, position);
        return previous;
    }

    private void forgetSteps(long hash, String id) {
        long[] known = steps.get(hash);
        if (known == null) {
            return;
        }
        long[] others = Arrays.stream(known).filter(position -> !id.equals(ids.idAt(position))).toArray();
        if (others.length == 0) {
            steps.remove(hash);
        } else {
            steps.put(hash, others);
        }
    }
}
