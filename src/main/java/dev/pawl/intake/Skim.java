package dev.pawl.intake;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import jakarta.inject.Inject;
import jakarta.inject.Singleton;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.TopicPartition;

import dev.pawl.DocumentPipeline;
import dev.pawl.checkpoint.Checkpoint;
import dev.pawl.checkpoint.CheckpointLine;
import dev.pawl.checkpoint.FailStop;
import dev.pawl.document.Decoded;
import dev.pawl.document.RecordDecoder;
import dev.pawl.progress.Progress;

/**
 * Takes the documents that are done already out of what a poll brought, and settles them, before the connector sees it: where a whole topic is
 * published again there are millions of them, and making a message of each takes longer than the look-up. What is passed on is
 * noted in its {@link Assignment}, so that no offset is committed before {@link Intake} has settled it.
 *
 * <p>On the poll thread, where partitions come and go.
 */
@Singleton
final class Skim {

    private final LookUp lookUp;
    private final Partitions partitions;
    private final Gate gate;
    private final FailStop failStop;
    private final Progress progress;

    /** As {@link DocumentPipeline#doneElsewhere}. */
    @FunctionalInterface
    interface LookUp {
        CheckpointLine.Done doneElsewhere(Decoded record, String source, Checkpoint own);
    }

    @Inject
    Skim(DocumentPipeline pipeline, Partitions partitions, Gate gate, FailStop failStop, Progress progress) {
        this(pipeline::doneElsewhere, partitions, gate, failStop, progress);
    }

    Skim(LookUp lookUp, Partitions partitions, Gate gate, FailStop failStop, Progress progress) {
        this.lookUp = lookUp;
        this.partitions = partitions;
        this.gate = gate;
        this.failStop = failStop;
        this.progress = progress;
    }

    /** What is left to the connector. The last record is in any case: after a poll that brought none it rests for two milliseconds. */
    ConsumerRecords<byte[], byte[]> apply(ConsumerRecords<byte[], byte[]> polled) {
        boolean open = gate.isOpen() && failStop.reason().isEmpty();
        Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> rest = new HashMap<>();
        List<CheckpointLine.Done> skipped = new ArrayList<>();
        int left = polled.count();
        for (TopicPartition partition : polled.partitions()) {
            List<ConsumerRecord<byte[], byte[]>> passedOn = polled.records(partition);
            left -= passedOn.size();
            Assignment assignment = partitions.assignment(partition);
            if (assignment != null) {
                long next = passedOn.getLast().offset() + 1;
                passedOn = open ? skim(passedOn, assignment, left == 0, skipped) : passedOn;
                assignment.polled(passedOn, next);
            }
            if (!passedOn.isEmpty()) {
                rest.put(partition, passedOn);
            }
        }
        if (skipped.isEmpty()) {
            return polled;
        }
        progress.skipped(skipped);
        return new ConsumerRecords<>(rest, polled.nextOffsets());
    }

    private List<ConsumerRecord<byte[], byte[]>> skim(List<ConsumerRecord<byte[], byte[]>> records, Assignment assignment, boolean butTheLast,
            List<CheckpointLine.Done> skipped) {
        List<ConsumerRecord<byte[], byte[]>> passedOn = new ArrayList<>();
        boolean forgetting = assignment.isForgetting();
        for (ConsumerRecord<byte[], byte[]> record : records) {
            forgetting |= record.value() == null;
            boolean stays = forgetting || butTheLast && record == records.getLast();
            CheckpointLine.Done done = stays ? null : doneElsewhere(record, assignment);
            if (done == null) {
                passedOn.add(record);
            } else {
                skipped.add(done);
            }
        }
        return passedOn;
    }

    private CheckpointLine.Done doneElsewhere(ConsumerRecord<byte[], byte[]> record, Assignment assignment) {
        try {
            return lookUp.doneElsewhere(RecordDecoder.decode(record.key(), record.value(), record.headers()),
                    assignment.source(record.offset()), assignment.checkpoint());
        } catch (RuntimeException e) {
            // Met again, and dealt with, by the pipeline.
            return null;
        }
    }
}
