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
import org.jboss.logging.Logger;

import dev.pawl.DocumentPipeline;
import dev.pawl.checkpoint.Checkpoint;
import dev.pawl.checkpoint.CheckpointLine;
import dev.pawl.checkpoint.FailStop;
import dev.pawl.document.Decoded;
import dev.pawl.document.RecordDecoder;
import dev.pawl.progress.Progress;

/**
 * Takes the documents that are done already out of what a poll brought, and settles them, before the connector sees it: where a whole topic is
 * published again there are millions of them, and making a message of each takes as long as the look-up. What is passed on is
 * noted in its {@link Assignment}, so that no offset is committed before {@link Intake} has settled it.
 *
 * <p>On the poll thread, where partitions come and go.
 */
@Singleton
final class Skim {

    private static final Logger LOG = Logger.getLogger(Skim.class);

    /** Where so many records in a row have to be worked off, so have those behind them, as a rule; nothing is looked up twice for them. */
    private static final int MISSES = 4;

    private final LookUp lookUp;
    private final Partitions partitions;
    private final Gate gate;
    private final FailStop failStop;
    private final Progress progress;

    /** As {@link DocumentPipeline#skippable}. */
    @FunctionalInterface
    interface LookUp {
        CheckpointLine.Done skippable(Decoded record, String source, Checkpoint own);
    }

    @Inject
    Skim(DocumentPipeline pipeline, Partitions partitions, Gate gate, FailStop failStop, Progress progress) {
        this(pipeline::skippable, partitions, gate, failStop, progress);
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
        boolean skips = gate.isOpen() && failStop.reason().isEmpty()
                && partitions.assignments().values().stream().noneMatch(Assignment::isForgetting);
        Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> rest = new HashMap<>();
        List<CheckpointLine.Done> skipped = new ArrayList<>();
        int left = polled.count();
        for (TopicPartition partition : polled.partitions()) {
            List<ConsumerRecord<byte[], byte[]>> passedOn = polled.records(partition);
            left -= passedOn.size();
            Assignment assignment = partitions.assignment(partition);
            if (assignment != null) {
                long next = passedOn.getLast().offset() + 1;
                passedOn = skips ? skim(passedOn, assignment, left == 0, skipped) : passedOn;
                assignment.polled(passedOn, next);
                // Whichever partition it came through, it makes all forget the document.
                skips &= !assignment.isForgetting();
            }
            if (!passedOn.isEmpty()) {
                rest.put(partition, passedOn);
            }
        }
        if (skipped.isEmpty()) {
            return polled;
        }
        count(skipped);
        return new ConsumerRecords<>(rest, polled.nextOffsets());
    }

    private void count(List<CheckpointLine.Done> skipped) {
        try {
            progress.skipped(skipped);
        } catch (RuntimeException e) {
            // A line that says which models answered, and can't be read, costs a figure.
            LOG.warnf("%d skipped documents are missing in what was saved: %s", skipped.size(), e.getMessage());
        }
    }

    private List<ConsumerRecord<byte[], byte[]>> skim(List<ConsumerRecord<byte[], byte[]>> records, Assignment assignment, boolean butTheLast,
            List<CheckpointLine.Done> skipped) {
        List<ConsumerRecord<byte[], byte[]>> passedOn = new ArrayList<>();
        boolean forgetting = false;
        int misses = 0;
        for (ConsumerRecord<byte[], byte[]> record : records) {
            forgetting |= record.value() == null;
            boolean stays = forgetting || misses == MISSES || butTheLast && record == records.getLast();
            CheckpointLine.Done done = stays ? null : skippable(record, assignment);
            if (done == null) {
                passedOn.add(record);
                misses += stays ? 0 : 1;
            } else {
                skipped.add(done);
                misses = 0;
            }
        }
        return passedOn;
    }

    private CheckpointLine.Done skippable(ConsumerRecord<byte[], byte[]> record, Assignment assignment) {
        try {
            return lookUp.skippable(RecordDecoder.decode(record.key(), record.value(), record.headers()),
                    assignment.source(record.offset()), assignment.checkpoint());
        } catch (RuntimeException e) {
            // Met again, and dealt with, by the pipeline.
            return null;
        }
    }
}
