package dev.pawl.intake;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.common.TopicPartition;
import org.jboss.logging.Logger;

import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.reactive.messaging.kafka.KafkaClientService;
import io.vertx.core.Vertx;

/** Looks, once a second and without a request to the broker, how far the partitions' logs reach. */
@Singleton
final class LagWatch {

    private static final Logger LOG = Logger.getLogger(LagWatch.class);
    private static final Duration INTERVAL = Duration.ofSeconds(1);

    private final KafkaClientService clients;
    private final Partitions partitions;
    private final Backlog backlog;
    private final Vertx vertx;
    private long timer;

    LagWatch(KafkaClientService clients, Partitions partitions, Backlog backlog, Vertx vertx) {
        this.clients = clients;
        this.partitions = partitions;
        this.backlog = backlog;
        this.vertx = vertx;
    }

    void start(@Observes StartupEvent event) {
        timer = vertx.setPeriodic(INTERVAL.toMillis(), _ -> clients.getConsumer("documents")
                .runOnPollingThread((java.util.function.Consumer<Consumer<Object, Object>>) this::observe)
                .subscribe().with(_ -> { }, failure -> LOG.debug("The lag could not be read", failure)));
    }

    void stop(@Observes ShutdownEvent event) {
        vertx.cancelTimer(timer);
    }

    private void observe(Consumer<?, ?> consumer) {
        Map<TopicPartition, Assignment> assignments = Map.copyOf(partitions.assignments());
        Map<TopicPartition, Long> ends = new HashMap<>();
        assignments.keySet().forEach(partition -> {
            if (consumer.assignment().contains(partition)) {
                consumer.currentLag(partition).ifPresent(lag -> ends.put(partition, consumer.position(partition) + lag));
            }
        });
        backlog.observe(assignments, ends);
    }
}
