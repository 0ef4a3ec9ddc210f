package dev.pawl.intake;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;

import jakarta.inject.Singleton;

import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.jboss.logging.Logger;

import dev.pawl.checkpoint.FailStop;
import io.smallrye.common.annotation.Identifier;
import io.smallrye.mutiny.Uni;
import io.smallrye.reactive.messaging.kafka.IncomingKafkaRecord;
import io.smallrye.reactive.messaging.kafka.KafkaConnectorIncomingConfiguration;
import io.smallrye.reactive.messaging.kafka.KafkaConsumer;
import io.smallrye.reactive.messaging.kafka.commit.ContextHolder;
import io.smallrye.reactive.messaging.kafka.commit.KafkaCommitHandler;
import io.vertx.mutiny.core.Vertx;

/**
 * Commits what is {@linkplain Assignment#committable settled}: every {@code auto.commit.interval.ms}, and a tenth of that after nothing was in
 * work any more. And hands partitions over:
 *
 * <pre>
 * assigned   {@linkplain Takeovers take over} the checkpoint → publish the assignment → first record
 * revoked    drain the documents in work → commit → close the checkpoint
 * </pre>
 *
 * It is a commit strategy and no rebalance listener, because the connector calls listeners only after the last commit: what is
 * drained then would be acknowledged to nobody. It is none of the connector's own, because those are told of one record at a time,
 * and a batch of documents that are done already needs a look at each and one word to the broker. All rebalance methods run on
 * the poll thread.
 */
final class CheckpointedCommit extends ContextHolder implements KafkaCommitHandler {

    static final String STRATEGY = "checkpointed";

    private static final Logger LOG = Logger.getLogger(CheckpointedCommit.class);
    private static final int DEFAULT_API_TIMEOUT_MS = 60_000;
    private static final int DEFAULT_INTERVAL_MS = 5_000;
    /** What the broker is given for the last word, when the process ends. */
    private static final Duration LAST_COMMIT = Duration.ofSeconds(5);

    private final KafkaConsumer<?, ?> consumer;
    private final Partitions partitions;
    private final Takeovers takeovers;
    private final Backlog backlog;
    private final Map<TopicPartition, Long> committed = new ConcurrentHashMap<>();
    private final long timer;
    private final int soonMs;
    private final AtomicBoolean dueSoon = new AtomicBoolean();
    private final FailStop failStop;
    /** Whether records were polled that no assignment knows of. */
    private volatile boolean lostSight;

    private CheckpointedCommit(Vertx vertx, int apiTimeoutMs, int intervalMs, KafkaConsumer<?, ?> consumer, Partitions partitions,
            Takeovers takeovers, Backlog backlog, Skim skim, FailStop failStop, ConsumerSettings settings) {
        super(vertx, apiTimeoutMs);
        this.failStop = failStop;
        this.consumer = consumer;
        this.partitions = partitions;
        this.takeovers = takeovers;
        this.backlog = backlog;
        this.timer = vertx.setPeriodic(intervalMs, _ -> commit());
        this.soonMs = Math.max(1, intervalMs / 10);
        partitions.onIdle(this::commitSoon);
        settings.filterPolled(polled -> filtered(polled, skim));
    }

    @Singleton
    @Identifier(STRATEGY)
    static final class Factory implements KafkaCommitHandler.Factory {

        private final Partitions partitions;
        private final Takeovers takeovers;
        private final Backlog backlog;
        private final Skim skim;
        private final FailStop failStop;
        private final ConsumerSettings settings;

        Factory(Partitions partitions, Takeovers takeovers, Backlog backlog, Skim skim, FailStop failStop, ConsumerSettings settings) {
            this.partitions = partitions;
            this.takeovers = takeovers;
            this.backlog = backlog;
            this.skim = skim;
            this.failStop = failStop;
            this.settings = settings;
        }

        @Override
        public KafkaCommitHandler create(KafkaConnectorIncomingConfiguration config, Vertx vertx, KafkaConsumer<?, ?> consumer,
                BiConsumer<Throwable, Boolean> reportFailure) {
            return new CheckpointedCommit(vertx,
                    config.config().getOptionalValue(ConsumerConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, Integer.class)
                            .orElse(DEFAULT_API_TIMEOUT_MS),
                    config.config().getOptionalValue(ConsumerConfig.AUTO_COMMIT_INTERVAL_MS_CONFIG, Integer.class)
                            .orElse(DEFAULT_INTERVAL_MS),
                    consumer, partitions, takeovers, backlog, skim, failStop, settings);
        }
    }

    @Override
    public void partitionsAssigned(Collection<TopicPartition> assigned) {
        // Not only those given: where this failed, the client calls again, for none.
        List<TopicPartition> added = consumer.unwrap().assignment().stream()
                .filter(partition -> partitions.assignment(partition) == null && !takeovers.isUnderWay(partition)).toList();
        backlog.assigned(consumer.unwrap(), added);
        Thread pollThread = Thread.currentThread();
        takeovers.begin(added, consumer.unwrap()::position, ready -> {
            if (Thread.currentThread() == pollThread) {
                publish(ready);
            } else {
                consumer.runOnPollingThread(_ -> {
                    publish(ready);
                }).subscribe().with(_ -> { }, failure -> LOG.errorf(failure, "%s can't be read", ready.partition()));
            }
        });
        consumer.unwrap().pause(added.stream().filter(takeovers::isUnderWay).toList());
    }

