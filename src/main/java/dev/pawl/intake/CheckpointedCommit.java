package dev.pawl.intake;

import java.util.Collection;
import java.util.function.BiConsumer;

import jakarta.inject.Singleton;

import org.apache.kafka.common.TopicPartition;

import io.smallrye.common.annotation.Identifier;
import io.smallrye.mutiny.Uni;
import io.smallrye.reactive.messaging.kafka.IncomingKafkaRecord;
import io.smallrye.reactive.messaging.kafka.KafkaConnectorIncomingConfiguration;
import io.smallrye.reactive.messaging.kafka.KafkaConsumer;
import io.smallrye.reactive.messaging.kafka.commit.ContextHolder;
import io.smallrye.reactive.messaging.kafka.commit.KafkaCommitHandler;
import io.smallrye.reactive.messaging.kafka.commit.KafkaThrottledLatestProcessedCommit;
import io.vertx.mutiny.core.Context;
import io.vertx.mutiny.core.Vertx;

/**
 * SmallRye's throttled commit, which commits the contiguous prefix of what was acknowledged, with the hand-over of
 * partitions around it:
 *
 * <pre>
 * assigned   open the checkpoint → commit strategy takes the partition → first record
 * revoked    drain the documents in work → commit strategy commits and lets go → close the checkpoint
 * </pre>
 *
 * The order on revocation is why this is a commit strategy and no rebalance listener: the connector calls listeners only
 * after the last commit, and what is drained then would be acknowledged to nobody. All rebalance methods run on the poll
 * thread.
 */
final class CheckpointedCommit extends ContextHolder implements KafkaCommitHandler {

    static final String STRATEGY = "checkpointed";

    private final KafkaThrottledLatestProcessedCommit throttled;
    private final KafkaConsumer<?, ?> consumer;
    private final Partitions partitions;

    private CheckpointedCommit(Vertx vertx, KafkaThrottledLatestProcessedCommit throttled, KafkaConsumer<?, ?> consumer,
            Partitions partitions) {
        super(vertx, throttled.getTimeoutInMillis());
        this.throttled = throttled;
        this.consumer = consumer;
        this.partitions = partitions;
    }

    @Singleton
    @Identifier(STRATEGY)
    static final class Factory implements KafkaCommitHandler.Factory {

        private final KafkaThrottledLatestProcessedCommit.Factory throttled;
        private final Partitions partitions;

        Factory(@Identifier(Strategy.THROTTLED) KafkaThrottledLatestProcessedCommit.Factory throttled, Partitions partitions) {
            this.throttled = throttled;
            this.partitions = partitions;
        }

        @Override
        public KafkaCommitHandler create(KafkaConnectorIncomingConfiguration config, Vertx vertx, KafkaConsumer<?, ?> consumer,
                BiConsumer<Throwable, Boolean> reportFailure) {
            return new CheckpointedCommit(vertx, throttled.create(config, vertx, consumer, reportFailure), consumer, partitions);
        }
    }

    @Override
    public void capture(Context context) {
        super.capture(context);
        throttled.capture(context);
    }

    @Override
    public void capture(io.vertx.core.Context context) {
        super.capture(context);
        throttled.capture(context);
    }

    @Override
    public void partitionsAssigned(Collection<TopicPartition> assigned) {
        partitions.assigned(assigned, consumer.unwrap()::position);
        throttled.partitionsAssigned(assigned);
    }

    @Override
    public void partitionsRevoked(Collection<TopicPartition> revoked) {
        partitions.drain(revoked);
        throttled.partitionsRevoked(revoked);
        partitions.closed(revoked);
    }

    @Override
    public <K, V> Uni<IncomingKafkaRecord<K, V>> received(IncomingKafkaRecord<K, V> record) {
        return throttled.received(record);
    }

    @Override
    public <K, V> Uni<Void> handle(IncomingKafkaRecord<K, V> record) {
        return throttled.handle(record);
    }

    @Override
    public void terminate(boolean graceful) {
        throttled.terminate(graceful);
    }
}
