package dev.pawl.intake;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import org.apache.kafka.clients.consumer.ConsumerRecord;

import dev.pawl.checkpoint.Checkpoint;

/**
 * A partition from the moment it is assigned to this process until it is revoked: its checkpoint, which of its documents
 * are in work, and which offset may be committed. Thread-safe.
 */
final class Assignment {

    private final String partition;
    private final Checkpoint checkpoint;
    private final CountDownLatch leaving = new CountDownLatch(1);
    private final CompletableFuture<Void> idle = new CompletableFuture<>();

    /** Of the records that were passed on; one whose document was abandoned stays. */
    private final TreeSet<Long> unsettledOffsets = new TreeSet<>();
    /** Those of them that let Pawl forget a document. */
    private final Set<Long> tombstones = new HashSet<>();
    private int inWork;
    private long nextOffset;
    private long logEndOffset;

    /** @param position the offset of the first record to come */
    Assignment(String partition, Checkpoint checkpoint, long position) {
        this.partition = partition;
        this.checkpoint = checkpoint;
        this.nextOffset = position;
        this.logEndOffset = position;
    }

    String partition() {
        return partition;
    }

    /** What the checkpoint calls a record of the partition. */
    String source(long offset) {
        return partition + '@' + offset;
    }

    Checkpoint checkpoint() {
        return checkpoint;
    }

    /** At zero once the partition is to be given up: documents in work end after the model call they are in. */
    CountDownLatch leaving() {
        return leaving;
    }

    /**
     * What a poll brought of the partition. Offsets come in their order.
     *
     * @param passedOn the records that are left to be done; the others are settled
     * @param next the offset behind the last of all
     */
    synchronized void polled(List<ConsumerRecord<byte[], byte[]>> passedOn, long next) {
        for (ConsumerRecord<byte[], byte[]> record : passedOn) {
            unsettledOffsets.add(record.offset());
            if (record.value() == null) {
                tombstones.add(record.offset());
            }
        }
        nextOffset = next;
    }

    /** Whether a tombstone is on its way: what is known of a document may not be true any more for the records behind it. */
    synchronized boolean isForgetting() {
        return !tombstones.isEmpty();
    }

    /** Takes a document into work, unless the partition is being given up, or the record was not polled for this assignment. */
    synchronized boolean enter(long offset) {
        if (leaving.getCount() == 0 || !unsettledOffsets.contains(offset)) {
            return false;
        }
        inWork++;
        return true;
    }

    /** All has been done that this record asked for. */
    synchronized void settle(long offset) {
        unsettledOffsets.remove(offset);
        tombstones.remove(offset);
    }

    /** The offset up to which, itself excluded, everything is settled. */
    synchronized long committable() {
        return unsettledOffsets.isEmpty() ? nextOffset : unsettledOffsets.first();
    }

    synchronized void leave() {
        inWork--;
        completeWhenIdle();
    }

    /** No further document enters; those in work end soon. */
    synchronized void beginLeaving() {
        leaving.countDown();
        completeWhenIdle();
    }

    private void completeWhenIdle() {
        if (inWork == 0 && leaving.getCount() == 0) {
            idle.complete(null);
        }
    }

    /** Waits until no document is in work any more. False where that took longer than {@code timeout}. */
    boolean awaitIdle(Duration timeout) {
        return idle.completeOnTimeout(null, timeout.toMillis(), TimeUnit.MILLISECONDS).thenApply(_ -> inWork() == 0).join();
    }

    synchronized int inWork() {
        return inWork;
    }

    /** Where the partition's log ends, as the poll thread last saw it. */
    synchronized void observe(long logEndOffset) {
        this.logEndOffset = logEndOffset;
    }

    /** As it was last {@linkplain #observe observed}. */
    synchronized long logEnd() {
        return logEndOffset;
    }

    /** Records of the partition that are not settled yet: those that were passed on and those that were not polled. */
    synchronized long lag() {
        return unsettledOffsets.size() + Math.max(0, logEndOffset - nextOffset);
    }
}