    private void publish(Takeovers.Ready ready) {
        if (!takeovers.end(ready)) {
            return;
        }
        committed.put(ready.partition(), ready.position());
        runOnContextAndAwait(() -> {
            partitions.assigned(ready.partition(), new Assignment(ready.partition().toString(), ready.checkpoint(), ready.position()));
            return null;
        });
        Consumer<?, ?> client = consumer.unwrap();
        Set<TopicPartition> others = new HashSet<>(client.assignment());
        others.removeIf(partition -> partition.equals(ready.partition()) || takeovers.isUnderWay(partition));
        // Where the connector has paused all that it reads, it resumes this one with them.
        if (others.isEmpty() || !client.paused().containsAll(others)) {
            client.resume(Set.of(ready.partition()));
        }
    }

    /**
     * Called within a poll, with what it brought. Where this fails, memory has run out, or the client's patience: Kafka would log it at most, and
     * the records would be committed together with those behind them.
     */
    private ConsumerRecords<byte[], byte[]> filtered(ConsumerRecords<byte[], byte[]> polled, Skim skim) {
        try {
            return skim.apply(withoutThoseUnderWay(polled));
        } catch (RuntimeException | Error e) {
            lostSight = true;
            failStop.stop("what was polled can't be looked at: " + e);
            throw e;
        }
    }

    /** The connector resumes all partitions together, those that have to wait as well. They go back to where they were. */
    private ConsumerRecords<byte[], byte[]> withoutThoseUnderWay(ConsumerRecords<byte[], byte[]> polled) {
        if (polled.partitions().stream().noneMatch(takeovers::isUnderWay)) {
            return polled;
        }
        Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> records = new HashMap<>();
        Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>(polled.nextOffsets());
        for (TopicPartition partition : polled.partitions()) {
            if (takeovers.isUnderWay(partition)) {
                consumer.unwrap().seek(partition, polled.records(partition).getFirst().offset());
                consumer.unwrap().pause(Set.of(partition));
                next.remove(partition);
            } else {
                records.put(partition, polled.records(partition));
            }
        }
        return new ConsumerRecords<>(records, next);
    }

    @Override
    public void partitionsRevoked(Collection<TopicPartition> revoked) {
        takeovers.cancel(revoked);
        partitions.drain(revoked);
        try {
            Map<TopicPartition, OffsetAndMetadata> due = due(revoked);
            if (!due.isEmpty()) {
                consumer.unwrap().commitSync(due);
            }
        } catch (KafkaException e) {
            LOG.warnf("The last offsets of %s could not be committed, their next owner finds them in the checkpoint: %s", revoked,
                    e.getMessage());
        }
        partitions.closed(revoked);
        backlog.revoked(revoked);
        committed.keySet().removeAll(revoked);
    }

    private void commitSoon() {
        if (dueSoon.compareAndSet(false, true)) {
            vertx.setTimer(soonMs, _ -> {
                dueSoon.set(false);
                commit();
            });
        }
    }

    /**
     * What is due is looked up on the poll thread: waiting for its turn there, a commit can be overtaken by the revocation of a partition, and would
     * put the offset back that its last commit or its next owner has written. The broker does not ask whose a partition is.
     */
    private void commit() {
        if (due().isEmpty()) {
            return;
        }
        consumer.runOnPollingThread(client -> {
            Map<TopicPartition, OffsetAndMetadata> due = due();
            if (!due.isEmpty()) {
                client.commitAsync(due, (_, failure) -> {
                    if (failure == null) {
                        settled(due);
                    } else {
                        LOG.debugf("Offsets could not be committed, trying again: %s", failure.getMessage());
                    }
                });
            }
        }).subscribe().with(_ -> { }, failure -> LOG.debugf("Offsets could not be committed, trying again: %s", failure.getMessage()));
    }

    private Map<TopicPartition, OffsetAndMetadata> due() {
        return due(Set.copyOf(committed.keySet()));
    }

    /** What is settled beyond what the broker knows. */
    private Map<TopicPartition, OffsetAndMetadata> due(Collection<TopicPartition> ofPartitions) {
        Map<TopicPartition, OffsetAndMetadata> due = new HashMap<>();
        if (lostSight) {
            return due;
        }
        partitions.committable(ofPartitions).forEach((partition, offset) -> {
            if (offset > committed.getOrDefault(partition, -1L)) {
                due.put(partition, new OffsetAndMetadata(offset, backlog.written(partition)));
            }
        });
        return due;
    }

    private void settled(Map<TopicPartition, OffsetAndMetadata> offsets) {
        offsets.forEach((partition, offset) -> committed.computeIfPresent(partition, (_, before) -> Math.max(before, offset.offset())));
    }

    @Override
    public <K, V> Uni<IncomingKafkaRecord<K, V>> received(IncomingKafkaRecord<K, V> record) {
        return Uni.createFrom().item(record);
    }

    /** Told by the dead-letter queue once the broker has the letter; {@link Intake} settles its record as all others. */
    @Override
    public <K, V> Uni<Void> handle(IncomingKafkaRecord<K, V> record) {
        return Uni.createFrom().voidItem();
    }

    @Override
    public void terminate(boolean graceful) {
        vertx.cancelTimer(timer);
        partitions.drainAll();
        if (!due().isEmpty()) {
            consumer.runOnPollingThread(client -> {
                Map<TopicPartition, OffsetAndMetadata> due = due();
                client.commitSync(due);
                settled(due);
            }).await().atMost(LAST_COMMIT);
        }
    }
}
