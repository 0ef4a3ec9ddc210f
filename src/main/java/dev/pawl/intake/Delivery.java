package dev.pawl.intake;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;

import org.apache.kafka.common.header.Headers;

import dev.pawl.checkpoint.Checkpoint;
import dev.pawl.checkpoint.CheckpointLine;
import dev.pawl.document.Decoded;
import dev.pawl.document.RecordDecoder;
import dev.pawl.provider.Patience;
import io.smallrye.reactive.messaging.kafka.IncomingKafkaRecord;
import io.smallrye.reactive.messaging.kafka.KafkaRecord;

/**
 * One record of the documents topic on its way through the pipeline.
 *
 * @param message as the connector delivered it
 */
public record Delivery(KafkaRecord<byte[], byte[]> message, Assignment assignment) {

    public String topic() {
        return message.getTopic();
    }

    public int partition() {
        return message.getPartition();
    }

    public long offset() {
        return ((IncomingKafkaRecord<byte[], byte[]>) message).getOffset();
    }

    /** Names the record: the same when it is delivered again, another when the document is published again. */
    public String source() {
        return assignment.source(offset());
    }

    public Headers headers() {
        return message.getHeaders();
    }

    public Decoded decode() {
        return RecordDecoder.decode(message.getKey(), message.getPayload(), headers());
    }

    /** The delivering partition's own checkpoint. */
    public Checkpoint checkpoint() {
        return assignment.checkpoint();
    }

    /** At zero once the partition is to be given up. */
    public CountDownLatch leaving() {
        return assignment.leaving();
    }

    /**
     * Returns when the line is durable.
     *
     * @throws Patience.AbandonedException where it can't become so: the checkpoint is closed or broken, and the record
     *         must stay unacknowledged
     */
    public void append(CheckpointLine line) {
        await(assignment.checkpoint().append(line));
    }

    /** Returns when whoever owns the partition next knows that the result was emitted, or never will be; throws as {@link #append} does. */
    public void emitted(CheckpointLine.Done line) {
        await(assignment.checkpoint().emitted(line));
    }

    private static void await(CompletableFuture<Void> durable) {
        try {
            durable.join();
        } catch (CompletionException e) {
            throw new Patience.AbandonedException();
        }
    }
}
