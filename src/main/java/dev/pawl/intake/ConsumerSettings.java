package dev.pawl.intake;

import java.util.Map;
import java.util.function.UnaryOperator;

import jakarta.inject.Singleton;

import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerInterceptor;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.eclipse.microprofile.config.Config;

import dev.pawl.PawlConfig;
import dev.pawl.PawlConfig.GroupProtocol;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.smallrye.reactive.messaging.ClientCustomizer;

/**
 * What the connector's consumer of the documents topic is made with, beyond what application.properties can say: the protocol of its
 * group, and somebody who sees what a poll brought before the connector does. Either protocol moves partitions without stopping the others.
 */
@Singleton
final class ConsumerSettings implements ClientCustomizer<Map<String, Object>> {

    private static final String CHANNEL = "documents";
    private static final String SELF = "pawl.consumer-settings";

    private final GroupProtocol protocol;
    private volatile UnaryOperator<ConsumerRecords<byte[], byte[]>> filter = UnaryOperator.identity();

    ConsumerSettings(PawlConfig config) {
        this.protocol = config.groupProtocol();
    }

    /** Called within each poll from now on, on its thread. */
    void filterPolled(UnaryOperator<ConsumerRecords<byte[], byte[]>> newFilter) {
        filter = newFilter;
    }

    @Override
    public Map<String, Object> customize(String channel, Config channelConfig, Map<String, Object> client) {
        if (!channel.equals(CHANNEL) || !client.containsKey(ConsumerConfig.GROUP_ID_CONFIG)) {
            return client;
        }
        client.put(ConsumerConfig.INTERCEPTOR_CLASSES_CONFIG, Interceptor.class.getName());
        client.put(SELF, this);
        client.put(ConsumerConfig.GROUP_PROTOCOL_CONFIG, protocol.name());
        switch (protocol) {
            case CLASSIC ->
                client.putIfAbsent(ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG, CooperativeStickyAssignor.class.getName());
            case CONSUMER -> {
                // The broker's business, then.
                client.remove(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG);
                client.remove(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG);
                client.remove(ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG);
            }
        }
        return client;
    }

    /** Kafka makes it, and lets it see the settings. */
    @RegisterForReflection
    public static final class Interceptor implements ConsumerInterceptor<byte[], byte[]> {

        private ConsumerSettings settings;

        @Override
        public void configure(Map<String, ?> client) {
            settings = (ConsumerSettings) client.get(SELF);
        }

        @Override
        public ConsumerRecords<byte[], byte[]> onConsume(ConsumerRecords<byte[], byte[]> polled) {
            return settings.filter.apply(polled);
        }

        @Override
        public void onCommit(Map<TopicPartition, OffsetAndMetadata> offsets) {
            // CheckpointedCommit knows what it commits.
        }

        @Override
        public void close() {
            // Holds nothing.
        }
    }
}
