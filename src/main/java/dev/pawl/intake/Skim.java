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
 * published again there are millions of them, and making a message of each takes as long as looking up each. What is passed on is
 * noted in its {@link Assignment}, so that no offset is committed before {@link Intake} has settled it.
 *
 * <p>On the poll thread, where partitions come and go.
 */
@Singleton
final class Skim {

    private static final Logger LOG = Logger.getLogger(Skim.class);

    /**
     * So many of a partition's records are looked up first, and so many times more as long as one of those before could be skipped: where none
     * can, it is the same with those behind them, as a rule, and nothing is looked up twice for them.
     */
    private static final int FIRST_LOOK = 4;
    private static final int GROWTH = 16;
    /** So many lines, with their results, are in memory at once. */
    private static final int LARGEST_LOOK = 256;

    private final LookUp lookUp;
    private final Partitions partitions;
    private final Gate gate;
    private final FailStop failStop;
    private final Progress progress;

    /** As {@link DocumentPipeline#skippable}. */
    @FunctionalInterface
    interface LookUp {
        CheckpointLine.Done[] skippable(List<Decoded> records, List<String> sources, Checkpoint own);
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
        boolean all = true;
        int left = polled.count();
        for (TopicPartition partition : polled.partitions()) {
            List<ConsumerRecord<byte[], byte[]>> passedOn = polled.records(partition);
            left -= passedOn.size();
            Assignment assignment = partitions.assignment(partition);
            if (assignment != null) {
                long next = passedOn.getLast().offset() + 1;
                passedOn = skips ? skim(passedOn, assignment, left == 0) : passedOn;
                all &= passedOn.size() == polled.records(partition).size();
                assignment.polled(passedOn, next);
                // Whichever partition it came through, it makes all forget the document.
                skips &= !assignment.isForgetting();
            }
            if (!passedOn.isEmpty()) {
                rest.put(partition, passedOn);
            }
        }
        return all ? polled : new ConsumerRecords<>(rest, polled.nextOffsets());
    }

    private void count(List<CheckpointLine.Done> skipped) {
        try {
            progress.skipped(skipped);
        } catch (RuntimeException e) {
            // A line that says which models answered, and can't be read, costs a figure.
            LOG.warnf("%d skipped documents are missing in what was saved: %s", skipped.size(), e.getMessage());
        }
    }

    private List<ConsumerRecord<byte[], byte[]>> skim(List<ConsumerRecord<byte[], byte[]>> records, Assignment assignment, boolean butTheLast) {
        int most = records.size() - (butTheLast ? 1 : 0);
        int end = 0;
        while (end < most && records.get(end).value() != null) {
            end++;
        }
        List<ConsumerRecord<byte[], byte[]>> passedOn = new ArrayList<>();
        int from = 0;
        boolean worthALook = true;
        for (int size = FIRST_LOOK; worthALook && from < end; size = Math.min(size * GROWTH, LARGEST_LOOK)) {
            int to = Math.min(end, from + size);
            worthALook = look(records.subList(from, to), assignment, passedOn);
            from = to;
        }
        passedOn.addAll(records.subList(from, records.size()));
        return passedOn;
    }

    /** Whether any of them could be skipped; the others are passed on. */
    private boolean look(List<ConsumerRecord<byte[], byte[]>> records, Assignment assignment, List<ConsumerRecord<byte[], byte[]>> passedOn) {
        CheckpointLine.Done[] done = skippable(records, assignment);
        List<CheckpointLine.Done> skipped = new ArrayList<>(done.length);
        for (int i = 0; i < done.length; i++) {
            if (done[i] == null) {
                passedOn.add(records.get(i));
            } else {
                skipped.add(done[i]);
            }
        }
        if (!skipped.isEmpty()) {
            count(skipped);
        }
        return !skipped.isEmpty();
    }

    private CheckpointLine.Done[] skippable(List<ConsumerRecord<byte[], byte[]>> records, Assignment assignment) {
        try {
            List<Decoded> decoded = new ArrayList<>(records.size());
            List<String> sources = new ArrayList<>(records.size());
            for (ConsumerRecord<byte[], byte[]> record : records) {
                decoded.add(RecordDecoder.decode(record.key(), record.value(), record.headers()));
                sources.add(assignment.source(record.offset()));
            }
            return lookUp.skippable(decoded, sources, assignment.checkpoint());
        } catch (RuntimeException e) {
            // Met again, and dealt with, by the pipeline.
            return new CheckpointLine.Done[records.size()];
        }
    }
}
